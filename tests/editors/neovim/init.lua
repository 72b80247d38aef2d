-- What a user would write, and records of what was notified.
vim.o.swapfile = false
vim.o.shadafile = 'NONE'
vim.o.termguicolors = true
vim.opt.runtimepath:prepend(vim.env.EDGEWISE_TEST_PLUGIN)

_G.notified = {}
local notify = vim.notify
vim.notify = function(text, ...)
  table.insert(_G.notified, text)
  return notify(text, ...)
end

require('edgewise').setup(vim.json.decode(vim.env.EDGEWISE_TEST_OPTIONS))
assert(loadstring(vim.env.EDGEWISE_TEST_INIT or ''))()
