local accept = require('edgewise.accept')

describe('a word of ghost text', function()
  local function check(text, word)
    it(vim.inspect(text), function()
      equal(accept.first_word(text), word)
    end)
  end
  check('return a + b', 'return')
  check(' a + b', ' a')
  check('(path) as file', '(')
  check('.append(item)', '.')
  check('with_tax(price)', 'with_tax')
  check('größe = 1', 'größe')
  check('\n    next()', '\n    next')
  check('   ', '   ')
  check(' + b', ' +')
end)

describe('a line of ghost text', function()
  it('ends before the line end', function()
    equal(accept.first_line('a + b\n    return'), 'a + b')
  end)
  it('is the next one where the line is over', function()
    equal(accept.first_line('\n    return a\n    b'), '\n    return a')
  end)
  it('is all where there is one only', function()
    equal(accept.first_line('a + b'), 'a + b')
  end)
end)

describe('accepting without ghost text', function()
  it('leaves the key to others', function()
    equal({ accept.whole(), accept.word(), accept.line(), accept.select(1), accept.dismiss() }, {
      false,
      false,
      false,
      false,
      false,
    })
  end)
end)
