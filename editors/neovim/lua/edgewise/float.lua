--- A floating window for Markdown that may still be growing. q and Esc close it, <CR> and gf follow a link.

local links = require('edgewise.links')

local M = {}

local NAMESPACE = vim.api.nvim_create_namespace('edgewise.float')
local MAX_WIDTH = 96
local FOOTER = ' q close   ⏎ follow a link '

---@class edgewise.Float
---@field bufnr integer
---@field window integer
---@field origin integer The window that it was opened from.
---@field folders string[] Where links start.
---@field title string
---@field footer string
---@field text string
---@field links table<integer, edgewise.Link[]> by line, from 1
---@field on_close fun()

--- For the rows of a window: never more than most of the screen.
---@param n_lines integer
---@return integer, integer
local function size_for(n_lines)
  local width = math.max(math.min(MAX_WIDTH, vim.o.columns - 8), 10)
  local height = math.max(math.min(n_lines, vim.o.lines - vim.o.cmdheight - 6), 1)
  return width, height
end

---@param n_lines integer
---@param title string
---@param footer string
---@return vim.api.keyset.win_config
local function window_config(n_lines, title, footer)
  local width, height = size_for(n_lines)
  return {
    relative = 'editor',
    width = width,
    height = height,
    row = math.max(math.floor((vim.o.lines - height - 4) / 2), 0),
    col = math.max(math.floor((vim.o.columns - width - 2) / 2), 0),
    style = 'minimal',
    border = 'rounded',
    title = ' ' .. title .. ' ',
    footer = footer,
    footer_pos = 'right',
  }
end

---@return integer
local function new_buffer()
  local bufnr = vim.api.nvim_create_buf(false, true)
  vim.bo[bufnr].bufhidden = 'wipe'
  vim.bo[bufnr].modifiable = false
  return bufnr
end

---@param bufnr integer
local function highlight(bufnr)
  if not pcall(vim.treesitter.start, bufnr, 'markdown') then
    vim.bo[bufnr].syntax = 'markdown'
  end
end

---@param self edgewise.Float
local function set_keys(self)
  local function map(key, action)
    vim.keymap.set('n', key, action, { buffer = self.bufnr, nowait = true, silent = true })
  end
  for _, key in ipairs({ 'q', '<Esc>' }) do
    map(key, function()
      M.close(self)
    end)
  end
  for _, key in ipairs({ '<CR>', 'gf' }) do
    map(key, function()
      M.follow(self)
    end)
  end
end

--- Opens an empty window with a title.
---@param title string
---@param folders string[]
---@param on_close? fun()
---@return edgewise.Float
function M.open(title, folders, on_close)
  local origin = vim.api.nvim_get_current_win()
  local bufnr = new_buffer()
  local window = vim.api.nvim_open_win(bufnr, true, window_config(1, title, FOOTER))
  vim.wo[window].wrap = true
  vim.wo[window].linebreak = true
  vim.wo[window].conceallevel = 2
  local self = {
    footer = FOOTER,
    bufnr = bufnr,
    window = window,
    origin = origin,
    folders = folders,
    text = '',
    links = {},
    on_close = on_close or function() end,
    title = title,
  }
  highlight(bufnr)
  set_keys(self)
  vim.api.nvim_create_autocmd('BufWipeout', {
    buffer = bufnr,
    once = true,
    callback = function()
      self.on_close()
    end,
  })
  return self
end

---@param self edgewise.Float
---@return boolean
function M.is_open(self)
  return vim.api.nvim_win_is_valid(self.window) and vim.api.nvim_buf_is_valid(self.bufnr)
end

---@param self edgewise.Float
---@param lines string[]
local function mark_links(self, lines)
  for row = 1, #lines do
    for _, link in ipairs(self.links[row] or {}) do
      vim.api.nvim_buf_set_extmark(self.bufnr, NAMESPACE, row - 1, link.from, {
        end_col = link.to,
        hl_group = 'Underlined',
      })
    end
  end
end

--- Shows this text and no other.
---@param self edgewise.Float
---@param text string
function M.set(self, text)
  self.text = text
  if not M.is_open(self) then
    return
  end
  local lines = {}
  self.links = {}
  for row, line in ipairs(vim.split(vim.trim(text), '\n', { plain = true })) do
    lines[row], self.links[row] = links.rendered(line)
  end
  vim.bo[self.bufnr].modifiable = true
  vim.api.nvim_buf_set_lines(self.bufnr, 0, -1, false, lines)
  vim.bo[self.bufnr].modifiable = false
  mark_links(self, lines)
  local config = window_config(1, self.title, self.footer)
  vim.api.nvim_win_set_config(self.window, config)
  local height = vim.api.nvim_win_text_height(self.window, {}).all
  vim.api.nvim_win_set_config(self.window, window_config(height, self.title, self.footer))
end

--- Adds text at the end.
---@param self edgewise.Float
---@param text string
function M.add(self, text)
  M.set(self, self.text .. text)
end

---@param self edgewise.Float
function M.close(self)
  if vim.api.nvim_win_is_valid(self.window) then
    vim.api.nvim_win_close(self.window, true)
  end
end

--- Goes to the place that the link under the cursor names; the way back is <C-o>.
---@param self edgewise.Float
function M.follow(self)
  local row, col = unpack(vim.api.nvim_win_get_cursor(self.window))
  local link = links.at(self.links[row], col)
  if not link then
    return
  end
  local file = links.file_of(link, self.folders)
  if not file then
    local notice = require('edgewise.notice')
    return notice.say(('%s is not there any more.'):format(link.path), vim.log.levels.WARN)
  end
  M.close(self)
  if vim.api.nvim_win_is_valid(self.origin) then
    vim.api.nvim_set_current_win(self.origin)
  end
  M.jump(file, link.line)
end

---@param file string
---@param line integer from 1
function M.jump(file, line)
  vim.cmd("normal! m'")
  local is_here = vim.fs.normalize(vim.api.nvim_buf_get_name(0)) == vim.fs.normalize(file)
  if not is_here then
    vim.cmd.edit({ args = { file }, magic = { file = false, bar = false } })
  end
  local last = vim.api.nvim_buf_line_count(0)
  vim.api.nvim_win_set_cursor(0, { math.max(math.min(line, last), 1), 0 })
  vim.cmd('normal! ^zv')
end

return M
