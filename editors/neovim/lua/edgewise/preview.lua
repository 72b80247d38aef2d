--- An edit that the server proposes, as a diff in a floating window: <CR> takes it, q drops it.

local float = require('edgewise.float')

local M = {}

local NAMESPACE = vim.api.nvim_create_namespace('edgewise.preview')
local HIGHLIGHTS = { ['+'] = 'Added', ['-'] = 'Removed', ['@'] = 'Comment' }

---@param edit lsp.WorkspaceEdit
---@return table<string, lsp.TextEdit[]> by uri
local function text_edits(edit)
  local found = vim.deepcopy(edit.changes or {})
  for _, change in ipairs(edit.documentChanges or {}) do
    if change.textDocument then
      local uri = change.textDocument.uri
      found[uri] = vim.list_extend(found[uri] or {}, change.edits)
    end
  end
  return found
end

---@param uri string
---@return string[]
local function lines_of(uri)
  local bufnr = vim.uri_to_bufnr(uri)
  if vim.api.nvim_buf_is_loaded(bufnr) then
    return vim.api.nvim_buf_get_lines(bufnr, 0, -1, false)
  end
  local is_there, lines = pcall(vim.fn.readfile, vim.uri_to_fname(uri))
  return is_there and lines or {}
end

--- The diff that the edits of one file make.
---@param uri string
---@param edits lsp.TextEdit[]
---@param encoding string
---@return string
local function diff_of(uri, edits, encoding)
  local before = lines_of(uri)
  local scratch = vim.api.nvim_create_buf(false, true)
  vim.api.nvim_buf_set_lines(scratch, 0, -1, false, before)
  vim.lsp.util.apply_text_edits(edits, scratch, encoding)
  local after = vim.api.nvim_buf_get_lines(scratch, 0, -1, false)
  vim.api.nvim_buf_delete(scratch, { force = true })
  local old, new = table.concat(before, '\n') .. '\n', table.concat(after, '\n') .. '\n'
  return vim.text.diff(old, new, { ctxlen = 3 }) --[[@as string]]
end

--- All of an edit as Markdown.
---@param edit lsp.WorkspaceEdit
---@param encoding string
---@return string
function M.markdown(edit, encoding)
  local parts = {}
  for uri, edits in vim.spairs(text_edits(edit)) do
    local name = vim.fn.fnamemodify(vim.uri_to_fname(uri), ':~:.')
    parts[#parts + 1] = ('%s\n\n```diff\n%s```'):format(name, diff_of(uri, edits, encoding))
  end
  return table.concat(parts, '\n\n')
end

--- What is added and what goes, between the fences of the diffs.
---@param bufnr integer
local function colour(bufnr)
  local is_inside = false
  for row, line in ipairs(vim.api.nvim_buf_get_lines(bufnr, 0, -1, false)) do
    if vim.startswith(line, '```') then
      is_inside = not is_inside
    end
    local group = is_inside and (HIGHLIGHTS[line:sub(1, 1)] or 'NormalFloat')
    if group then
      local mark = { end_row = row, hl_group = group, priority = 200 } -- above the parser's
      vim.api.nvim_buf_set_extmark(bufnr, NAMESPACE, row - 1, 0, mark)
    end
  end
end

--- Shows the edit in `window` and waits for a key.
---@param window edgewise.Float
---@param bufnr integer The buffer that was asked about.
---@param edit lsp.WorkspaceEdit
---@param client vim.lsp.Client
---@param note? string What the edit stands on.
function M.show(window, bufnr, edit, client, note)
  if not float.is_open(window) then
    return
  end
  local tick = vim.api.nvim_buf_get_changedtick(bufnr)
  window.footer = ' ⏎ take it   q drop it '
  local parts = { M.markdown(edit, client.offset_encoding), note }
  float.set(window, table.concat(parts, '\n\n'))
  colour(window.bufnr)
  vim.keymap.set('n', '<CR>', function()
    float.close(window)
    if vim.api.nvim_buf_get_changedtick(bufnr) ~= tick then
      local notice = require('edgewise.notice')
      return notice.say('The text has changed since: ask again.', vim.log.levels.WARN)
    end
    vim.lsp.util.apply_workspace_edit(edit, client.offset_encoding)
  end, { buffer = window.bufnr, nowait = true })
end

return M
