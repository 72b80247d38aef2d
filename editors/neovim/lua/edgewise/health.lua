--- `:checkhealth edgewise`.

local M = {}

local health = vim.health

local function check_neovim()
  health.start('Neovim')
  if vim.fn.has('nvim-0.12') == 1 then
    health.ok('Neovim ' .. tostring(vim.version()))
    return true
  end
  health.error('Neovim 0.12 or newer is needed, this is ' .. tostring(vim.version()))
  return false
end

local function check_plugin()
  health.start('Plugin')
  if vim.lsp.is_enabled('edgewise') then
    health.ok('set up')
  else
    health.error('not set up', { 'Put `require("edgewise").setup()` into your init.lua.' })
  end
  local taken = vim.fn.maparg('<Tab>', 'i', false, true)
  if not vim.startswith(taken.desc or '', 'edgewise: ') then
    health.info(
      '<Tab> does not accept ghost text here: ' .. (taken.desc or taken.rhs or 'not mapped')
    )
  end
end

local function check_program()
  health.start('Program')
  local command, problem = require('edgewise.server').command()
  if not command then
    health.error(problem or '', {
      'Install the server: see `:help edgewise-install`.',
      'Or name the program: `require("edgewise").setup({ cmd = { "/path/to/edgewise", "serve" } })`.',
    })
    return
  end
  local path = vim.fn.exepath(command[1])
  health.ok(table.concat(command, ' ') .. (path ~= command[1] and (', which is ' .. path) or ''))
  local run = vim.system({ command[1], '--version' }, { text = true }):wait(10000)
  if run.code == 0 then
    health.ok(vim.trim(run.stdout))
  else
    health.warn('`--version` failed: ' .. vim.trim(run.stderr or ''))
  end
end

local function check_server()
  health.start('Server')
  local state, message = require('edgewise.status').of_server()
  local say = state == 'failed' and health.error or health.ok
  say(state .. (message ~= '' and (': ' .. message) or ''))
  for _, client in ipairs(vim.lsp.get_clients({ name = 'edgewise' })) do
    local n_buffers = vim.tbl_count(client.attached_buffers)
    local version = (client.server_info or {}).version or '?'
    local noun = n_buffers == 1 and 'buffer' or 'buffers'
    health.ok(('edgewise %s serves %d %s'):format(version, n_buffers, noun))
    if not client:supports_method('textDocument/inlineCompletion') then
      health.error('it offers no inline completion')
    end
  end
  health.info('Its log is that of all language servers: ' .. vim.lsp.log.get_filename())
end

function M.check()
  if check_neovim() then
    check_plugin()
    check_program()
    check_server()
  end
end

return M
