--- Commands of the server: asking, pieces of the answer as they come, the answer or the sentence of a refusal.

local M = {}

---@class edgewise.Running
---@field cancel fun()

---@class edgewise.Handlers
---@field on_piece? fun(text: string)
---@field on_answer fun(answer: any)
---@field on_refusal fun(sentence: string)

---@type table<string, fun(text: string)>
local partials = {}
local n_asked = 0

--- Takes a progress message that is a piece of an answer. false: it is something else.
---@param params lsp.ProgressParams
---@return boolean
function M.take_partial(params)
  local on_piece = partials[params.token]
  if not on_piece then
    return false
  end
  on_piece(type(params.value) == 'table' and params.value.value or '')
  return true
end

--- The server of a buffer, once it has answered `initialize`.
---@param bufnr? integer
---@return vim.lsp.Client?
function M.client(bufnr)
  return vim.lsp.get_clients({ name = 'edgewise', bufnr = bufnr })[1]
end

---@param err lsp.ResponseError
---@return string
local function sentence_of(err)
  return err.message or 'The server refused without saying why.'
end

--- Asks for a command of the server. Without a server, or one that lets go of us, it is a refusal too.
---@param client vim.lsp.Client
---@param command string
---@param argument? table
---@param handlers edgewise.Handlers
---@return edgewise.Running
function M.ask(client, command, argument, handlers)
  n_asked = n_asked + 1
  local token = 'edgewise-' .. n_asked
  partials[token] = handlers.on_piece
  if argument and handlers.on_piece then
    argument.partialResultToken = token
  end
  local params = { command = command, arguments = argument and { argument } or {} }
  local is_sent, id = client:request('workspace/executeCommand', params, function(err, answer)
    partials[token] = nil
    if err then
      handlers.on_refusal(sentence_of(err))
    else
      handlers.on_answer(answer)
    end
  end)
  if not is_sent then
    handlers.on_refusal('The server is gone.')
  end
  return {
    cancel = function()
      partials[token] = nil
      if is_sent and id and not client:is_stopped() then
        client:cancel_request(id)
      end
    end,
  }
end

return M
