--- cursor
--- Tells the server on which line the cursor has come to rest outside of insert mode, so that the prompt for that
--- place is ready before anything is typed there. In insert mode the server sees it by what is typed.

local M = {}

local METHOD = 'edgewise/cursorMoved'
local REST_MS = 100

---@type uv.uv_timer_t?
local timer

--- The end of the cursor's line: outside of insert mode the cursor stands on a letter, where nothing is suggested;
--- what comes next is most often written behind the line or below it.
---@param encoding string
---@return lsp.TextDocumentPositionParams
local function place(encoding)
  local params = vim.lsp.util.make_position_params(0, encoding)
  params.position.character = vim.str_utfindex(vim.api.nvim_get_current_line(), encoding)
  return params
end

local function tell()
  local bufnr = vim.api.nvim_get_current_buf()
  local client = require('edgewise.request').client(bufnr)
  local is_insert = vim.startswith(vim.api.nvim_get_mode().mode, 'i')
  if client and not is_insert and vim.lsp.inline_completion.is_enabled({ bufnr = bufnr }) then
    client:notify(METHOD, place(client.offset_encoding))
  end
end

--- The cursor is somewhere else; a moment later it may have moved on.
function M.moved()
  if timer then
    timer:stop()
  end
  timer = vim.defer_fn(tell, REST_MS)
end

return M
