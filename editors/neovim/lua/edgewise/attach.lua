--- Which buffers the server is attached to, through `vim.lsp.config` and `vim.lsp.enable`, and where ghost text
--- is shown.

local config = require('edgewise.config')
local ghost = require('edgewise.ghost')
local guard = require('edgewise.guard')
local notice = require('edgewise.notice')
local server = require('edgewise.server')
local status = require('edgewise.status')

local M = {}

local GROUP = 'edgewise'
local LEVELS =
  { vim.log.levels.ERROR, vim.log.levels.WARN, vim.log.levels.INFO, vim.log.levels.DEBUG }

--- `root_dir` of the configuration: not calling `on_root` leaves the buffer alone.
---@param bufnr integer
---@param on_root fun(root?: string)
function M.root_dir(bufnr, on_root)
  if guard.refusal(bufnr) or not server.is_available() then
    return
  end
  on_root(vim.fs.root(bufnr, config.options.root_markers))
end

--- One server serves every project of this Neovim; a new root is told to it.
---@param client vim.lsp.Client
---@param wanted vim.lsp.ClientConfig
---@return boolean
function M.reuse(client, wanted)
  if client.name ~= wanted.name or client:is_stopped() then
    return false
  end
  if wanted.root_dir then
    M.add_folder(client, wanted.root_dir)
  end
  return true
end

---@param client vim.lsp.Client
---@param root string
function M.add_folder(client, root)
  local folder = { uri = vim.uri_from_fname(root), name = root }
  client.workspace_folders = client.workspace_folders or {}
  local is_known = vim.iter(client.workspace_folders):any(function(known)
    return known.uri == folder.uri
  end)
  if is_known then
    return
  end
  table.insert(client.workspace_folders, folder)
  local function tell()
    local event = { added = { folder }, removed = {} }
    client:notify('workspace/didChangeWorkspaceFolders', { event = event })
  end
  if client.initialized then
    tell()
  else
    vim.api.nvim_create_autocmd('LspAttach', { once = true, callback = vim.schedule_wrap(tell) })
  end
end

--- Who began to type before the model was there waits for it: Neovim asks at the next key only.
local function ask_where_typed()
  local bufnr = vim.api.nvim_get_current_buf()
  local is_ours = #vim.lsp.get_clients({ name = 'edgewise', bufnr = bufnr }) > 0
  if is_ours and vim.startswith(vim.api.nvim_get_mode().mode, 'i') and not ghost.text(bufnr) then
    ghost.request(bufnr)
  end
end

---@type table<string, lsp.Handler>
local HANDLERS = {
  ['edgewise/status'] = function(_, params)
    local before = status.facts.host
    status.note({ host = params })
    if params.state == 'ready' and not (before and before.state == 'ready') then
      vim.schedule(ask_where_typed)
    end
  end,
  ['window/showMessage'] = function(_, params)
    notice.once(params.message, params.message, LEVELS[params.type] or vim.log.levels.INFO)
    return vim.NIL
  end,
  ['$/progress'] = function(err, params, context)
    if not require('edgewise.request').take_partial(params) then
      return vim.lsp.handlers['$/progress'](err, params, context)
    end
  end,
}

--- Registers the server and lets it be started for the buffers that are and will be open.
function M.begin()
  local options = config.options
  vim.lsp.config('edgewise', {
    cmd = server.start,
    filetypes = options.filetypes,
    root_dir = M.root_dir,
    reuse_client = M.reuse,
    settings = { edgewise = options.settings },
    handlers = HANDLERS,
    on_init = server.on_init,
    flags = { debounce_text_changes = 0 }, -- the server starts to work at the change, before it is asked
  })
  M.listen()
  vim.lsp.enable('edgewise')
end

--- Ghost text in a buffer is on where the server is attached, nobody paused, and no diff would be torn apart.
---@param bufnr integer
function M.refresh(bufnr)
  if not vim.api.nvim_buf_is_valid(bufnr) then
    return
  end
  local is_attached = #vim.lsp.get_clients({ name = 'edgewise', bufnr = bufnr }) > 0
  if is_attached then
    ghost.switch(bufnr, not status.facts.is_paused and not guard.is_in_diff(bufnr))
  end
  status.note({})
end

function M.refresh_all()
  for _, bufnr in ipairs(vim.api.nvim_list_bufs()) do
    M.refresh(bufnr)
  end
end

--- Neovim starts what belongs to a buffer when its file type is set; this has it look again.
---@param bufnr integer
function M.attach(bufnr)
  if vim.api.nvim_buf_is_loaded(bufnr) and vim.bo[bufnr].filetype ~= '' then
    vim.api.nvim_exec_autocmds('FileType', {
      group = 'nvim.lsp.enable',
      buffer = bufnr,
      modeline = false,
    })
  end
end

function M.attach_all()
  for _, bufnr in ipairs(vim.api.nvim_list_bufs()) do
    M.attach(bufnr)
  end
end

---@param event vim.api.keyset.create_autocmd.callback_args
local function on_attach(event)
  local client = vim.lsp.get_client_by_id(event.data.client_id)
  if client and client.name == 'edgewise' then
    M.refresh(event.buf)
    require('edgewise.cursor').moved()
    if status.facts.host and status.facts.host.state == 'ready' then
      ask_where_typed()
    end
  end
end

function M.listen()
  local group = vim.api.nvim_create_augroup(GROUP, {})
  local function on(events, callback, pattern)
    vim.api.nvim_create_autocmd(events, { group = group, callback = callback, pattern = pattern })
  end
  on('LspAttach', on_attach)
  on('OptionSet', function()
    vim.schedule(M.refresh_all)
  end, 'diff')
  on('BufWinEnter', function(event)
    M.refresh(event.buf)
  end)
  -- A buffer may get its name only now.
  on({ 'BufFilePost', 'BufWritePost' }, function(event)
    if
      #vim.lsp.get_clients({ name = 'edgewise', bufnr = event.buf, _uninitialized = true }) == 0
    then
      vim.schedule(function()
        M.attach(event.buf)
      end)
    end
  end)
  on('BufEnter', function()
    status.note({})
  end)
  on({ 'BufEnter', 'CursorMoved' }, require('edgewise.cursor').moved)
end

return M
