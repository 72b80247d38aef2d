local ghost = require('edgewise.ghost')
local wire = require('edgewise.wire')

--- A window with these lines, and the cursor behind the marked place `|`.
local function place(text)
  local lines = vim.split(text, '\n')
  for number, line in ipairs(lines) do
    local col = line:find('|', 1, true)
    if col then
      lines[number] = line:sub(1, col - 1) .. line:sub(col + 1)
      vim.api.nvim_buf_set_lines(0, 0, -1, false, lines)
      vim.o.virtualedit = 'onemore'
      vim.api.nvim_win_set_cursor(0, { number, col - 1 })
    end
  end
  return vim.api.nvim_get_current_buf()
end

local function item(text, line, character, stop)
  local range = {
    start = { line = line, character = character },
    ['end'] = { line = line, character = stop },
  }
  return { insertText = text, range = range }
end

describe('a suggestion and the text since', function()
  local function check(name, text, suggestion, wanted)
    it(name, function()
      equal(ghost.rest_of(place(text), suggestion), wanted)
    end)
  end
  check('at its start', 'x = |', { text = '1', row = 0, col = 4 }, '1')
  check('typed into', '  ret|', { text = 'return 1', row = 0, col = 2 }, 'urn 1')
  check('typed past', '  rex|', { text = 'return 1', row = 0, col = 2 }, nil)
  check('on another line', 'a\n|', { text = 'return 1', row = 0, col = 0 }, nil)
  check('before it', '|  ret', { text = 'return 1', row = 0, col = 2 }, nil)
end)

describe('an answer of the server', function()
  it('passes when it continues the text', function()
    local answer = { items = { item('return 1', 0, 2, 5) } }
    equal(wire.sifted(place('  ret|'), true, answer, 'utf-8'), answer)
  end)
  it('is kept from Neovim when a newer request is under way', function()
    equal(
      wire.sifted(place('  ret|'), false, { items = { item('return 1', 0, 2, 5) } }, 'utf-8'),
      nil
    )
  end)
  it('is kept from Neovim when the text went another way', function()
    equal(
      wire.sifted(place('  rex|'), true, { items = { item('return 1', 0, 2, 5) } }, 'utf-8'),
      nil
    )
  end)
  it('that is null hides what is shown', function()
    equal(wire.sifted(place('  ret|'), true, vim.NIL, 'utf-8'), { items = {} })
  end)
  it('counts in the units of the server', function()
    local bufnr = place("'😀' + |")
    local answer = { items = { item('1', 0, 7, 7) } }
    equal(wire.sifted(bufnr, true, answer, 'utf-16'), answer)
  end)
end)

describe('the text that is drawn', function()
  it('is the first line and those below, without the counter', function()
    local namespace = vim.api.nvim_create_namespace('nvim.lsp.inline_completion')
    vim.api.nvim_buf_set_lines(0, 0, -1, false, { 'a' })
    vim.api.nvim_buf_set_extmark(0, namespace, 0, 1, {
      virt_text = { { ' = 1', 'ComplHint' } },
      virt_lines = { { { 'b = 2', 'ComplHint' }, { ' (1/2)', 'ComplHintMore' } } },
    })
    equal(ghost.text(0), ' = 1\nb = 2')
    ghost.hide(0)
    equal(ghost.text(0), nil)
  end)
end)
