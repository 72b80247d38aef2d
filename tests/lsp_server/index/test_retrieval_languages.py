"""What is found for a place in TypeScript and in Go, on small workspaces, by the real worker and store."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from lsp_server.index.service import IndexService
from lsp_server.types import DocumentSnapshot
from tests.lsp_server.index.conftest import StartService, write_files

TYPESCRIPT = {
    "tsconfig.json": '{"compilerOptions": {"baseUrl": ".", "paths": {"@/*": ["src/*"]}}}',
    "src/base.ts": "export class Base {\n  flushAll(): void {}\n}\n",
    "src/store.ts": (
        'import { Base } from "./base";\n'
        "export class Store extends Base {\n  writeRow(row: Row): Receipt { return r; }\n}\n"
        "export interface Row {\n  column: string;\n}\n"
        "export interface Receipt {\n  printOut(): void;\n}\n"
        "export type Options = {\n  target: Store;\n};\n"
        "export const openStore = (path: string): Store => {\n  return new Store();\n};\n"
    ),
    "src/index.ts": 'export * from "./store";\nexport { openStore as openIt } from "./store";\n',
}
GO = {
    "go.mod": "module example.com/shop\n",
    "store/base.go": "package store\n\ntype Base struct{}\n\nfunc (b *Base) FlushAll() {}\n",
    "store/store.go": (
        "package store\n\ntype Store struct {\n\tBase\n\tLimit int\n}\n\n"
        "func Open(path string) (*Store, error) {\n\treturn &Store{}, nil\n}\n\nfunc hidden() {}\n"
    ),
    "store/rows.go": (
        "package store\n\nfunc (s *Store) WriteRow(row int) *Receipt {\n\treturn nil\n}\n\n"
        "type Receipt struct{}\n\nfunc (r *Receipt) PrintOut() {}\n"
    ),
    "clerk.go": "package main\n\nfunc serveClerk(n int) {}\n",
}

SCRIPT_CASES: Mapping[str, tuple[str, str]] = {
    "new": (
        'import { Store } from "./store";\nfunction f() {\n  const s = new Store();\n  s.|\n}\n',
        "writeRow(row",
    ),
    "inherited": ('import { Store } from "@/store";\nfunction f(s: Store) {\n  s.|\n}\n', "flushAll()"),
    "barrel": (
        'import { openStore } from "./index";\nfunction f() {\n  openStore("").|\n}\n',
        "writeRow(row",
    ),
    "renamed": ('import { openIt } from "./index";\nfunction f() {\n  openIt("").|\n}\n', "writeRow(row"),
    "module": ('import * as all from ".";\nfunction f(a) {\n  all.|\n}\n', "class Store extends Base"),
    "property": (
        'import { Store } from "./store";\nclass C {\n  constructor(private s: Store) {}\n\n'
        "  m() {\n    this.s.|\n  }\n}\n",
        "writeRow(row",
    ),
    "taken apart": (
        'import { Options } from "./store";\nfunction f(options: Options) {\n'
        "  const { target } = options;\n  target.|\n}\n",
        "writeRow(row",
    ),
    "result": (
        'import { Store } from "./store";\nfunction f(s: Store, row) {\n  s.writeRow(row).|\n}\n',
        "printOut()",
    ),
}
GO_CASES: Mapping[str, tuple[str, str]] = {
    "result": ("s, _ := store.Open(x)\n\ts.|", "WriteRow(row int)"),
    "embedded": ("s := &store.Store{}\n\ts.|", "FlushAll()"),
    "chain": ("var s store.Store\n\ts.WriteRow(1).|", "PrintOut()"),
    "package": ("store.|", "func Open(path string)"),
    "same package": ("x := |", "func serveClerk(n int)"),
}


async def ask(service: IndexService, root: Path, file: str, language: str, marked: str) -> str:
    """`marked` holds the cursor as `|`."""
    offset = marked.index("|")
    text = marked[:offset] + marked[offset + 1 :]
    path = root / file
    snapshot = DocumentSnapshot(path.as_uri(), str(path), file, str(root), language, 1, text)
    found = await service.retrieve(snapshot, offset, 4000)
    return "\n".join(snippet.text for snippet in found.snippets)


@pytest.mark.parametrize("name", SCRIPT_CASES)
async def test_typescript(start_service: StartService, root: Path, name: str) -> None:
    write_files(root, TYPESCRIPT)
    marked, wanted = SCRIPT_CASES[name]
    assert wanted in await ask(await start_service(), root, "src/main.ts", "typescript", marked)


@pytest.mark.parametrize("name", GO_CASES)
async def test_go(start_service: StartService, root: Path, name: str) -> None:
    write_files(root, GO)
    body, wanted = GO_CASES[name]
    marked = f'package main\n\nimport "example.com/shop/store"\n\nfunc main() {{\n\t{body}\n}}\n'
    assert wanted in await ask(await start_service(), root, "main.go", "go", marked)


async def test_go_hides_what_is_not_exported(start_service: StartService, root: Path) -> None:
    write_files(root, GO)
    marked = 'package main\n\nimport "example.com/shop/store"\n\nfunc main() {\n\tstore.|\n}\n'
    assert "hidden" not in await ask(await start_service(), root, "main.go", "go", marked)
