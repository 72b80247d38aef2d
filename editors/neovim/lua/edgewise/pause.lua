--- Pausing: no ghost text, and the server does not work ahead either.

local status = require('edgewise.status')

local M = {}

---@type uv.uv_timer_t?
local timer

---@param is_paused boolean
local function set(is_paused)
  status.note({ is_paused = is_paused })
  for _, client in ipairs(vim.lsp.get_clients({ name = 'edgewise' })) do
    M.tell(client)
  end
  require('edgewise.attach').refresh_all()
end

--- Tells a server whether it may suggest, as the setting that it already has.
---@param client vim.lsp.Client
function M.tell(client)
  local wanted = require('edgewise.config').options.settings.completion or {}
  local settings = vim.deepcopy(client.settings or {})
  settings.edgewise = settings.edgewise or {}
  settings.edgewise.completion = settings.edgewise.completion or {}
  settings.edgewise.completion.enabled = wanted.enabled
  if status.facts.is_paused then
    settings.edgewise.completion.enabled = false
  end
  client.settings = settings
  client:notify('workspace/didChangeConfiguration', { settings = settings })
end

---@param minutes? number
function M.toggle(minutes)
  if timer then
    timer:stop()
    timer = nil
  end
  local is_paused = minutes ~= nil or not status.facts.is_paused
  set(is_paused)
  if minutes then
    timer = vim.defer_fn(function()
      timer = nil
      set(false)
    end, math.floor(minutes * 60000))
  end
end

return M
