--- The server's process: where the program is, how it is started, and what happens when it ends by itself.

local config = require('edgewise.config')
local notice = require('edgewise.notice')
local status = require('edgewise.status')

local M = {}

M.MINIMUM = '0.1.0'

local NOT_FOUND = 'not found'
local FAILED_STARTS = 2

---@class edgewise.Life One process of the server.
---@field is_asked_to_end boolean
---@field is_initialized boolean

---@type integer[] when the server ended by itself, in seconds
local deaths = {}
local n_failed_starts = 0

--- Where pip and pipx put programs for one user; often not on the PATH of a graphical session.
---@return string
local function user_program()
  return vim.fs.joinpath(vim.uv.os_homedir() or '', '.local', 'bin', 'edgewise')
end

--- The command that starts the server, or nil and a sentence.
---@return string[]?, string?
function M.command()
  local chosen = config.options.cmd
  if chosen then
    local program = chosen[1] or ''
    if vim.fn.executable(program) == 1 then
      return chosen
    end
    return nil,
      ('%s, the cmd of setup(), cannot be run: correct it or leave it out.'):format(program)
  end
  for _, program in ipairs({ 'edgewise', user_program() }) do
    if vim.fn.executable(program) == 1 then
      return { program, 'serve' }
    end
  end
  return nil, 'the program edgewise is not on your PATH: see :help edgewise-install.'
end

--- Whether the server may be started now. What is in the way is said once.
---@return boolean
function M.is_available()
  if status.facts.failure and status.facts.failure ~= M.not_found then
    return false
  end
  local command, problem = M.command()
  if command then
    notice.forget(NOT_FOUND)
    status.note({ failure = vim.NIL })
    return true
  end
  M.not_found = problem
  M.fail(NOT_FOUND, problem or '')
  return false
end

--- There is no server, and there will be none before the person does something.
---@param cause string
---@param sentence string
function M.fail(cause, sentence)
  status.note({ failure = sentence, process = 'none', host = vim.NIL, n_computing = 0 })
  notice.once(cause, sentence, vim.log.levels.ERROR)
end

--- What `vim.lsp.config` calls to start the process.
---@param dispatchers vim.lsp.rpc.Dispatchers
---@param client_config vim.lsp.ClientConfig
---@return vim.lsp.rpc.PublicClient
function M.start(dispatchers, client_config)
  local life = { is_asked_to_end = false, is_initialized = false }
  local tell_neovim = dispatchers.on_exit
  dispatchers.on_exit = function(code, signal)
    tell_neovim(0, 0) -- else Neovim says something of its own, each time
    vim.schedule(function()
      M.ended(life, code, signal)
    end)
  end
  status.note({ process = 'starting', host = vim.NIL, n_computing = 0 })
  local options = { cwd = client_config.cmd_cwd, env = client_config.cmd_env }
  local is_started, rpc = pcall(vim.lsp.rpc.start, assert(M.command()), dispatchers, options)
  if not is_started then
    return M.stillborn(dispatchers)
  end
  return M.watched(rpc, life)
end

--- A process that could not be started, as one that ended at once.
---@param dispatchers vim.lsp.rpc.Dispatchers
---@return vim.lsp.rpc.PublicClient
function M.stillborn(dispatchers)
  vim.schedule(function()
    dispatchers.on_exit(127, 0)
  end)
  return {
    request = function()
      return false
    end,
    notify = function()
      return false
    end,
    is_closing = function()
      return true
    end,
    terminate = function() end,
  }
end

---@param rpc vim.lsp.rpc.PublicClient
---@param life edgewise.Life
---@return vim.lsp.rpc.PublicClient
function M.watched(rpc, life)
  local terminate = rpc.terminate
  rpc.terminate = function()
    life.is_asked_to_end = true
    return terminate()
  end
  M.life = life
  return require('edgewise.wire').wrap(rpc, function(method)
    life.is_asked_to_end = life.is_asked_to_end or method == 'shutdown'
  end, M.encoding)
end

--- What the server's positions count in.
---@return string
function M.encoding()
  local client = vim.lsp.get_clients({ name = 'edgewise' })[1]
  return client and client.offset_encoding or 'utf-16'
end

--- What is wrong with the server that answered `initialize`, or nil.
---@param info? { name: string, version?: string }
---@return string?
function M.problem_of(info)
  if not info or info.name ~= 'edgewise' then
    return 'the program that was started is not edgewise: correct the cmd of setup().'
  end
  local version = vim.version.parse(info.version or '', { strict = false })
  if not version or vim.version.lt(version, M.MINIMUM) then
    local found = info.version or 'of unknown version'
    return ('the server is edgewise %s, this plugin needs %s or newer: update it.'):format(
      found,
      M.MINIMUM
    )
  end
end

--- The server has answered `initialize`.
---@param client vim.lsp.Client
---@param result lsp.InitializeResult
function M.on_init(client, result)
  M.life.is_initialized = true
  n_failed_starts = 0
  local problem = M.problem_of(result.serverInfo)
  if problem then
    M.life.is_asked_to_end = true
    client:stop(true)
    return M.fail(problem, problem)
  end
  status.note({ process = 'running' })
  if status.facts.is_paused then
    require('edgewise.pause').tell(client)
  end
end

---@return integer
local function n_recent_deaths()
  local since = vim.uv.now() / 1000 - config.options.restarts.window_s
  deaths = vim.tbl_filter(function(moment)
    return moment > since
  end, deaths)
  return #deaths
end

--- A process is gone. One that nobody asked to end is started again, a little later each time.
---@param life edgewise.Life
---@param code integer
---@param signal integer
function M.ended(life, code, signal)
  if vim.v.exiting ~= vim.NIL then
    return
  end
  if life.is_asked_to_end then
    return status.note({ process = 'none', host = vim.NIL, n_computing = 0 })
  end
  deaths[#deaths + 1] = vim.uv.now() / 1000
  n_failed_starts = life.is_initialized and 0 or n_failed_starts + 1
  local how = signal ~= 0 and 'signal ' .. signal or 'exit status ' .. code
  local restarts = config.options.restarts
  if n_failed_starts >= FAILED_STARTS then
    return M.fail('start', ('the server does not start (%s): see :Edgewise log.'):format(how))
  elseif n_recent_deaths() >= restarts.limit then
    local sentence = 'the server ended %d times (%s): see :Edgewise log, then :Edgewise restart.'
    return M.fail('deaths', sentence:format(#deaths, how))
  end
  status.note({ process = 'restarting', host = vim.NIL, n_computing = 0 })
  local delays = restarts.delays_ms
  vim.defer_fn(require('edgewise.attach').attach_all, delays[math.min(#deaths, #delays)])
end

--- Starts anew whatever became of the server before.
function M.restart()
  deaths, n_failed_starts = {}, 0
  for _, cause in ipairs({ NOT_FOUND, 'start', 'deaths' }) do
    notice.forget(cause)
  end
  status.note({ failure = vim.NIL })
  local clients = vim.lsp.get_clients({ name = 'edgewise', _uninitialized = true })
  for _, client in ipairs(clients) do
    client:stop(true)
  end
  vim.wait(2000, function()
    return #vim.lsp.get_clients({ name = 'edgewise', _uninitialized = true }) == 0
  end, 20)
  require('edgewise.attach').attach_all()
end

return M
