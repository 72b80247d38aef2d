--- What stands between Neovim's client and the server for `textDocument/inlineCompletion`, because the client
--- keeps what is out of date: it draws an answer where the cursor was, and takes `null` for "keep the old one".

local ghost = require('edgewise.ghost')
local status = require('edgewise.status')

local M = {}

local METHOD = 'textDocument/inlineCompletion'
local INVOKED = 1

---@type table<string, integer> uri -> number of its newest request
local newest = {}

---@type table<integer, fun()> by buffer whose next request is made by hand: what to do once its answer is drawn
local by_hand = {}

--- The buffer's next request is one that the person asked for.
---@param bufnr integer
---@param on_answer? fun()
function M.mark_by_hand(bufnr, on_answer)
  by_hand[bufnr] = on_answer or function() end
end

---@param result? lsp.InlineCompletionItem[]|lsp.InlineCompletionList
---@return lsp.InlineCompletionItem[]
local function items_of(result)
  return type(result) == 'table' and (result.items or result) or {}
end

--- What Neovim is to see of an answer. Nothing, so that it keeps what it shows, when a newer request is under
--- way or the cursor has gone on; an empty list, so that it hides what it shows, when there is no suggestion.
---@param bufnr integer
---@param is_newest boolean
---@param result? lsp.InlineCompletionItem[]|lsp.InlineCompletionList
---@param encoding string
---@return lsp.InlineCompletionList?
function M.sifted(bufnr, is_newest, result, encoding)
  local items = items_of(result)
  if not is_newest or not vim.api.nvim_buf_is_loaded(bufnr) then
    return nil
  end
  local fitting = vim.tbl_filter(function(item)
    return ghost.fits(bufnr, item, encoding)
  end, items)
  if #items > 0 and #fitting == 0 then
    return nil
  end
  ghost.remember(bufnr, fitting, encoding)
  return { items = fitting }
end

---@param params lsp.InlineCompletionParams
---@param callback fun(err?: lsp.ResponseError, result: any, id: integer)
---@param encoding fun(): string
local function completion_callback(params, callback, encoding)
  local uri = params.textDocument.uri
  local bufnr = vim.uri_to_bufnr(uri)
  local number = (newest[uri] or 0) + 1
  newest[uri] = number
  local on_answer = by_hand[bufnr]
  by_hand[bufnr] = nil
  if on_answer then
    params.context.triggerKind = INVOKED
  end
  status.count(1)
  return function(err, result, ...)
    status.count(-1)
    local sifted = not err and M.sifted(bufnr, newest[uri] == number, result, encoding()) or nil
    callback(err, sifted, ...)
    if on_answer and sifted then
      vim.schedule(on_answer)
    end
  end
end

--- `rpc` with its requests watched. `on_request` sees every method, `encoding` says what positions count in.
---@param rpc vim.lsp.rpc.PublicClient
---@param on_request fun(method: string)
---@param encoding fun(): string
---@return vim.lsp.rpc.PublicClient
function M.wrap(rpc, on_request, encoding)
  local request = rpc.request
  rpc.request = function(method, params, callback, ...)
    on_request(method)
    if method == METHOD then
      callback = completion_callback(params, callback, encoding)
    end
    return request(method, params, callback, ...)
  end
  return rpc
end

return M
