--- The ghost text on the screen. Neovim draws it, as an extmark; this module reads what is drawn, knows the
--- suggestions that it came from, and takes it away when the text no longer goes on as suggested.

local verdicts = require('edgewise.verdicts')

local M = {}

local NAMESPACE = vim.api.nvim_create_namespace('nvim.lsp.inline_completion')
local TEXT_HIGHLIGHT = 'ComplHint'

---@class edgewise.Suggestion
---@field text string
---@field row integer Where it begins: 0-based, in bytes.
---@field col integer
---@field id? string By what name the server counts it.

---@type table<integer, edgewise.Suggestion[]>
local suggestions = {}

---@type table<integer, edgewise.Suggestion> the one of them that is or was drawn
local shown = {}

---@param bufnr integer
---@param position lsp.Position
---@param encoding string
---@return integer col in bytes
local function byte_column(bufnr, position, encoding)
  local line = vim.api.nvim_buf_get_lines(bufnr, position.line, position.line + 1, false)[1] or ''
  return vim.str_byteindex(line, encoding, position.character, false)
end

---@param bufnr integer
---@return integer? row, integer col
local function cursor(bufnr)
  local window = vim.api.nvim_get_current_win()
  if vim.api.nvim_win_get_buf(window) ~= bufnr then
    return nil, 0
  end
  local place = vim.api.nvim_win_get_cursor(window)
  return place[1] - 1, place[2]
end

---@param bufnr integer
---@param item lsp.InlineCompletionItem
---@param encoding string
---@return edgewise.Suggestion?
local function suggestion_of(bufnr, item, encoding)
  local text = type(item.insertText) == 'string' and item.insertText or item.insertText.value
  local id = verdicts.id_of(item)
  if item.range then
    local start = item.range.start
    return { text = text, row = start.line, col = byte_column(bufnr, start, encoding), id = id }
  end
  local row, col = cursor(bufnr)
  return row and { text = text, row = row, col = col, id = id } or nil
end

--- What of the suggestion is still to come at the cursor; nil when the text went another way.
---@param bufnr integer
---@param suggestion edgewise.Suggestion
---@return string?
function M.rest_of(bufnr, suggestion)
  local row, col = cursor(bufnr)
  if row ~= suggestion.row or col < suggestion.col then
    return nil
  end
  local line = vim.api.nvim_buf_get_lines(bufnr, row, row + 1, false)[1] or ''
  local typed = line:sub(suggestion.col + 1, col)
  if not vim.startswith(suggestion.text, typed) then
    return nil
  end
  return suggestion.text:sub(#typed + 1)
end

--- Whether the item, as it came from the server, continues what stands before the cursor now.
---@param bufnr integer
---@param item lsp.InlineCompletionItem
---@param encoding string
function M.fits(bufnr, item, encoding)
  local suggestion = suggestion_of(bufnr, item, encoding)
  local rest = suggestion and M.rest_of(bufnr, suggestion)
  return rest ~= nil and rest ~= ''
end

---@param bufnr integer
---@param items lsp.InlineCompletionItem[]
---@param encoding string
function M.remember(bufnr, items, encoding)
  suggestions[bufnr] = vim.tbl_map(function(item)
    return suggestion_of(bufnr, item, encoding)
  end, items)
  shown[bufnr] = suggestions[bufnr][1]
end

--- How many the server sent last.
---@param bufnr integer
---@return integer
function M.n_suggestions(bufnr)
  return #(suggestions[bufnr] or {})
end

--- The suggestion that is drawn.
---@param bufnr integer
---@return edgewise.Suggestion?
function M.shown(bufnr)
  local text = M.text(bufnr)
  return text
    and vim.iter(suggestions[bufnr] or {}):find(function(suggestion)
      return M.rest_of(bufnr, suggestion) == text
    end)
end

--- Another one of them was chosen.
---@param bufnr integer
function M.note_choice(bufnr)
  shown[bufnr] = M.shown(bufnr) or shown[bufnr]
end

--- The text that is drawn, or nil. The counter "(1/2)" behind it is not part of it.
---@param bufnr? integer
---@return string?
function M.text(bufnr)
  local marks = vim.api.nvim_buf_get_extmarks(bufnr or 0, NAMESPACE, 0, -1, { details = true })
  for _, mark in ipairs(marks) do
    local lines = { mark[4].virt_text or {}, unpack(mark[4].virt_lines or {}) }
    local text = table.concat(vim.tbl_map(M.text_of_chunks, lines), '\n')
    if text ~= '' then
      return text
    end
  end
end

---@param chunks [string, string][]
---@return string
function M.text_of_chunks(chunks)
  local texts = {}
  for _, chunk in ipairs(chunks) do
    texts[#texts + 1] = chunk[2] == TEXT_HIGHLIGHT and chunk[1] or nil
  end
  return table.concat(texts)
end

---@param bufnr integer
function M.hide(bufnr)
  vim.api.nvim_buf_clear_namespace(bufnr, NAMESPACE, 0, -1)
end

--- The person does not want what is drawn.
---@param bufnr integer
function M.refuse(bufnr)
  if M.text(bufnr) then
    M.hide(bufnr)
    verdicts.reject(shown[bufnr])
  end
end

--- Has Neovim ask the server. It has no function for it, so this repeats what it does when the cursor moves.
---@param bufnr integer
function M.request(bufnr)
  if vim.lsp.inline_completion.is_enabled({ bufnr = bufnr }) then
    local group = 'nvim.lsp.inline_completion:' .. bufnr
    vim.api.nvim_exec_autocmds('CursorMovedI', { group = group, buffer = bufnr, modeline = false })
  end
end

---@param bufnr integer
function M.forget(bufnr)
  suggestions[bufnr], shown[bufnr] = nil, nil
end

--- Neovim goes on drawing what is out of date; this hides it. What was typed to its end is not refused.
---@param bufnr integer
local function hide_stale(bufnr)
  local known = suggestions[bufnr]
  if not known or not M.text(bufnr) then
    return
  end
  local n_left = -1 -- bytes still to come of the longest one
  for _, suggestion in ipairs(known) do
    local rest = M.rest_of(bufnr, suggestion)
    n_left = rest and math.max(n_left, #rest) or n_left
  end
  if n_left < 0 then
    M.refuse(bufnr)
  elseif n_left == 0 then
    M.hide(bufnr)
  end
end

---@param bufnr integer
local function group_name(bufnr)
  return 'edgewise.ghost:' .. bufnr
end

--- Switches ghost text in a buffer on or off. Our autocommands are made after Neovim's, so that they run after.
---@param bufnr integer
---@param is_wanted boolean
function M.switch(bufnr, is_wanted)
  if vim.lsp.inline_completion.is_enabled({ bufnr = bufnr }) ~= is_wanted then
    vim.lsp.inline_completion.enable(is_wanted, { bufnr = bufnr })
  end
  local group = vim.api.nvim_create_augroup(group_name(bufnr), {})
  if not is_wanted then
    M.forget(bufnr)
    return M.hide(bufnr)
  end
  vim.api.nvim_create_autocmd({ 'CursorMovedI', 'TextChangedP', 'InsertEnter' }, {
    group = group,
    buffer = bufnr,
    callback = function()
      hide_stale(bufnr)
    end,
  })
  vim.api.nvim_create_autocmd('InsertLeavePre', {
    group = group,
    buffer = bufnr,
    callback = function()
      M.refuse(bufnr)
    end,
  })
  vim.api.nvim_create_autocmd('BufWipeout', {
    group = group,
    buffer = bufnr,
    callback = function()
      M.forget(bufnr)
    end,
  })
end

return M
