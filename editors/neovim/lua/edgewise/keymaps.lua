--- The keys of insert mode. A key that has nothing to do here does what it did before.

local M = {}

local DESCRIPTIONS = {
  accept = 'edgewise: accept the ghost text',
  accept_word = 'edgewise: accept a word of the ghost text',
  accept_line = 'edgewise: accept a line of the ghost text',
  next = 'edgewise: next suggestion',
  previous = 'edgewise: previous suggestion',
  ask = 'edgewise: suggest something here',
  dismiss = 'edgewise: take the ghost text away',
}

---@type table<string, fun(): boolean>
local ACTIONS = {
  accept = function()
    return require('edgewise.accept').whole()
  end,
  accept_word = function()
    return require('edgewise.accept').word()
  end,
  accept_line = function()
    return require('edgewise.accept').line()
  end,
  next = function()
    return require('edgewise.accept').select(1)
  end,
  previous = function()
    return require('edgewise.accept').select(-1)
  end,
  ask = function()
    return require('edgewise.accept').ask()
  end,
  dismiss = function()
    return require('edgewise.accept').dismiss()
  end,
}

--- What the key did before: a mapping's keys, or the key itself.
---@param key string
---@return fun(): string
local function fallback_of(key)
  local before = vim.fn.maparg(key, 'i', false, true)
  if vim.tbl_isempty(before) or before.buffer == 1 then
    return function()
      return vim.keycode(key)
    end
  end
  return function()
    return M.keys_of(before)
  end
end

--- The keys that a mapping, as `maparg()` describes it, stands for now.
---@param mapping table<string, any>
---@return string
function M.keys_of(mapping)
  local keys = mapping.rhs or ''
  if mapping.callback then
    keys = mapping.callback() or ''
    if mapping.expr ~= 1 then
      return ''
    end
  elseif mapping.expr == 1 then
    keys = tostring(vim.api.nvim_eval(keys))
  end
  local is_raw = mapping.callback and mapping.replace_keycodes ~= 1
  return is_raw and keys or vim.keycode(keys)
end

---@param key string
local function is_ours(key)
  local mapping = vim.fn.maparg(key, 'i', false, true)
  return vim.startswith(mapping.desc or '', 'edgewise: ')
end

---@type table<string, fun(): string>
local fallbacks = {}

--- Maps the keys; a name whose key is false is left out.
---@param keymaps edgewise.Keymaps|false
function M.set(keymaps)
  for name, key in pairs(keymaps or {}) do
    if key and ACTIONS[name] then
      fallbacks[key] = is_ours(key) and fallbacks[key] or fallback_of(key)
      vim.keymap.set('i', key, function()
        return ACTIONS[name]() and M.closing_keys() or fallbacks[key]()
      end, { expr = true, replace_keycodes = false, desc = DESCRIPTIONS[name] })
    end
  end
end

--- An open menu without a chosen entry closes, so that it does not stand over the accepted text.
---@return string
function M.closing_keys()
  return vim.fn.pumvisible() == 1 and vim.keycode('<C-e>') or ''
end

return M
