--- The server's settings, their types and defaults. Written by scripts/settings.py: do not edit.

---@class edgewise.Settings.Model Which model completes, and what runs it.
---@field name? string The model that completes: `builtin`, an installed model's name, or a path.
--- Default: "builtin".
---@field engine? 'auto'|'llama_cpp'|'ctransformers' The library that runs the model. `auto`: the fastest
--- that can run the file. Default: "auto".
---@field family? string The FIM family, where the file is recognised wrongly. `auto`: what the file
--- says. Default: "auto".
---@field adapter? string The adapter of `edgewise model tune`: `auto` (this model's), `none`, or a path.
--- Default: "auto".
---@field n_ctx? integer Context in tokens: a prompt and its answer together. 0 takes what suits the
--- model. Default: 0.
---@field n_slots? integer Requests that the engine host works on at once, each with a KV cache of its
--- own. Default: 4.
---@field n_threads? integer Threads that compute. 0 picks a count that leaves room for compilers and
--- tests. Default: 0.
---@field keep_kv? boolean Keep what the model has read on disk (for you alone, 7 days, 512 MB), so that
--- the first suggestion after a restart comes at once. Never of files that are ignored. Default: true.
---@field max_memory_mb? integer Memory that the model may take. Where it is too little, there are fewer
--- slots and a shorter context, or the model is refused. 0: no limit but the machine's. Default: 0.
---@field economy? 'auto'|'never'|'always' Fewer threads and shorter suggestions to save energy. `auto`:
--- on battery. Default: "auto".
---@field unload_after_minutes? number A window in which nobody types for so long lets go of the model;
--- the next key loads it again. Its memory is freed when no window needs it. 0: never. Default: 30.0.
---@field idle_exit_s? number The engine host exits so many seconds after the last editor has gone.
--- Default: 600.0.

---@class edgewise.Settings.Completion When and how ghost text is computed.
---@field enabled? boolean Whether to suggest anything at all. Default: true.
---@field disabled_languages? string[] Language ids, as your editor calls them, to suggest nothing in.
--- Default: [].
---@field disabled_globs? string[] Files to suggest nothing in, as gitignore patterns. Default:
--- ["**/.env", "**/.env.*", "**/*.pem", "**/*.key", "**/id_rsa*"].
---@field max_tokens? integer Longest suggestion in tokens. Default: 64.
---@field timeout_ms? integer A request that takes longer is answered with nothing. Default: 2000.
---@field t_max_predict_ms? integer Generation stops after this time; what is there by then is shown.
--- Default: 600.
---@field search_deadline_ms? integer How long a request waits for related code from the workspace.
--- Default: 30.
---@field prompt_tokens? integer Longest prompt in tokens. More context, slower first answer. 0: what
--- suits the model, this machine and `completion.timeout_ms`. Default: 0.
---@field multi_line? 'auto'|'never'|'always' Whether a suggestion may have several lines. `auto` decides
--- by the cursor's place. Default: "auto".
---@field prefetch? boolean Whether to compute while you type and while you pause, before the editor
--- asks. Default: true.
---@field precedents? 'auto'|'never'|'always' Whether to go on as lines of the workspace do. `auto`: with
--- the built-in model. Default: "auto".
---@field confidence? 'auto'|'never'|'always' Whether to show only what the model is sure of. `auto`: of
--- the built-in model. Default: "auto".
---@field in_comments? boolean Whether to suggest by itself inside of comments. Default: true.
---@field max_file_bytes? integer Nothing is suggested in larger files. Default: 2000000.

---@class edgewise.Settings.Index What is read of the workspace to find related code.
---@field enabled? boolean Whether the workspace is read at all. Default: true.
---@field exclude? string[] Files to leave out besides those of .gitignore, as gitignore patterns.
--- Default: [].
---@field max_files? integer At most so many files are read. Default: 20000.
---@field max_file_bytes? integer Larger files are left out. Default: 1000000.

---@class edgewise.Settings.Explain How code is explained in words.
---@field model? string The instruct model that explains: a name or a GGUF file's path. Empty: facts
--- alone. Default: "".
---@field max_tokens? integer Longest explanation in tokens. Default: 400.
---@field timeout_ms? integer An explanation that takes longer ends where it is. Default: 60000.

---@class edgewise.Settings.Log What is written to the server's error output. Prompts and code never are.
---@field level? 'error'|'warning'|'info'|'debug' How much is logged. `debug` adds one line of JSON for
--- each request. Default: "warning".

---@class edgewise.Settings
---@field model? edgewise.Settings.Model
---@field completion? edgewise.Settings.Completion
---@field index? edgewise.Settings.Index
---@field explain? edgewise.Settings.Explain
---@field log? edgewise.Settings.Log

return {
  model = {
    name = 'builtin',
    engine = 'auto',
    family = 'auto',
    adapter = 'auto',
    n_ctx = 0,
    n_slots = 4,
    n_threads = 0,
    keep_kv = true,
    max_memory_mb = 0,
    economy = 'auto',
    unload_after_minutes = 30,
    idle_exit_s = 600,
  },
  completion = {
    enabled = true,
    disabled_languages = {},
    disabled_globs = { '**/.env', '**/.env.*', '**/*.pem', '**/*.key', '**/id_rsa*' },
    max_tokens = 64,
    timeout_ms = 2000,
    t_max_predict_ms = 600,
    search_deadline_ms = 30,
    prompt_tokens = 0,
    multi_line = 'auto',
    prefetch = true,
    precedents = 'auto',
    confidence = 'auto',
    in_comments = true,
    max_file_bytes = 2000000,
  },
  index = {
    enabled = true,
    exclude = {},
    max_files = 20000,
    max_file_bytes = 1000000,
  },
  explain = {
    model = '',
    max_tokens = 400,
    timeout_ms = 60000,
  },
  log = {
    level = 'warning',
  },
}
