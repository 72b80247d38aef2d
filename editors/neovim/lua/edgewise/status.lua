--- How things stand, in one value: what the server said of itself, what became of its process, and whether the
--- person paused. Knows no window and no key.

local M = {}

---@alias edgewise.State 'off'|'loading'|'ready'|'computing'|'paused'|'failed'

---@class edgewise.Status
---@field state edgewise.State
---@field message string A sentence, or ''.
---@field doing? string What is done to the workspace: "reading", "adding words and types".
---@field percent? integer How much of that is done.
---@field model string

---@class edgewise.IndexStatus
---@field ready boolean
---@field files integer
---@field symbols integer
---@field done integer Of `total` files, by the step that is being done.
---@field total integer
---@field doing? string The step, in words.

---@class edgewise.HostStatus What `edgewise/status` tells.
---@field state string
---@field message string
---@field model string
---@field engine string
---@field family string
---@field note string
---@field index edgewise.IndexStatus

---@class edgewise.Facts
---@field process 'none'|'starting'|'running'|'restarting'
---@field failure? string Why there is no server.
---@field host? edgewise.HostStatus
---@field n_computing integer
---@field is_paused boolean
local facts = { process = 'none', n_computing = 0, is_paused = false }

M.facts = facts

---@param host edgewise.HostStatus?
---@return string? doing, integer? percent
local function work_of(host)
  local index = host and host.index
  if not index or index.ready or index.total == 0 then
    return nil
  end
  return index.doing or 'reading', math.floor(100 * index.done / index.total)
end

--- How the server is, whatever the buffer.
---@return edgewise.State, string
function M.of_server()
  local host = facts.host
  if facts.failure then
    return 'failed', facts.failure
  elseif facts.is_paused then
    return 'paused', 'Paused: `:Edgewise pause` goes on.'
  elseif facts.process == 'none' then
    return 'off', 'No buffer has needed the server yet.'
  elseif facts.process == 'restarting' then
    return 'loading', 'The server ended by itself and is started again.'
  elseif not host then
    return 'loading', 'The server is starting.'
  elseif host.state == 'failed' then
    return 'failed', host.message
  elseif host.state ~= 'ready' then
    return 'loading', host.message ~= '' and host.message or 'The model is loading.'
  end
  return facts.n_computing > 0 and 'computing' or 'ready', host.message
end

--- How things stand for a buffer.
---@param bufnr? integer
---@return edgewise.Status
function M.of(bufnr)
  local state, message = M.of_server()
  local refusal = require('edgewise.guard').refusal(bufnr or 0)
  if refusal and state ~= 'failed' then
    state, message = 'off', refusal
  end
  local host = facts.host
  local doing, percent = work_of(host)
  return {
    state = state,
    message = message,
    doing = doing,
    percent = percent,
    model = host and host.model or '',
  }
end

---@type table<edgewise.State, string>
local WORDS = {
  off = '',
  loading = 'edgewise loading',
  ready = 'edgewise',
  computing = 'edgewise …',
  paused = 'edgewise paused',
  failed = 'edgewise failed',
}

--- A few words for a status line; nothing where edgewise has no business.
---@param bufnr? integer
---@return string
function M.line(bufnr)
  local status = M.of(bufnr)
  local words = WORDS[status.state]
  local shows_percent = status.percent and (status.state == 'loading' or status.state == 'ready')
  return shows_percent and ('edgewise %s %d%%%%'):format(status.doing, status.percent) or words
end

---@type string?
local last

local function publish()
  local status = M.of(0)
  local now = status.state
    .. '\n'
    .. status.message
    .. '\n'
    .. tostring(status.doing)
    .. tostring(status.percent)
  if now == last then
    return
  end
  last = now
  vim.api.nvim_exec_autocmds(
    'User',
    { pattern = 'EdgewiseStatus', modeline = false, data = status }
  )
  vim.cmd.redrawstatus()
end

--- Notes facts and, when the status is another one than before, says so with `User EdgewiseStatus`.
---@param news table<string, any> vim.NIL takes a fact away.
function M.note(news)
  for name, value in pairs(news) do
    facts[name] = value ~= vim.NIL and value or nil
    if name == 'is_paused' then
      facts.is_paused = value
    end
  end
  vim.schedule(publish)
end

--- The number of requests under way changes by `by`.
---@param by integer
function M.count(by)
  M.note({ n_computing = math.max(facts.n_computing + by, 0) })
end

return M
