"""Writes which model is used into the user's own settings file, and leaves everything else there as it was.

Runs in the model commands. Must not know settings other than this one, nor where the file is.
"""

from __future__ import annotations

import json
import os
import re
import tomllib
from pathlib import Path
from typing import Any, Final

from model.protocol import ModelRefused

_HEADER: Final = re.compile(r"^\s*\[\s*model\s*\]\s*(#.*)?$")
_ANY_HEADER: Final = re.compile(r"^\s*\[")
_NAME: Final = re.compile(r"""^(?P<key>\s*name\s*=\s*)("(?:[^"\\]|\\.)*"|'[^']*')(?P<rest>\s*(#.*)?)$""")


def write_choice(config_file: Path, name: str) -> None:
    """Sets `name` in the table `[model]` of a TOML file, by an atomic rename. Makes the file if need be."""
    before = _read(config_file)
    wanted = _expect(_parse(config_file, before), name)
    after = _set_name(before, name)
    if not _says(after, wanted):
        raise ModelRefused(
            f"The settings file {config_file} writes model.name in a way that cannot be changed safely: "
            f"set it to {json.dumps(name)} by hand."
        )
    _write(config_file, after)


def _read(path: Path) -> str:
    try:
        with path.open(encoding="utf-8", newline="") as file:  # keeps the file's line ends
            return file.read()
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise ModelRefused(
            f"The settings file {path} cannot be read ({error}): correct it or remove it."
        ) from error


def _parse(path: Path, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ModelRefused(
            f"The settings file {path} is not valid TOML ({error}): correct it or remove it."
        ) from error


def _expect(document: dict[str, Any], name: str) -> dict[str, Any]:
    table = document.get("model")
    return {**document, "model": {**(table if isinstance(table, dict) else {}), "name": name}}


def _says(text: str, wanted: dict[str, Any]) -> bool:
    """The changed text is TOML in UTF-8, and says exactly what was wanted."""
    try:
        text.encode()
        return tomllib.loads(text) == wanted
    except (tomllib.TOMLDecodeError, UnicodeEncodeError):
        return False


def _set_name(text: str, name: str) -> str:
    end = "\r\n" if "\r\n" in text else "\n"
    value = json.dumps(name, ensure_ascii=False)  # a TOML basic string is written like a JSON string
    lines = text.splitlines()
    start = next((index for index, line in enumerate(lines) if _HEADER.match(line)), None)
    if start is None:
        gap = [""] if lines else []
        return end.join([*lines, *gap, "[model]", f"name = {value}", ""])
    for index in range(start + 1, len(lines)):
        if _ANY_HEADER.match(lines[index]):
            break
        found = _NAME.match(lines[index])
        if found:
            lines[index] = f"{found['key']}{value}{found['rest']}"
            return end.join([*lines, ""])
    lines.insert(start + 1, f"name = {value}")
    return end.join([*lines, ""])


def _write(path: Path, text: str) -> None:
    target = Path(os.path.realpath(path))  # a settings file may be a link into a dotfiles folder
    beside = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with beside.open("w", encoding="utf-8", newline="") as file:
            file.write(text)
        if target.exists():
            beside.chmod(target.stat().st_mode & 0o777)
        beside.replace(target)
    except OSError as error:
        raise ModelRefused(
            f"The settings file {path} cannot be written ({error.strerror}): check its folder and the disk."
        ) from error
    finally:
        beside.unlink(missing_ok=True)
