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

OTHERS = range(9)
JAVA_PACKAGE, CSHARP_NAMESPACE = "package shop.store;\n\npublic class", "namespace Shop.Core;\n\npublic class"
JAVA = {
    "src/shop/base/Base.java": (
        "package shop.base;\n\npublic class Base {\n    public void flushAll() {}\n}\n"
    ),
    "src/shop/store/Store.java": (
        "package shop.store;\n\nimport shop.base.Base;\n\npublic class Store extends Base {\n"
        "    public Receipt last;\n\n"
        "    public Receipt writeRow(int row) {\n        return null;\n    }\n\n"
        "    public static Store open(String path) {\n        return new Store();\n    }\n}\n"
    ),
    "src/shop/store/Receipt.java": f"{JAVA_PACKAGE} Receipt {{\n    public void printOut() {{}}\n}}\n",
    **{
        f"src/shop/store/Other{n}.java": f"{JAVA_PACKAGE} Other{n} {{\n    public void other() {{}}\n}}\n"
        for n in OTHERS
    },
}
CSHARP = {
    "Base.cs": (
        "namespace Shop.Core\n{\n    public class Base\n    {\n        public void FlushAll() { }\n    }\n}\n"
    ),
    "Store.cs": (
        "using Shop.Core;\n\nnamespace Shop.Core;\n\npublic class Store : Base\n{\n"
        "    public Receipt Last { get; set; }\n\n    public Receipt WriteRow(int row) => null;\n\n"
        "    public static Store Open(string path)\n    {\n        return new Store();\n    }\n}\n"
    ),
    "Receipt.cs": f"{CSHARP_NAMESPACE} Receipt\n{{\n    public void PrintOut() {{ }}\n}}\n",
    **{
        f"Other{n}.cs": f"{CSHARP_NAMESPACE} Other{n}\n{{\n    public void Other() {{ }}\n}}\n"
        for n in OTHERS
    },
}

