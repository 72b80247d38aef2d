local assist = require('edgewise.assist')
local commands = require('edgewise.commands')
local config = require('edgewise.config')
local guard = require('edgewise.guard')
local links = require('edgewise.links')
local models = require('edgewise.models')
local notice = require('edgewise.notice')
local server = require('edgewise.server')
local status = require('edgewise.status')

describe('links', function()
  it('are shown by their labels', function()
    local text, found = links.rendered('- `f` [a b.py:3](a%20b.py#L3) and [c](c.py).')
    equal(text, '- `f` a b.py:3 and c.')
    equal(found, {
      { from = 6, to = 14, path = 'a b.py', line = 3 },
      { from = 19, to = 20, path = 'c.py', line = 1 },
    })
    equal(links.at(found, 7).path, 'a b.py')
    equal(links.at(found, 16).path, 'c.py')
    equal(links.at(found, 99).path, 'c.py')
  end)
  it('are not found where there are none', function()
    local text, found = links.rendered('a[0](1 2) [x]')
    equal({ text, found }, { 'a[0](1 2) [x]', {} })
    equal(links.at(found, 0), nil)
  end)
  it('lead to files that are there', function()
    local folder = vim.fn.tempname()
    vim.fn.mkdir(folder, 'p')
    vim.fn.writefile({}, folder .. '/a.py')
    local link = { path = 'a.py', line = 1, from = 0, to = 1 }
    equal(links.file_of(link, { '/nowhere', folder }), folder .. '/a.py')
    equal(links.file_of(link, { '/nowhere' }), nil)
  end)
end)

