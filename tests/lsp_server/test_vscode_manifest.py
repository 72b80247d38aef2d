"""The VS Code extension's package.json says what the server says: settings, defaults, scopes, version."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from lsp_server import settings

FOLDER = Path(__file__).parents[2] / "editors" / "vscode"


def test_the_settings_block_is_what_the_settings_generate():
    done = subprocess.run([sys.executable, FOLDER / "manifest.py", "--check"], check=False)
    assert done.returncode == 0, "run `python editors/vscode/manifest.py`"


def test_machine_settings_stay_on_the_machine():
    properties = json.loads((FOLDER / "package.json").read_text("utf-8"))["contributes"]["configuration"][
        "properties"
    ]
    machine = {name for name, about in properties.items() if about["scope"] == "machine"}
    named = {f"edgewise.{name}" for name in settings.setting_names() if is_machine(name)}
    assert machine == named | {"edgewise.vscode.executable"}


def is_machine(name: str) -> bool:
    return settings.field_info(name).json_schema_extra == settings.MACHINE


def test_no_setting_of_an_untrusted_workspace_counts():
    manifest = json.loads((FOLDER / "package.json").read_text("utf-8"))
    restricted = manifest["capabilities"]["untrustedWorkspaces"]["restrictedConfigurations"]
    assert set(restricted) == set(manifest["contributes"]["configuration"]["properties"])


def test_the_lock_file_names_no_registry():
    lock = json.loads((FOLDER / "package-lock.json").read_text("utf-8"))
    assert not [name for name, package in lock["packages"].items() if "resolved" in package]
