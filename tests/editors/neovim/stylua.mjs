// node stylua.mjs MODULE CHECK|WRITE FILE...: StyLua, whose npm package has no command of its own.
// The style is that of editors/neovim/stylua.toml; a test compares the two.
import { readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'

const [module, mode, ...files] = process.argv.slice(2)
const lua = createRequire(import.meta.url)(module)

// Made anew for each file: formatCode() takes it away.
function newConfig() {
  const config = lua.Config.new()
  config.column_width = 100
  config.indent_type = lua.IndentType.Spaces
  config.indent_width = 2
  config.quote_style = lua.QuoteStyle.AutoPreferSingle
  return config
}

let n_changed = 0
for (const file of files) {
  const before = readFileSync(file, 'utf8')
  const after = lua.formatCode(before, newConfig(), undefined, lua.OutputVerification.Full)
  if (after === before) continue
  n_changed += 1
  console.log(file)
  if (mode === 'WRITE') writeFileSync(file, after)
}
process.exit(mode === 'CHECK' && n_changed > 0 ? 1 : 0)
