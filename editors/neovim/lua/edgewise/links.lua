--- Links in Markdown, `[label](path#L12)`: how they are shown, and where they lead. Pure but for asking whether a
--- file is there.

local M = {}

---@class edgewise.Link
---@field from integer First byte of the label in the shown line, from 0.
---@field to integer Behind its last byte.
---@field path string
---@field line integer

local PATTERN = '%[([^%]\n]+)%]%(([^)%s]+)%)'

---@param target string
---@return string path, integer line
local function parse_target(target)
  local path, line = target:match('^(.-)#L(%d+)')
  return vim.uri_decode(path or target), tonumber(line) or 1
end

--- The line as it is shown, with the labels alone, and the links in it.
---@param line string
---@return string, edgewise.Link[]
function M.rendered(line)
  local parts, links, width, at = {}, {}, 0, 1
  local function add(text)
    parts[#parts + 1] = text
    width = width + #text
  end
  while true do
    local first, last, label, target = line:find(PATTERN, at)
    if not first then
      break
    end
    add(line:sub(at, first - 1))
    local path, number = parse_target(target)
    links[#links + 1] = { from = width, to = width + #label, path = path, line = number }
    add(label)
    at = last + 1
  end
  add(line:sub(at))
  return table.concat(parts), links
end

--- The link under a byte of a line; outside of all, the only one, or the first behind it.
---@param links? edgewise.Link[]
---@param col integer
---@return edgewise.Link?
function M.at(links, col)
  for _, link in ipairs(links or {}) do
    if col < link.to then
      return link
    end
  end
  return links and links[#links]
end

--- The file that a link means, looked for in the folders in turn.
---@param link edgewise.Link
---@param folders string[]
---@return string?
function M.file_of(link, folders)
  for _, folder in ipairs(folders) do
    local file = vim.startswith(link.path, '/') and link.path or vim.fs.joinpath(folder, link.path)
    if vim.uv.fs_stat(file) then
      return file
    end
  end
end

return M