describe('a message', function()
  it('that fits is left alone', function()
    equal(notice.fitting('short', 5), 'short')
  end)
  it('that does not is cut and says where the rest is', function()
    local shown = notice.fitting(('wörter '):rep(20), 60)
    equal(vim.fn.strdisplaywidth(shown) <= 60, true)
    equal(vim.endswith(shown, ':Edgewise status'), true)
  end)
  it('is cut by columns, not characters', function()
    equal(vim.fn.strdisplaywidth(notice.fitting(('字'):rep(60), 50)) <= 50, true)
  end)
  it('is kept once for each cause', function()
    local before = #notice.all()
    notice.once('a cause', 'A sentence.', vim.log.levels.INFO)
    notice.once('a cause', 'A sentence.', vim.log.levels.INFO)
    equal(#notice.all() - before, 1)
    notice.forget('a cause')
    notice.once('a cause', 'A sentence.', vim.log.levels.INFO)
    equal(#notice.all() - before, 2)
  end)
end)

describe('options of setup()', function()
  it('that are good are taken over the defaults', function()
    config.set({ keymaps = { accept = '<C-y>' } })
    equal(
      { config.options.keymaps.accept, config.options.keymaps.accept_word },
      { '<C-y>', '<M-f>' }
    )
    config.set()
  end)
  it('that are not are said and left out', function()
    local options = { keymap = {}, cmd = 'edgewise' }
    equal(config.problems(options), {
      'The option "cmd" of setup() must be a table.',
      'setup() knows no option "keymap": see :help edgewise-setup.',
    })
    config.set(options)
    equal({ config.options.cmd, config.options.keymap }, {})
    config.set({ keymaps = false })
    equal(config.options.keymaps, false)
    config.set()
  end)
end)

describe('the server that answered', function()
  local function check(info, wanted)
    it(vim.inspect(info), function()
      equal(server.problem_of(info) ~= nil, wanted)
    end)
  end
  check({ name = 'edgewise', version = '0.1.0' }, false)
  check({ name = 'edgewise', version = '1.2.3' }, false)
  check({ name = 'edgewise', version = '0.0.9' }, true)
  check({ name = 'edgewise' }, true)
  check({ name = 'another', version = '9.0.0' }, true)
  check(nil, true)
end)

describe('the command line', function()
  it('completes subcommands', function()
    equal(commands.complete('s', 'Edgewise s'), { 'stats', 'status' })
    equal(commands.complete('', 'Edgewise '), {
      'document',
      'explain',
      'fix',
      'log',
      'model',
      'pause',
      'restart',
      'stats',
      'status',
      'tests',
      'why',
    })
  end)
  it('has nothing to complete behind most of them', function()
    equal(commands.complete('', 'Edgewise status '), {})
  end)
end)

describe('buffers that the server does not get', function()
  it('have no name, no file or no end', function()
    equal(guard.refusal(0):match('no name') ~= nil, true)
    vim.api.nvim_buf_set_name(0, 'http://example.org/a.py')
    equal(guard.refusal(0):match('not a file') ~= nil, true)
    vim.cmd.enew()
    vim.api.nvim_buf_set_name(0, vim.fn.tempname() .. '.py')
    equal(guard.refusal(0), nil)
    vim.api.nvim_buf_set_lines(0, 0, -1, false, { ('x'):rep(2000001) })
    equal(guard.refusal(0):match('larger') ~= nil, true)
    vim.bo.buftype = 'nofile'
    equal(guard.refusal(0):match('not the buffer') ~= nil, true)
  end)
end)

describe('the status', function()
  local index = { ready = false, files = 0, symbols = 0, done = 30, total = 40 }
  local read = vim.tbl_extend('force', index, { ready = true })
  local function check(facts, state, line)
    it(state .. ' ' .. line, function()
      vim.api.nvim_buf_set_name(0, vim.fn.tempname() .. '.py')
      status.note(vim.tbl_extend('keep', facts, {
        failure = vim.NIL,
        process = 'running',
        host = { state = 'ready', message = '', model = 'm', index = read },
        is_paused = false,
        n_computing = 0,
      }))
      equal({ status.of(0).state, status.line(0) }, { state, line })
    end)
  end
  check({}, 'ready', 'edgewise')
  check({ n_computing = 1 }, 'computing', 'edgewise …')
  check({ is_paused = true }, 'paused', 'edgewise paused')
  check({ failure = 'No.' }, 'failed', 'edgewise failed')
  check({ process = 'none' }, 'off', '')
  check({ process = 'starting', host = vim.NIL }, 'loading', 'edgewise loading')
  check({ process = 'restarting', host = vim.NIL }, 'loading', 'edgewise loading')
  check(
    { host = { state = 'ready', message = '', index = index } },
    'ready',
    'edgewise reading 75%%'
  )
  check(
    { host = { state = 'starting', message = '', index = index } },
    'loading',
    'edgewise reading 75%%'
  )
  check(
    { host = { state = 'failed', message = 'No.', index = index } },
    'failed',
    'edgewise failed'
  )
end)

describe('answers', function()
  it('of any shape become Markdown', function()
    equal(assist.markdown_of({ kind = 'markdown', value = '# a' }), '# a')
    equal(assist.markdown_of('b'), 'b')
    equal(assist.markdown_of(vim.NIL), '_There is nothing to say._')
    equal(assist.markdown_of({ sentences = { 'A.', 'B.' } }), 'A.\n\nB.')
    equal(assist.markdown_of({ n_shown = 3, ms = { p50 = 1 } }), '- ms: { p50 = 1 }\n- n shown: 3')
  end)
end)

describe('an edit', function()
  it('is shown as a diff', function()
    local file = vim.fn.tempname() .. '.py'
    vim.fn.writefile({ 'a', 'b' }, file)
    local at = { line = 1, character = 0 }
    local edits = { { range = { start = at, ['end'] = at }, newText = 'new\n' } }
    local edit = { changes = { [vim.uri_from_fname(file)] = edits } }
    local text = require('edgewise.preview').markdown(edit, 'utf-8')
    equal(text:match('```diff\n@@ .-\n a\n%+new\n b\n```') ~= nil, true)
  end)
end)

describe('models', function()
  it('stand in columns', function()
    local here = { name = 'm', title = 'M', size_bytes = 12e6, path = '/x', problem = '' }
    local away = { name = 'm-7b', title = 'M 7B', size_bytes = 8.1e9, path = '', problem = '' }
    local label = models.labels({ here, away })
    equal(label(here), 'm        12 MB  here  M')
    equal(label(away), 'm-7b   8100 MB        M 7B')
  end)
end)

describe('a key that was mapped before', function()
  local keys_of = require('edgewise.keymaps').keys_of
  it('does what it did', function()
    equal(keys_of({ rhs = 'abc' }), 'abc')
    equal(keys_of({ rhs = '1 + 1', expr = 1 }), '2')
    local function callback()
      return 'x<Tab>'
    end
    equal(keys_of({ callback = callback, expr = 1 }), 'x<Tab>')
    equal(keys_of({ callback = callback, expr = 1, replace_keycodes = 1 }), 'x\t')
    equal(keys_of({ callback = callback }), '')
  end)
end)
