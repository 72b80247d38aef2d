--- verdicts
--- Tells the server that a suggestion on the screen was refused, so that it can count. That one was taken, Neovim
--- tells it by the item's command, or the server sees it in the text. The counts stay on this machine.

local M = {}

local ACCEPTED = 'edgewise.accepted'
local REJECTED = 'edgewise.rejected'

--- By what name the server knows the suggestion: it stands in the command that tells of its acceptance.
---@param item lsp.InlineCompletionItem
---@return string?
function M.id_of(item)
  local command = item.command
  local id = command and command.command == ACCEPTED and (command.arguments or {})[1]
  return type(id) == 'string' and id or nil
end

--- A server that does not count has nothing to say to it, and neither has the person.
---@param suggestion? edgewise.Suggestion
function M.reject(suggestion)
  local id = suggestion and suggestion.id
  local client = id and require('edgewise.request').client(vim.api.nvim_get_current_buf())
  if client then
    local params = { command = REJECTED, arguments = { id } }
    client:request('workspace/executeCommand', params, function() end)
  end
end

return M
