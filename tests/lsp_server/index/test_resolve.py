"""Imports of each language to the files of a small workspace, which is a table of paths and texts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pytest

from lsp_server.index.resolve import resolve, resolve_member
from lsp_server.index.resolve.script_config import parse_package_json, parse_tsconfig
from lsp_server.index.store import module_stem


@dataclass(frozen=True)
class Workspace:
    texts: Mapping[str, str]

    def existing(self, paths: Sequence[str]) -> set[str]:
        return self.texts.keys() & set(paths)

    def paths_with_stem(self, stem: str) -> list[str]:
        return sorted(path for path in self.texts if module_stem(path) == stem)

    def text_of(self, path: str) -> str:
        return self.texts.get(path, "")

    def files_in(self, folder: str) -> Sequence[str]:
        inner = folder.removeprefix("./")
        return sorted(path for path in self.texts if path[: path.rfind("/") + 1] == inner)


SCRIPTS = Workspace(
    {
        "tsconfig.json": """{
            // comments, and a comma too many
            "compilerOptions": {"baseUrl": "./", "paths": {"@/*": ["src/*"], "@lib": ["src/lib/index.ts"]}, },
        }""",
        "src/app.ts": "",
        "src/lib/index.ts": "",
        "src/lib/store.ts": "",
        "src/lib/icon.tsx": "",
        "web/tsconfig.json": '{"extends": "../tsconfig.json"}',
        "web/main.ts": "",
        "ui/tsconfig.json": """{"compilerOptions":
            {"paths": {"ui/*": ["./generated/*", "./src/*"], "*/styles": ["./src/*/theme.ts"]}}}""",
        "ui/src/button.tsx": "",
        "ui/src/button/theme.ts": "",
        "ui/generated/api.d.ts": "",
        "plain/jsconfig.json": '{"compilerOptions": {"baseUrl": "source"}}',
        "plain/source/tool.js": "",
        "plain/main.js": "",
        "packages/core/package.json": """{"name": "@acme/core", "main": "./dist/index.js",
            "exports": {".": {"import": "./dist/index.mjs"}, "./deep/*": "./src/deep/*.ts"},
            "imports": {"#inner": "./src/inner.ts"}}""",
        "packages/core/src/index.ts": "",
        "packages/core/src/inner.ts": "",
        "packages/core/src/deep/one.ts": "",
    }
)
GO = Workspace(
    {
        "go.mod": "module example.com/shop\n\ngo 1.21\n",
        "main.go": "",
        "store/store.go": "",
        "tools/go.mod": "// a comment\nmodule example.com/shop/tools\n",
        "tools/gen/gen.go": "",
        "internal/price/price.go": "",
        "docs/notes.md": "",
    }
)
RUST = Workspace(
    {
        "shop/src/lib.rs": "",
        "shop/src/store/mod.rs": "",
        "shop/src/store/disk.rs": "",
        "shop/src/cart.rs": "",
        "shop/src/tax.rs": "",
        "shop/src/tax/rates.rs": "",
        "shop/src/tax/rates/old.rs": "",
        "shop-core/src/lib.rs": "",
        "shop-core/src/money.rs": "",
    }
)
DOTTED = Workspace(
    {
        "app/src/main/java/com/shop/Cart.java": "",
        "app/src/main/java/com/shop/Item.java": "",
        "app/src/test/java/com/shop/CartTest.java": "",
        "app/src/main/java/com/other/Item.java": "",
        "core/src/main/kotlin/com/core/Money.kt": "",
        "Shop/Models/Order.cs": "",
        "composer.json": '{"autoload": {"psr-4": {"Acme\\\\Shop\\\\": "src/"}}}',
        "src/Model/User.php": "",
        "include/shop/cart.h": "",
        "engine/cart.cpp": "",
        "engine/local.h": "",
        "lib/shop/cart.rb": "",
        "lua/shop/cart.lua": "",
        "lua/shop/init.lua": "",
    }
)


@pytest.mark.parametrize(
    ("module", "importer", "expected"),
    [
        ("./lib", "src/app.ts", "src/lib/index.ts"),
        ("./lib/store.js", "src/app.ts", "src/lib/store.ts"),
        ("@/lib/store", "src/app.ts", "src/lib/store.ts"),
        ("@lib", "web/main.ts", "src/lib/index.ts"),
        ("src/app", "web/main.ts", "src/app.ts"),
        ("./icon.jsx", "src/lib/store.ts", "src/lib/icon.tsx"),
        (".", "src/lib/store.ts", "src/lib/index.ts"),
        ("..", "src/lib/deep/any.ts", "src/lib/index.ts"),
        ("ui/api", "ui/src/button.tsx", "ui/generated/api.d.ts"),
        ("ui/button", "ui/src/button.tsx", "ui/src/button.tsx"),
        ("button/styles", "ui/src/button.tsx", "ui/src/button/theme.ts"),
        ("ui/button", "src/app.ts", ""),
        ("tool", "plain/main.js", "plain/source/tool.js"),
        ("@acme/core", "src/app.ts", "packages/core/src/index.ts"),
        ("@acme/core/deep/one", "src/app.ts", "packages/core/src/deep/one.ts"),
        ("#inner", "packages/core/src/index.ts", "packages/core/src/inner.ts"),
        ("react", "src/app.ts", ""),
        ("../../outside", "src/app.ts", ""),
    ],
)
def test_scripts(module: str, importer: str, expected: str) -> None:
    assert resolve("javascript", module, importer, SCRIPTS) == expected


@pytest.mark.parametrize(
    ("module", "expected"),
    [
        ("example.com/shop/store", "store/"),
        ("example.com/shop", "./"),
        ("example.com/shop/tools/gen", "tools/gen/"),
        ("example.com/shop/tools", ""),
        ("example.com/shop/internal/price", "internal/price/"),
        ("example.com/shop/docs", ""),
        ("example.com/shop/absent", ""),
        ("example.com/shopping", ""),
        ("fmt", ""),
    ],
)
def test_go_packages_are_folders(module: str, expected: str) -> None:
    assert resolve("go", module, "main.go", GO) == expected
    assert resolve("go", module, "tools/gen/gen.go", GO) == expected


@pytest.mark.parametrize(
    ("module", "importer", "expected"),
    [
        ("crate::store::disk", "shop/src/cart.rs", "shop/src/store/disk.rs"),
        ("crate::store::Store", "shop/src/cart.rs", "shop/src/store/mod.rs"),
        ("self::disk", "shop/src/store/mod.rs", "shop/src/store/disk.rs"),
        ("super::cart", "shop/src/store/mod.rs", "shop/src/cart.rs"),
        ("shop_core::money", "shop/src/cart.rs", "shop-core/src/money.rs"),
        ("self::rates", "shop/src/tax.rs", "shop/src/tax/rates.rs"),
        ("rates", "shop/src/tax.rs", "shop/src/tax/rates.rs"),
        ("super::rates", "shop/src/tax/rates/old.rs", "shop/src/tax/rates.rs"),
        ("super::super::cart", "shop/src/tax/rates.rs", "shop/src/cart.rs"),
        ("crate::tax::rates::Rate::Flat", "shop/src/lib.rs", "shop/src/tax/rates.rs"),
        ("crate", "shop/src/tax/rates.rs", "shop/src/lib.rs"),
        ("shop_core", "shop/src/cart.rs", "shop-core/src/lib.rs"),
        ("std::fmt", "shop/src/cart.rs", ""),
    ],
)
def test_rust(module: str, importer: str, expected: str) -> None:
    assert resolve("rust", module, importer, RUST) == expected


def test_a_module_of_rust_taken_from_a_module() -> None:
    assert (
        resolve_member("rust", "crate::store", "disk", "shop/src/cart.rs", RUST) == "shop/src/store/disk.rs"
    )


_CART = "app/src/main/java/com/shop/Cart.java"


@pytest.mark.parametrize(
    ("resolver", "module", "name", "importer", "expected"),
    [
        ("java", "com.shop", "Item", "Other.java", "app/src/main/java/com/shop/Item.java"),
        ("java", "com.shop.Cart", "Line", "Other.java", _CART),
        ("java", ".", "Item", _CART, "app/src/main/java/com/shop/Item.java"),
        ("java", "com.other", "Item", _CART, "app/src/main/java/com/other/Item.java"),
        ("java", "com.shop", "Cart", "app/src/test/java/com/shop/CartTest.java", _CART),
        ("java", "java.util", "List", _CART, ""),
        ("kotlin", "com.core", "Money", "App.kt", "core/src/main/kotlin/com/core/Money.kt"),
        ("csharp", "Shop.Models", "Order", "Program.cs", "Shop/Models/Order.cs"),
        ("php", "Acme\\Shop\\Model", "User", "index.php", "src/Model/User.php"),
        ("c", "shop/cart.h", "*", "engine/cart.cpp", "include/shop/cart.h"),
        ("c", "local.h", "*", "engine/cart.cpp", "engine/local.h"),
        ("c", "../include/shop/cart.h", "*", "engine/cart.cpp", "include/shop/cart.h"),
        ("c", "cart.h", "*", "include/shop/other.h", "include/shop/cart.h"),
        ("c", "stdio.h", "*", "engine/cart.cpp", ""),
        ("ruby", "./shop/cart", "*", "lib/shop.rb", "lib/shop/cart.rb"),
        ("ruby", "shop/cart", "*", "bin/run.rb", "lib/shop/cart.rb"),
        ("lua", "shop.cart", "", "lua/main.lua", "lua/shop/cart.lua"),
        ("lua", "shop", "", "lua/main.lua", "lua/shop/init.lua"),
    ],
)
def test_other_languages(resolver: str, module: str, name: str, importer: str, expected: str) -> None:
    assert resolve(resolver, module, importer, DOTTED, name) == expected


@pytest.mark.parametrize(
    "text", ["", "[]", "{", '{"compilerOptions": 3}', '{"extends": {"a": 1}}', "[" * 5000]
)
def test_configurations_that_are_none_say_nothing(text: str) -> None:
    assert parse_tsconfig(text).paths == {}
    assert parse_package_json(text).name == ""
