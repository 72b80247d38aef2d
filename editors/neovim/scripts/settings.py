"""Writes lua/edgewise/settings.lua: the server's settings as LuaCATS annotations, with their defaults.

`python editors/neovim/scripts/settings.py` writes the file; a test compares it with `build_lua()`.
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lsp_server.settings import SECTIONS, Section

TARGET = Path(__file__).parents[1] / "lua" / "edgewise" / "settings.lua"
HEAD = """\
--- The server's settings, their types and defaults. Written by scripts/settings.py: do not edit.
"""
LUA_TYPES = {"boolean": "boolean", "integer": "integer", "number": "number", "string": "string"}


def build_lua() -> str:
    """The whole file."""
    parts = [HEAD, *map(_class, SECTIONS), _top_class(), "return {", *_tables(), "}"]
    return "\n".join(parts) + "\n"


def _class_name(section: str) -> str:
    return f"edgewise.Settings.{section.capitalize()}"


def _class(section: str) -> str:
    model = SECTIONS[section]
    fields = "\n".join(_field(model, name) for name in model.model_fields)
    return f"---@class {_class_name(section)} {_about(model)}\n{fields}\n"


def _about(model: type[Section]) -> str:
    return (model.__doc__ or "").strip().splitlines()[0]


def _field(model: type[Section], name: str) -> str:
    schema = model.model_json_schema()["properties"][name]
    default = json.dumps(_default(model, name))
    text = f"---@field {name}? {_type(schema)} {schema['description']} Default: {default}."
    return "\n".join(textwrap.wrap(text, 105, subsequent_indent="--- ", break_long_words=False))


def _type(schema: dict[str, Any]) -> str:
    if "enum" in schema:
        return "|".join(f"'{choice}'" for choice in schema["enum"])
    return "string[]" if schema["type"] == "array" else LUA_TYPES[schema["type"]]


def _top_class() -> str:
    fields = "\n".join(f"---@field {section}? {_class_name(section)}" for section in SECTIONS)
    return f"---@class edgewise.Settings\n{fields}\n"


def _default(model: type[Section], name: str) -> object:
    value = model.model_fields[name].default
    return list(value) if isinstance(value, tuple) else value


def _tables() -> Iterator[str]:
    for section, model in SECTIONS.items():
        yield f"  {section} = {{"
        yield from (f"    {name} = {_lua(_default(model, name))}," for name in model.model_fields)
        yield "  },"


def _lua(value: object) -> str:
    if isinstance(value, list):
        return f"{{ {', '.join(map(_lua, value))} }}" if value else "{}"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return (
        "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
        if isinstance(value, str)
        else json.dumps(value)
    )


if __name__ == "__main__":
    TARGET.write_text(build_lua(), "utf-8")
