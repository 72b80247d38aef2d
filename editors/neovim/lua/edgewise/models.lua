--- `:Edgewise model`: which models there are, and choosing one. The program knows; this asks it.

local notice = require('edgewise.notice')

local M = {}

---@class edgewise.Model
---@field name string
---@field title string
---@field path string Empty: not on this machine.
---@field size_bytes integer
---@field problem string

--- The `edgewise` program itself: the server's command without `serve`.
---@param arguments string[]
---@return string[]?
local function program(arguments)
  local command, problem = require('edgewise.server').command()
  if not command then
    notice.say(problem or '', vim.log.levels.WARN)
    return nil
  end
  local words = vim.deepcopy(command)
  if words[#words] == 'serve' then
    words[#words] = nil
  end
  return vim.list_extend(words, arguments)
end

---@type edgewise.Model[] as last listed
local known = {}

---@param text string
---@return edgewise.Model[]
local function parse_list(text)
  local is_json, answer = pcall(vim.json.decode, text)
  known = is_json and type(answer) == 'table' and answer.models or known
  return known
end

--- The names for the completion of the command line, which waits for them at most two seconds, and only once.
---@return string[]
function M.names()
  local command = #known == 0 and program({ 'model', 'list', '--json' }) or nil
  if command then
    parse_list(vim.system(command, { text = true }):wait(2000).stdout or '')
  end
  return vim.tbl_map(function(model)
    return model.name
  end, known)
end

--- One row for each model, in columns.
---@param models edgewise.Model[]
---@return fun(model: edgewise.Model): string
function M.labels(models)
  local width = 0
  for _, model in ipairs(models) do
    width = math.max(width, #model.name)
  end
  local row = '%-' .. width .. 's %6.0f MB  %-4s  %s'
  return function(model)
    local where = model.path ~= '' and 'here' or ''
    return row:format(model.name, model.size_bytes / 1e6, where, model.title)
  end
end

--- Runs the program without waiting for it.
---@param arguments string[]
---@param on_output fun(output: string)
local function run(arguments, on_output)
  local command = program(arguments)
  if not command then
    return
  end
  vim.system(command, { text = true }, function(done)
    vim.schedule(function()
      if done.code == 0 then
        return on_output(done.stdout)
      end
      notice.say(vim.trim(done.stderr or ''), vim.log.levels.WARN)
    end)
  end)
end

--- Completes with this model from now on, in every editor.
---@param name string
local function use(name)
  run({ 'model', 'use', name }, function()
    for _, client in ipairs(vim.lsp.get_clients({ name = 'edgewise' })) do
      client:notify('workspace/didChangeConfiguration', { settings = client.settings })
    end
    notice.say(('the model is %s now.'):format(name), vim.log.levels.INFO)
  end)
end

--- Takes the named model, or lets the person choose.
---@param name? string
function M.choose(name)
  if name then
    return use(name)
  end
  run({ 'model', 'list', '--json' }, function(output)
    local models = parse_list(output)
    local prompt = 'Model (what is not here is fetched by `edgewise model pull NAME` in a shell)'
    local options = { prompt = prompt, format_item = M.labels(models) }
    vim.ui.select(models, options, function(model)
      if model then
        use(model.name)
      end
    end)
  end)
end

return M