RUST = {
    "Cargo.toml": '[package]\nname = "shop"\n',
    "src/lib.rs": "pub mod base;\npub mod others;\npub mod receipt;\npub mod store;\npub mod clerk;\n",
    "src/base.rs": "pub trait Flush {\n    fn flush_all(&self) {}\n}\n",
    "src/receipt.rs": "pub struct Receipt;\n\nimpl Receipt {\n    pub fn print_out(&self) {}\n}\n",
    "src/others.rs": "\n".join(
        f"pub struct Other{n};\n\nimpl Other{n} {{\n    pub fn other(&self) {{}}\n}}\n" for n in OTHERS
    ),
    "src/store.rs": (
        "use crate::base::Flush;\nuse crate::receipt::Receipt;\n\n"
        "pub struct Store {\n    pub last: Receipt,\n}\n\n"
        "impl Flush for Store {}\n\nimpl Store {\n"
        "    pub fn open(path: &str) -> Result<Self, String> {\n        todo!()\n    }\n\n"
        "    pub fn write_row(&self, row: u32) -> Option<Receipt> {\n        None\n    }\n}\n"
    ),
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
JAVA_CASES: Mapping[str, tuple[str, str]] = {
    "new": ("Receipt r = new Receipt();\n        r.|", "printOut()"),
    "var": ("var r = new Receipt();\n        r.|", "printOut()"),
    "static method": ("var s = Store.open(x);\n        s.last.|", "printOut()"),
    "parameter": ("given.|", "printOut()"),
    "field": ("this.kept.|", "printOut()"),
    "bare field": ("kept.|", "printOut()"),
    "inherited": ("opened.|", "flushAll()"),
    "result": ("opened.writeRow(1).|", "printOut()"),
    "own method": ("make().|", "printOut()"),
    "each": ("for (Receipt r : all) {\n            r.|", "printOut()"),
    "each of a list": ("for (var r : all) {\n            r.|", "printOut()"),
    "an element": ("all.get(0).|", "printOut()"),
}
CSHARP_CASES: Mapping[str, tuple[str, str]] = {
    "new": ("Receipt r = new();\n        r.|", "PrintOut()"),
    "var": ("var r = new Receipt();\n        r.|", "PrintOut()"),
    "static method": ("var s = Store.Open(x);\n        s.Last.|", "PrintOut()"),
    "parameter": ("given?.|", "PrintOut()"),
    "property": ("Kept.|", "PrintOut()"),
    "inherited": ("opened.|", "FlushAll()"),
    "result": ("opened.WriteRow(1).|", "PrintOut()"),
    "own method": ("Make().|", "PrintOut()"),
    "each of a list": ("foreach (var r in all)\n        {\n            r.|", "PrintOut()"),
    "an element": ("all[0].|", "PrintOut()"),
}
RUST_CASES: Mapping[str, tuple[str, str]] = {
    "parameter": ("given.|", "fn print_out"),
    "let": ("let r: Receipt = todo!();\n        r.|", "fn print_out"),
    "new": ("let r = Receipt {};\n        r.|", "fn print_out"),
    "field": ("self.kept.as_ref().unwrap().|", "fn print_out"),
    "result": ("opened.write_row(1)?.|", "fn print_out"),
    "field of a result": ('Store::open("")?.last.|', "fn print_out"),
    "trait": ("opened.|", "fn flush_all"),
    "own method": ("self.make().|", "fn print_out"),
    "each of a list": ("for r in all.iter() {\n            r.|", "fn print_out"),
    "found": ("if let Some(r) = all.first() {\n            r.|", "fn print_out"),
}
FEW_CHARS = 220  # the members of one class, and not all that the workspace has


async def ask(
    service: IndexService, root: Path, file: str, language: str, marked: str, budget_chars: int = 4000
) -> str:
    """`marked` holds the cursor as `|`."""
    offset = marked.index("|")
    text = marked[:offset] + marked[offset + 1 :]
    path = root / file
    snapshot = DocumentSnapshot(path.as_uri(), str(path), file, str(root), language, 1, text)
    found = await service.retrieve(snapshot, offset, budget_chars)
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


@pytest.mark.parametrize("name", JAVA_CASES)
async def test_java(start_service: StartService, root: Path, name: str) -> None:
    write_files(root, JAVA)
    body, wanted = JAVA_CASES[name]
    marked = (
        "package shop;\n\nimport java.util.List;\nimport shop.store.*;\n\nclass Main {\n"
        "    private final Receipt kept;\n\n    Receipt make() {\n        return null;\n    }\n\n"
        f"    void run(Receipt given, Store opened, List<Receipt> all) {{\n        {body}\n    }}\n}}\n"
    )
    assert wanted in await ask(await start_service(), root, "src/shop/Main.java", "java", marked, FEW_CHARS)


@pytest.mark.parametrize("name", CSHARP_CASES)
async def test_csharp(start_service: StartService, root: Path, name: str) -> None:
    write_files(root, CSHARP)
    body, wanted = CSHARP_CASES[name]
    marked = (
        "using Shop.Core;\n\nnamespace Shop.App;\n\nclass Main\n{\n    public Receipt Kept { get; }\n\n"
        "    Receipt Make() => null;\n\n"
        f"    void Run(Receipt given, Store opened, List<Receipt> all)\n    {{\n        {body}\n    }}\n}}\n"
    )
    assert wanted in await ask(await start_service(), root, "Main.cs", "csharp", marked, FEW_CHARS)


@pytest.mark.parametrize("name", RUST_CASES)
async def test_rust(start_service: StartService, root: Path, name: str) -> None:
    write_files(root, RUST)
    body, wanted = RUST_CASES[name]
    others = ", ".join(f"Other{n}" for n in OTHERS)
    marked = (
        f"use crate::others::{{{others}}};\nuse crate::receipt::Receipt;\nuse crate::store::Store;\n\n"
        "struct Clerk {\n    kept: Option<Box<Receipt>>,\n}\n\nimpl Clerk {\n"
        "    fn make(&self) -> Receipt {\n        Receipt {}\n    }\n\n"
        "    fn run(&self, given: &Receipt, opened: &mut Store, all: &[Receipt]) {\n"
        f"        {body}\n    }}\n}}\n"
    )
    assert wanted in await ask(await start_service(), root, "src/clerk.rs", "rust", marked, FEW_CHARS)
