--- Which buffers the server gets to see, and why not the others. Looks, changes nothing.

local M = {}

---@param bufnr integer
---@return integer
local function size_of(bufnr)
  if vim.api.nvim_buf_is_loaded(bufnr) then
    return math.max(vim.api.nvim_buf_get_offset(bufnr, vim.api.nvim_buf_line_count(bufnr)), 0)
  end
  local stat = vim.uv.fs_stat(vim.api.nvim_buf_get_name(bufnr))
  return stat and stat.size or 0
end

---@return integer
local function largest()
  local completion = require('edgewise.config').options.settings.completion or {}
  return completion.max_file_bytes or require('edgewise.settings').completion.max_file_bytes
end

--- A sentence for a person when the server does not get this buffer, else nil.
---@param bufnr integer
---@return string?
function M.refusal(bufnr)
  bufnr = bufnr == 0 and vim.api.nvim_get_current_buf() or bufnr
  local name = vim.api.nvim_buf_get_name(bufnr)
  if vim.bo[bufnr].buftype ~= '' then
    return 'This is not the buffer of a file.'
  elseif name == '' then
    return 'This buffer has no name yet: write it to a file, then suggestions begin.'
  elseif name:match('^%a[%w+.-]+://') then
    return 'This buffer is not a file on this machine.'
  elseif size_of(bufnr) > largest() then
    return 'This file is larger than edgewise.completion.max_file_bytes.'
  end
end

--- Whether a window shows the buffer in a diff: lines of ghost text would shift one side against the other.
---@param bufnr integer
function M.is_in_diff(bufnr)
  return vim.iter(vim.fn.win_findbuf(bufnr)):any(function(window)
    return vim.wo[window].diff
  end)
end

return M
