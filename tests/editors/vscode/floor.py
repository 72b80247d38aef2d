"""The least that VS Code lets any extension take: a packed extension that answers every question for a
suggestion at once, with a constant, without a server. What edgewise takes is measured beside it.
"""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

MANIFEST = {
    "name": "floor",
    "publisher": "edgewise-tests",
    "version": "0.0.1",
    "engines": {"vscode": "^1.106.0"},
    "main": "main.js",
    "activationEvents": ["onStartupFinished"],
    "extensionKind": ["workspace"],
}
MAIN = """
const vscode = require('vscode');
exports.activate = (context) => context.subscriptions.push(
  vscode.languages.registerInlineCompletionItemProvider({ pattern: '**' }, {
    provideInlineCompletionItems: (_, at) => [{ insertText: 'floor', range: new vscode.Range(at, at) }],
  }));
"""
TYPES = """<?xml version="1.0" encoding="utf-8"?>
<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension=".json"
ContentType="application/json"/><Default Extension=".js" ContentType="application/javascript"/><Default
Extension=".vsixmanifest" ContentType="text/xml"/></Types>
"""
PACKAGE = """<?xml version="1.0" encoding="utf-8"?>
<PackageManifest Version="2.0.0" xmlns="http://schemas.microsoft.com/developer/vsx-schema/2011"><Metadata>
<Identity Language="en-US" Id="floor" Version="0.0.1" Publisher="edgewise-tests"/>
<DisplayName>floor</DisplayName><Description>answers at once</Description><Properties>
<Property Id="Microsoft.VisualStudio.Code.Engine" Value="^1.106.0"/>
<Property Id="Microsoft.VisualStudio.Code.ExtensionKind" Value="workspace"/></Properties></Metadata>
<Installation><InstallationTarget Id="Microsoft.VisualStudio.Code"/></Installation><Dependencies/><Assets>
<Asset Type="Microsoft.VisualStudio.Code.Manifest" Path="extension/package.json" Addressable="true"/></Assets>
</PackageManifest>
"""


def write_floor(path: Path) -> Path:
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("extension.vsixmanifest", PACKAGE)
        packed.writestr("[Content_Types].xml", TYPES)
        packed.writestr("extension/package.json", json.dumps(MANIFEST))
        packed.writestr("extension/main.js", MAIN)
    return path
