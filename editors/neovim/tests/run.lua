-- nvim -l editors/neovim/tests/run.lua [PATTERN]: runs every *_spec.lua beside it; exits with 1 when one fails.

local here = vim.fs.dirname(vim.fs.abspath(debug.getinfo(1, 'S').source:sub(2)))
vim.opt.runtimepath:prepend(vim.fs.dirname(here))
vim.cmd.runtime('plugin/edgewise.lua')

local n_passed, failures, title = 0, {}, ''

function _G.describe(name, body)
  title = name
  body()
end

function _G.it(name, body)
  local is_good, problem = xpcall(body, debug.traceback)
  if is_good then
    n_passed = n_passed + 1
  else
    failures[#failures + 1] = ('%s: %s\n%s'):format(title, name, problem)
  end
  vim.cmd('silent! %bwipeout!')
end

--- Compares two values of any depth.
function _G.equal(found, wanted)
  if not vim.deep_equal(found, wanted) then
    error(('found  %s\nwanted %s'):format(vim.inspect(found), vim.inspect(wanted)), 2)
  end
end

for _, file in ipairs(vim.fn.glob(here .. '/' .. (_G.arg[1] or '*') .. '_spec.lua', false, true)) do
  dofile(file)
end

io.write(('%d passed, %d failed\n'):format(n_passed, #failures))
io.write(table.concat(failures, '\n\n'), #failures > 0 and '\n' or '')
os.exit((#failures > 0 or n_passed == 0) and 1 or 0)
