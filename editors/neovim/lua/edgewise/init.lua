--- edgewise: ghost text and explanations from a code model on your own machine.
--- The public functions; each loads what it needs. See `:help edgewise`.

local M = {}

--- Starts the plugin. To be called once, from the configuration.
---@param options? edgewise.Options
function M.setup(options)
  if vim.fn.has('nvim-0.12') == 0 then
    return require('edgewise.too_old').tell()
  end
  local config = require('edgewise.config')
  config.set(options)
  require('edgewise.attach').begin()
  require('edgewise.keymaps').set(config.options.keymaps)
end

--- Accepts the whole ghost text. Like the others: false where there is none, so that a mapping can do
--- something else.
---@return boolean
function M.accept()
  return require('edgewise.accept').whole()
end

---@return boolean
function M.accept_word()
  return require('edgewise.accept').word()
end

---@return boolean
function M.accept_line()
  return require('edgewise.accept').line()
end

--- Shows the next suggestion, or with a negative count an earlier one.
---@param count? integer
---@return boolean
function M.select(count)
  return require('edgewise.accept').select(count or 1)
end

--- Asks for a suggestion now, also where none is offered unasked.
---@return boolean
function M.ask()
  return require('edgewise.accept').ask()
end

--- Takes the ghost text away until the next key.
---@return boolean
function M.dismiss()
  return require('edgewise.accept').dismiss()
end

--- How things stand in this buffer.
---@return edgewise.Status
function M.status()
  return require('edgewise.status').of(0)
end

--- The same as a few words for a status line.
---@return string
function M.statusline()
  return require('edgewise.status').line(0)
end

--- Stops suggesting, for some minutes when told so; called again, goes on.
---@param minutes? number
function M.pause(minutes)
  require('edgewise.pause').toggle(minutes)
end

return M
