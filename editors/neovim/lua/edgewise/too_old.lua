--- What a Neovim without inline completion is told: one line, once. Runs in any Neovim that has Lua.

local M = {}

local is_told = false

function M.tell()
  if is_told then
    return
  end
  is_told = true
  local version = vim.version()
  local found = ('%d.%d.%d'):format(version.major, version.minor, version.patch)
  vim.notify('edgewise needs Neovim 0.12 or newer, this is ' .. found .. '.', vim.log.levels.WARN)
end

return M
