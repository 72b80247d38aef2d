--- What the user chose in `setup()`, over the plugin's own defaults. The server's settings have none here:
--- what is left out is the server's business.

local M = {}

---@class edgewise.Keymaps
---@field accept? string|false
---@field accept_word? string|false
---@field accept_line? string|false
---@field next? string|false
---@field previous? string|false
---@field ask? string|false
---@field dismiss? string|false

---@class edgewise.Options
---@field cmd? string[] How to start the server, where `edgewise` is not on your PATH.
---@field filetypes? string[] Only these file types. Left out: every file.
---@field root_markers? (string|string[])[] What lies at the root of a project.
---@field keymaps? edgewise.Keymaps|false Keys of insert mode. false: none.
---@field settings? edgewise.Settings The server's settings.
---@field restarts? edgewise.Restarts What happens when the server ends by itself.

---@class edgewise.Restarts
---@field delays_ms? integer[] How long to wait before the first, the second ... new start.
---@field limit? integer So many ends within `window_s` and it is left alone.
---@field window_s? integer

---@type edgewise.Options
M.defaults = {
  root_markers = { '.git', 'pyproject.toml', 'package.json', 'Cargo.toml', 'go.mod' },
  keymaps = {
    accept = '<Tab>',
    accept_word = '<M-f>',
    accept_line = '<M-l>',
    next = '<M-n>',
    previous = '<M-p>',
    ask = '<M-\\>',
    dismiss = '<C-]>',
  },
  settings = {},
  restarts = { delays_ms = { 500, 1000, 2000, 4000 }, limit = 5, window_s = 600 },
}

---@type table<string, string|string[]>
local TYPES = {
  cmd = 'table',
  filetypes = 'table',
  root_markers = 'table',
  keymaps = { 'table', 'boolean' },
  settings = 'table',
  restarts = 'table',
}

---@param value string|string[]
---@return string[]
local function as_list(value)
  return type(value) == 'table' and value or { value }
end

---@param name any
---@param value any
local function is_good(name, value)
  return TYPES[name] ~= nil and vim.list_contains(as_list(TYPES[name]), type(value))
end

---@type edgewise.Options
M.options = vim.deepcopy(M.defaults)

--- What is wrong with `options`, one sentence for each.
---@param options table
---@return string[]
function M.problems(options)
  local found = {}
  for name, value in vim.spairs(options) do
    local wanted = TYPES[name]
    if not wanted then
      found[#found + 1] = ('setup() knows no option %q: see :help edgewise-setup.'):format(
        tostring(name)
      )
    elseif not is_good(name, value) then
      local kinds = table.concat(as_list(wanted), ' or ')
      found[#found + 1] = ('The option %q of setup() must be a %s.'):format(name, kinds)
    end
  end
  return found
end

--- Takes the user's options; what is wrong is said and left out.
---@param options? edgewise.Options
function M.set(options)
  local good = type(options) == 'table' and vim.deepcopy(options) or {}
  for _, sentence in ipairs(M.problems(good)) do
    require('edgewise.notice').once(sentence, sentence, vim.log.levels.WARN)
  end
  for name, value in pairs(good) do
    if not is_good(name, value) then
      good[name] = nil
    end
  end
  M.options = vim.tbl_deep_extend('force', vim.deepcopy(M.defaults), good)
end

return M
