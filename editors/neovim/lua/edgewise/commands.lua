--- `:Edgewise …`: the table of subcommands and their completion.

local M = {}

---@class edgewise.Call What `nvim_create_user_command` hands over, as far as it is used.
---@field fargs string[]
---@field range integer
---@field line1 integer
---@field line2 integer

---@class edgewise.Subcommand
---@field run fun(call: edgewise.Call, argument?: string)
---@field complete? fun(): string[]

---@param sentence string
local function complain(sentence)
  require('edgewise.notice').say(sentence, vim.log.levels.WARN)
end

---@param name string
---@param title string
---@return edgewise.Subcommand
local function assistance(name, title)
  return {
    run = function(call)
      require('edgewise.assist').run('edgewise.' .. name, title, call)
    end,
  }
end

---@type table<string, edgewise.Subcommand>
M.subcommands = {
  explain = assistance('explain', 'Explanation'),
  document = assistance('document', 'Documentation'),
  tests = assistance('tests', 'Tests'),
  fix = assistance('fix', 'Fix'),
  why = {
    run = function()
      require('edgewise.report').why()
    end,
  },
  stats = {
    run = function()
      require('edgewise.report').stats()
    end,
  },
  status = {
    run = function()
      require('edgewise.report').status()
    end,
  },
  model = {
    run = function(_, argument)
      require('edgewise.models').choose(argument)
    end,
    complete = function()
      return require('edgewise.models').names()
    end,
  },
  pause = {
    run = function(_, argument)
      local minutes = tonumber(argument)
      if argument and not (minutes and minutes > 0) then
        return complain(':Edgewise pause takes a number of minutes, or nothing.')
      end
      require('edgewise.pause').toggle(minutes)
    end,
  },
  log = {
    run = function()
      vim.cmd.tabedit({
        args = { vim.lsp.log.get_filename() },
        magic = { file = false, bar = false },
      })
      vim.cmd('normal! G')
    end,
  },
  restart = {
    run = function()
      require('edgewise.server').restart()
    end,
  },
}

---@return string[]
local function names()
  local found = vim.tbl_keys(M.subcommands)
  table.sort(found)
  return found
end

--- Whether `setup()` was called; without it nothing runs that a command could speak to.
---@return boolean
local function is_set_up()
  if vim.lsp.is_enabled('edgewise') then
    return true
  end
  complain('the plugin is not set up: put require("edgewise").setup() into your init.lua.')
  return false
end

---@param call edgewise.Call
function M.run(call)
  local name = call.fargs[1] or 'status'
  local subcommand = M.subcommands[name]
  if not subcommand then
    return complain(('there is no :Edgewise %s, but %s.'):format(name, table.concat(names(), ', ')))
  end
  if is_set_up() then
    subcommand.run(call, call.fargs[2])
  end
end

---@param lead string
---@param line string
---@return string[]
function M.complete(lead, line)
  local name = line:match('Edgewise!?%s+(%S+)%s+%S*$')
  local candidates = names()
  if name then
    local subcommand = M.subcommands[name]
    candidates = subcommand and subcommand.complete and subcommand.complete() or {}
  end
  return vim.tbl_filter(function(candidate)
    return vim.startswith(candidate, lead)
  end, candidates)
end

return M
