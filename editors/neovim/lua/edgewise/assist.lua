--- Commands about the code at the cursor or in the selection: explain, document, tests, fix.

local float = require('edgewise.float')
local request = require('edgewise.request')

local M = {}

---@param call edgewise.Call
---@param client vim.lsp.Client
---@return lsp.Range
local function range_of(call, client)
  local encoding = client.offset_encoding
  if call.range == 0 then
    local position = vim.lsp.util.make_position_params(0, encoding).position
    return { start = position, ['end'] = position }
  end
  local last = vim.api.nvim_buf_get_lines(0, call.line2 - 1, call.line2, false)[1] or ''
  local first, stop = { call.line1, 0 }, { call.line2, #last }
  return vim.lsp.util.make_given_range_params(first, stop, 0, encoding).range
end

--- The diagnostics at a range, as the language servers sent them.
---@param range lsp.Range
---@return lsp.Diagnostic[]
local function diagnostics_in(range)
  local found = {}
  for _, diagnostic in ipairs(vim.diagnostic.get(0)) do
    local last = diagnostic.end_lnum or diagnostic.lnum
    if diagnostic.lnum <= range['end'].line and last >= range.start.line then
      found[#found + 1] = vim.tbl_get(diagnostic, 'user_data', 'lsp')
        or {
          message = diagnostic.message,
          severity = diagnostic.severity,
          range = {
            start = { line = diagnostic.lnum, character = diagnostic.col },
            ['end'] = { line = last, character = diagnostic.end_col or diagnostic.col },
          },
        }
    end
  end
  return found
end

--- Where the paths of links start: the projects, then the folder of the file.
---@param client vim.lsp.Client
---@return string[]
local function folders_of(client)
  local folders = {}
  for _, folder in ipairs(client.workspace_folders or {}) do
    folders[#folders + 1] = vim.uri_to_fname(folder.uri)
  end
  folders[#folders + 1] = vim.fs.dirname(vim.api.nvim_buf_get_name(0))
  return folders
end

--- Named values as a list.
---@param values table<string, any>
---@return string
local function list_of(values)
  local lines = {}
  for name, value in vim.spairs(values) do
    local shown = type(value) == 'table' and vim.inspect(value, { newline = ' ', indent = '' })
      or tostring(value)
    lines[#lines + 1] = ('- %s: %s'):format(tostring(name):gsub('_', ' '), shown)
  end
  return table.concat(lines, '\n')
end

--- Any answer as Markdown.
---@param answer any
---@return string
function M.markdown_of(answer)
  if type(answer) == 'string' then
    return answer
  elseif type(answer) ~= 'table' or vim.tbl_isempty(answer) then
    return '_There is nothing to say._'
  elseif answer.sentences then
    return table.concat(answer.sentences, '\n\n')
  end
  local text = answer.value or answer.markdown or answer.message
  return text and tostring(text) or list_of(answer)
end

---@param answer any
---@return lsp.WorkspaceEdit?
local function edit_of(answer)
  local edit = type(answer) == 'table' and (answer.edit or answer) or {}
  return (edit.changes or edit.documentChanges) and edit or nil
end

--- Shows what the server says; an edit as a diff that one key takes or drops.
---@param command string
---@param title string
---@param call edgewise.Call
function M.run(command, title, call)
  local client = request.client(vim.api.nvim_get_current_buf())
  if not client then
    return require('edgewise.notice').say(M.why_no_server(), vim.log.levels.WARN)
  end
  local range = range_of(call, client)
  local argument =
    { uri = vim.uri_from_bufnr(0), range = range, diagnostics = diagnostics_in(range) }
  local bufnr = vim.api.nvim_get_current_buf()
  local running ---@type edgewise.Running?
  local window = float.open(title, folders_of(client), function()
    if running then
      running.cancel()
    end
  end)
  float.set(window, '_Reading the code …_')
  local is_streamed = false
  running = request.ask(client, command, argument, {
    on_piece = function(text)
      float.set(window, (is_streamed and window.text or '') .. text)
      is_streamed = true
    end,
    on_answer = function(answer)
      running = nil
      local edit = edit_of(answer)
      if edit then
        return require('edgewise.preview').show(window, bufnr, edit, client, answer.note)
      end
      float.set(window, M.markdown_of(answer))
    end,
    on_refusal = function(sentence)
      running = nil
      float.set(window, sentence)
    end,
  })
end

---@return string
function M.why_no_server()
  local status = require('edgewise.status').of(0)
  return status.message ~= '' and status.message or 'the server is not attached to this buffer.'
end

return M
