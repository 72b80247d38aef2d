"""Writes into package.json what is known elsewhere: the settings of `lsp_server/settings.py` and the version.

    python editors/vscode/manifest.py [--check]

`--check` changes nothing and ends with 1 when package.json is stale. Must not know what any setting means.
"""

from __future__ import annotations

import json
import sys
import tomllib
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
ROOT = FOLDER.parents[1]
MANIFEST = FOLDER / "package.json"
OWN_PREFIX = "edgewise.vscode."
KEPT = ("type", "enum", "items", "minimum", "maximum", "minLength")


def build_properties() -> dict[str, Any]:
    """The server's settings as VS Code's settings editor wants them."""
    from lsp_server import settings

    properties = {}
    for order, name in enumerate(settings.setting_names(), start=1):
        section, _, field = name.partition(".")
        schema = settings.SECTIONS[section].model_json_schema()["properties"][field]
        properties[f"edgewise.{name}"] = {
            **{key: schema[key] for key in KEPT if key in schema},
            "default": schema["default"],
            "markdownDescription": schema["description"],
            "scope": schema.get("scope", "window"),
            "order": order,
        }
    return properties


def build_manifest(manifest: dict[str, Any]) -> dict[str, Any]:
    """The manifest with everything that is generated as it should be."""
    configuration = manifest["contributes"]["configuration"]
    own = {key: value for key, value in configuration["properties"].items() if key.startswith(OWN_PREFIX)}
    properties = {**own, **build_properties()}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    untrusted = {
        **manifest["capabilities"]["untrustedWorkspaces"],
        "restrictedConfigurations": list(properties),
    }
    return {
        **manifest,
        "version": project["version"],
        "capabilities": {**manifest["capabilities"], "untrustedWorkspaces": untrusted},
        "contributes": {
            **manifest["contributes"],
            "configuration": {**configuration, "properties": properties},
        },
    }


def render(manifest: dict[str, Any]) -> str:
    return json.dumps(manifest, indent=2, ensure_ascii=False) + "\n"


def main() -> int:
    sys.path.insert(0, str(ROOT))
    text = MANIFEST.read_text("utf-8")
    wanted = render(build_manifest(json.loads(text)))
    if "--check" not in sys.argv and wanted != text:
        MANIFEST.write_text(wanted, "utf-8")
    return int("--check" in sys.argv and wanted != text)


if __name__ == "__main__":
    sys.exit(main())
