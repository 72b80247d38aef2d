-- nvim -l fake_server.lua: a language server whose answers are known beforehand. $FAKE is JSON:
-- version, name: what it says of itself; items: its suggestions, each named by its text; delay_ms: how long each
-- takes; character: where it begins; dies: "at start", "when asked"; commands: answers by command; log: a file
-- that gets what it is sent; loads: it suggests nothing before the command `edgewise.wake`.

local fake = vim.json.decode(vim.env.FAKE or '{}')

if fake.dies == 'at start' then
  io.stderr:write('something is missing\n')
  os.exit(3)
end

local function read()
  local length
  while true do
    local line = io.read('*l')
    if not line then
      os.exit(1)
    end
    line = line:gsub('\r$', '')
    if line == '' then
      break
    end
    length = line:match('^Content%-Length: (%d+)') or length
  end
  return vim.json.decode(io.read(tonumber(length)), { luanil = { object = true } })
end

local function send(message)
  message.jsonrpc = '2.0'
  local body = vim.json.encode(message)
  io.write(('Content-Length: %d\r\n\r\n%s'):format(#body, body))
  io.flush()
end

local is_awake = not fake.loads

local function tell_status()
  local index = { ready = true, files = 1, symbols = 1, done = 1, total = 1 }
  local host = { message = '', model = 'fake', engine = 'none', family = '', note = '' }
  host.state = is_awake and 'ready' or 'starting'
  host.index = index
  send({ method = 'edgewise/status', params = host })
end

local function suggestion(text, position)
  local start = { line = position.line, character = fake.character or position.character }
  local command = { title = 'Accepted', command = 'edgewise.accepted', arguments = { text } }
  return { insertText = text, range = { start = start, ['end'] = position }, command = command }
end

local handlers = {
  initialize = function()
    return {
      capabilities = {
        positionEncoding = 'utf-8',
        textDocumentSync = { openClose = true, change = 2 },
        inlineCompletionProvider = vim.empty_dict(),
        executeCommandProvider = { commands = { 'edgewise.document', 'edgewise.accepted' } },
      },
      serverInfo = { name = fake.name or 'edgewise', version = fake.version or '9.0.0' },
    }
  end,
  ['textDocument/inlineCompletion'] = function(params)
    if fake.dies == 'when asked' then
      os.exit(9)
    end
    vim.uv.sleep(fake.delay_ms or 0)
    local items = {}
    for _, text in ipairs(is_awake and fake.items or {}) do
      items[#items + 1] = suggestion(text, params.position)
    end
    return { items = items }
  end,
  ['workspace/executeCommand'] = function(params)
    if params.command == 'edgewise.wake' then
      is_awake = true
      tell_status()
    end
    local answer = (fake.commands or {})[params.command]
    if answer == 'insert' then
      local at = { line = 0, character = 0 }
      local edit = { range = { start = at, ['end'] = at }, newText = '# new\n' }
      return { changes = { [params.arguments[1].uri] = { edit } } }
    end
    return answer or vim.NIL
  end,
  shutdown = function()
    return vim.NIL
  end,
}

local function note(message)
  local file = fake.log and message.method and io.open(fake.log, 'a')
  if file then
    file:write(vim.json.encode({ method = message.method, params = message.params }), '\n')
    file:close()
  end
end

while true do
  local message = read()
  note(message)
  if message.method == 'exit' then
    os.exit(0)
  elseif message.method == 'initialized' then
    tell_status()
  elseif message.id and message.method then
    local handler = handlers[message.method]
    send({ id = message.id, result = handler and handler(message.params) or vim.NIL })
  end
end
