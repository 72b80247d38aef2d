--- verdicts
--- Tells the server what became of a suggestion that was on the screen, so that it can count: taken, wholly or in
--- part, or refused. The counts stay on this machine.

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

--- The item's command, for a suggestion that the server names anew at each key typed into it.
---@param item lsp.InlineCompletionItem
---@param id? string
function M.rename(item, id)
  if id and M.id_of(item) then
    item.command.arguments = { id }
  end
end

--- A server that does not count has nothing to say to it, and neither has the person.
---@param command string
---@param id? string
local function tell(command, id)
  local client = id and require('edgewise.request').client(vim.api.nvim_get_current_buf())
  if client then
    local params = { command = command, arguments = { id } }
    client:request('workspace/executeCommand', params, function() end)
  end
end

---@param suggestion? edgewise.Suggestion
function M.accept(suggestion)
  tell(ACCEPTED, suggestion and suggestion.id)
end

---@param suggestion? edgewise.Suggestion
function M.reject(suggestion)
  tell(REJECTED, suggestion and suggestion.id)
end

return M
