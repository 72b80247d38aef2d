--- Taking ghost text: all of it, a word, a line; going to another suggestion; asking for one; letting it go.
---
--- A part of the text is put in as if it had been typed, so Neovim goes on showing the rest. All functions may
--- stand in an `expr` mapping: what changes text runs right after it.

local ghost = require('edgewise.ghost')

local M = {}

---@class edgewise.InlineItem vim.lsp.inline_completion.Item, as far as it is used here
---@field insert_text string|lsp.StringValue
---@field range? { start_row: integer, start_col: integer, end_row: integer, end_col: integer }

--- A menu with a chosen entry comes first: its keys mean the menu.
---@return boolean
local function menu_has_the_key()
  return vim.fn.pumvisible() == 1 and vim.fn.complete_info({ 'selected' }).selected >= 0
end

--- Neovim replaces the range that the server named when it was asked, and what was typed since stays behind the
--- cursor a second time: so the range is made to end at the cursor.
---@param item edgewise.InlineItem
---@return edgewise.InlineItem
local function ending_at_the_cursor(item)
  local range = item.range
  local place = vim.api.nvim_win_get_cursor(0)
  local is_behind = range and range.end_row == place[1] - 1 and range.end_col < place[2]
  if is_behind and type(item.insert_text) == 'string' then
    item.range = vim.range(0, range.start_row, range.start_col, place[1] - 1, place[2])
  end
  return item
end

---@return boolean
function M.whole()
  if menu_has_the_key() or not ghost.text() then
    return false
  end
  return vim.lsp.inline_completion.get({ on_accept = ending_at_the_cursor })
end

--- The first word with the blanks before it, or, where none comes first, what stands before the next one.
---@param text string
---@return string
function M.first_word(text)
  return text:match('^%s*[%w_\128-\255]+') or text:match('^%s*[^%w%s_\128-\255]+') or text
end

--- Up to the end of the line; where the line is over, the next one.
---@param text string
---@return string
function M.first_line(text)
  return text:match('^\n*[^\n]+') or text
end

---@param cut fun(text: string): string
---@return boolean
local function accept_part(cut)
  local text = not menu_has_the_key() and ghost.text() or nil
  if not text then
    return false
  end
  local part = cut(text)
  if part == text or part:find('\n', 1, true) then
    return M.part_by_neovim(#text - #part)
  end
  vim.schedule(function()
    M.insert(part)
  end)
  return true
end

--- Puts text in at the cursor.
---@param text string
function M.insert(text)
  local row, col = unpack(vim.api.nvim_win_get_cursor(0))
  vim.api.nvim_buf_set_text(0, row - 1, col, row - 1, col, { text })
  vim.api.nvim_win_set_cursor(0, { row, col + #text })
end

--- Takes the suggestion without its last `n_left` bytes. Where that ends on another line, Neovim cannot show
--- the rest, and asks the server for it.
---@param n_left integer
---@return boolean
function M.part_by_neovim(n_left)
  return vim.lsp.inline_completion.get({
    on_accept = function(item)
      if n_left > 0 and type(item.insert_text) == 'string' then
        item.insert_text = item.insert_text:sub(1, -n_left - 1)
        item.command = nil -- it says that the whole was taken
      end
      return ending_at_the_cursor(item)
    end,
  })
end

---@return boolean
function M.word()
  return accept_part(M.first_word)
end

---@return boolean
function M.line()
  return accept_part(M.first_line)
end

---@param count integer
local function go_to(count)
  vim.lsp.inline_completion.select({ count = count })
  ghost.note_choice(vim.api.nvim_get_current_buf())
end

--- Goes to another suggestion. The server sends several only where it is asked by hand: where there is one, it is.
---@param count integer
---@return boolean
function M.select(count)
  if not ghost.text() then
    return false
  end
  local is_alone = ghost.n_suggestions(vim.api.nvim_get_current_buf()) < 2
  if not (is_alone and M.ask(function()
    go_to(count)
  end)) then
    vim.schedule(function()
      go_to(count)
    end)
  end
  return true
end

---@param on_answer? fun()
---@return boolean
function M.ask(on_answer)
  local bufnr = vim.api.nvim_get_current_buf()
  if #vim.lsp.get_clients({ bufnr = bufnr, name = 'edgewise' }) == 0 then
    return false
  end
  require('edgewise.wire').mark_by_hand(bufnr, on_answer)
  vim.schedule(function()
    ghost.request(bufnr)
  end)
  return true
end

---@return boolean
function M.dismiss()
  if not ghost.text() then
    return false
  end
  ghost.refuse(vim.api.nvim_get_current_buf())
  return true
end

return M
