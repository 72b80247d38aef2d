--- `:Edgewise status`, `why` and `stats`: what is known, as a page.

local float = require('edgewise.float')
local request = require('edgewise.request')
local status = require('edgewise.status')

local M = {}

---@param title string
---@param text string
local function show(title, text)
  local window = float.open(title, { vim.fn.getcwd() })
  float.set(window, text)
  return window
end

---@param index edgewise.IndexStatus
---@return string
local function index_words(index)
  if index.ready then
    return ('%d files, %d symbols'):format(index.files, index.symbols)
  elseif index.total > 0 then
    return ('%s, %d of %d files'):format(index.doing or 'reading', index.done, index.total)
  end
  local client = request.client()
  if client and not client.root_dir and #(client.workspace_folders or {}) == 0 then
    local markers = require('edgewise.config').options.root_markers
    local names = vim.iter(markers):flatten():join(', ')
    return ('none, only what is open is known: no folder above has one of %s'):format(names)
  end
  return 'not read'
end

---@param told table What `edgewise.status` answers.
---@return string[]
local function server_lines(told)
  local lines = {
    '- Model: ' .. (told.model ~= '' and told.model or 'none'),
    '- Engine: ' .. (told.engine ~= '' and told.engine or 'none'),
    '- Workspace: ' .. index_words(told.index),
    ('- Accepted in this session: %d, refused: %d'):format(told.accepted, told.rejected or 0),
  }
  if (told.note or '') ~= '' then
    lines[#lines + 1] = '- Note: ' .. told.note
  end
  for _, problem in ipairs(told.problems or {}) do
    lines[#lines + 1] = '- Problem: ' .. problem
  end
  return lines
end

---@return string[]
local function said_lines()
  local lines = {}
  for _, said in ipairs(require('edgewise.notice').all()) do
    lines[#lines + 1] = '- ' .. said.sentence
  end
  return #lines > 0 and vim.list_extend({ '', '**Said so far**', '' }, lines) or {}
end

---@return string[]
local function own_lines()
  local now = status.of(0)
  local percent = now.percent and (' (%s, %d%%)'):format(now.doing, now.percent) or ''
  local message = now.message ~= '' and { now.message, '' } or {}
  return vim.list_extend({ '# ' .. now.state .. percent, '' }, message)
end

function M.status()
  local lines = own_lines()
  local window =
    show('edgewise', table.concat(vim.list_extend(vim.deepcopy(lines), said_lines()), '\n'))
  local client = request.client()
  if not client then
    return
  end
  request.ask(client, 'edgewise.status', nil, {
    on_answer = function(told)
      local all = vim.list_extend(vim.list_extend(lines, server_lines(told)), said_lines())
      float.set(window, table.concat(all, '\n'))
    end,
    on_refusal = function(sentence)
      float.add(window, '\n' .. sentence)
    end,
  })
end

--- What a command without arguments, or with the place of the cursor, answers.
---@param title string
---@param command string
---@param argument? table
local function show_answer(title, command, argument)
  local client = request.client()
  local assist = require('edgewise.assist')
  if not client then
    show(title, assist.why_no_server())
    return
  end
  local window = show(title, '_Asking …_')
  request.ask(client, command, argument, {
    on_answer = function(answer)
      float.set(window, assist.markdown_of(answer))
    end,
    on_refusal = function(sentence)
      float.set(window, sentence)
    end,
  })
end

function M.stats()
  show_answer('Statistics', 'edgewise.stats')
end

--- Why there is no suggestion: what this side knows, else what the server says.
function M.why()
  local bufnr = vim.api.nvim_get_current_buf()
  local now = status.of(bufnr)
  local client = request.client(bufnr)
  if now.state ~= 'ready' and now.state ~= 'computing' then
    return show('Why?', now.message)
  elseif require('edgewise.guard').is_in_diff(bufnr) then
    return show('Why?', 'There is no ghost text in a diff: its lines would shift one side.')
  elseif not client then
    return show('Why?', 'The server is not attached to this buffer.')
  end
  local position = vim.lsp.util.make_position_params(0, client.offset_encoding).position
  show_answer('Why?', 'edgewise.why', { uri = vim.uri_from_bufnr(bufnr), position = position })
end

return M
