--- Messages to the person: one line each, once for each cause, never a box that waits for a key.

local M = {}

---@class edgewise.Notice
---@field sentence string
---@field level integer

---@type table<string, true>
local told = {}

---@type edgewise.Notice[]
local kept = {}

local builtin_notify = vim.notify
local MORE = ' … :Edgewise status'

--- Says `sentence` unless something was said of this cause before.
---@param cause string
---@param sentence string
---@param level integer
function M.once(cause, sentence, level)
  if told[cause] then
    return
  end
  told[cause] = true
  M.say(sentence, level)
end

--- The cause is gone: the next time it is news again.
---@param cause string
function M.forget(cause)
  told[cause] = nil
end

---@param sentence string
---@param level integer
function M.say(sentence, level)
  local line = vim.trim(sentence:gsub('%s+', ' '))
  kept[#kept + 1] = { sentence = line, level = level }
  line = vim.startswith(line, 'edgewise') and line or ('edgewise: ' .. line)
  vim.schedule(function()
    M.show(line, level)
  end)
end

--- Neovim's own `vim.notify` asks for a key when a message is longer than the command line, and while nobody
--- has looked at it nothing can be typed: so it gets what fits.
---@param line string
---@param level integer
function M.show(line, level)
  if vim.notify ~= builtin_notify then
    return vim.notify(line, level, { title = 'edgewise' })
  end
  if vim.o.cmdheight == 0 and vim.startswith(vim.api.nvim_get_mode().mode, 'i') then
    vim.api.nvim_create_autocmd('InsertLeave', {
      once = true,
      callback = function()
        M.show(line, level)
      end,
    })
    return
  end
  vim.notify(M.fitting(line, vim.v.echospace), level)
end

--- `line`, cut where it is wider than `width`, with a word on where the rest is.
---@param line string
---@param width integer
---@return string
function M.fitting(line, width)
  if vim.fn.strdisplaywidth(line) <= width then
    return line
  end
  local room = math.max(width - vim.fn.strdisplaywidth(MORE), 0)
  local shown = vim.fn.strcharpart(line, 0, room)
  while vim.fn.strdisplaywidth(shown) > room do
    shown = vim.fn.strcharpart(shown, 0, vim.fn.strchars(shown) - 1)
  end
  return room > 0 and shown .. MORE or vim.fn.strcharpart(line, 0, math.max(width, 0))
end

--- Everything said so far, oldest first.
---@return edgewise.Notice[]
function M.all()
  return kept
end

return M
