"""The workspace index: what is defined, used and imported where.

`service.IndexService` (session) starts `worker` (a process of its own, the only writer of the SQLite file)
and
answers questions through `search`. Must not know LSP or the model. `sqlite3` and `tree_sitter` stay in here.
"""
