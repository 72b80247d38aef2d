"""Finds installed packages, their licence and their source files. Fetches nothing; knows nothing of filters
or splits.

A licence is read from what the package says of itself: wheel or egg metadata, `package.json`, or, for trees
without metadata (`--header-root`), the licence header of each single file.
"""

from __future__ import annotations

import email.parser
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

LANGUAGES = {
    ".py": "python",
    ".js": "javascript",
    ".mjs": "javascript",
    ".cjs": "javascript",
    ".ts": "typescript",
    ".c": "c",
    ".h": "c",
    ".hpp": "c",
    ".cpp": "c",
}
PERMISSIVE = {
    "MIT",
    "MIT-0",
    "BSD",
    "BSD-2-CLAUSE",
    "BSD-3-CLAUSE",
    "0BSD",
    "APACHE-2.0",
    "ISC",
    "PSF-2.0",
    "PYTHON-2.0",
    "UNLICENSE",
    "ZLIB",
    "CC0-1.0",
    "BSL-1.0",
}
# What authors write in `License:` and in trove classifiers, as SPDX names. The order matters: longest match
# first.
SPELLINGS = [
    (r"apache.*2(\.0)?|apache software license|apache license|^apache$|asl 2", "APACHE-2.0"),
    (r"python software foundation|^psf|python-2\.0", "PSF-2.0"),
    (r"mit-0|mit no attribution", "MIT-0"),
    (r"3-clause|new bsd|modified bsd|bsd 3", "BSD-3-CLAUSE"),
    (r"2-clause|simplified bsd", "BSD-2-CLAUSE"),
    (r"^(the )?mit( license)?$|osi approved :: mit|expat", "MIT"),
    (r"isc( license)?", "ISC"),
    (r"^bsd( license)?( \(bsd\))?$|osi approved :: bsd", "BSD-3-CLAUSE"),
    (r"unlicense", "UNLICENSE"),
    (r"zlib", "ZLIB"),
    (r"public domain|cc0", "CC0-1.0"),
]
HEADER = re.compile(
    r"Licensed under the Apache License, Version 2\.0"
    r"|SPDX-License-Identifier: *(MIT|Apache-2\.0|BSD-\d-Clause|ISC)\b"
)


@dataclass(frozen=True)
class Package:
    """One installed package: what it is called, and which of its files may be read."""

    name: str
    version: str
    licence: str
    root: Path
    files: tuple[str, ...] = field(repr=False)


def normal_name(name: str) -> str:
    """`Foo.Bar` and `foo_bar` are the same project."""
    return re.sub(r"[-_.]+", "-", name).lower()


def spdx_name(text: str) -> str:
    """The SPDX name of one licence as an author wrote it; the text itself, upper case, when unknown."""
    plain = text.strip().strip("()").strip()
    if plain.upper() in PERMISSIVE:
        return plain.upper()
    for pattern, name in SPELLINGS:
        if re.search(pattern, plain, re.IGNORECASE) and len(plain) < 120:
            return name
    return plain.upper()


def is_permissive(expression: str) -> bool:
    """Every part of one alternative must be permissive: `MIT OR GPL-3.0` is, `MIT AND MPL-2.0` is not."""
    if not expression.strip():
        return False
    flat = (
        expression.replace("(", " ")
        .replace(")", " ")
        .replace("/", " OR ")
        .replace(" or ", " OR ")
        .replace(" and ", " AND ")
    )
    alternatives = [re.split(r"\s+AND\s+|\s*,\s*|\s*;\s*", part) for part in re.split(r"\s+OR\s+", flat)]
    return any(all(spdx_name(one) in PERMISSIVE for one in parts) for parts in alternatives)


def metadata_licence(text: str) -> tuple[str, str, str]:
    """Name, version and licence expression of a wheel's METADATA or an egg's PKG-INFO."""
    head = email.parser.HeaderParser().parsestr(text)
    name, version = str(head.get("Name", "")), str(head.get("Version", ""))
    classifiers = [
        str(c).split("::")[-1] for c in head.get_all("Classifier", []) if str(c).startswith("License ::")
    ]
    classifiers = [c for c in classifiers if c.strip() != "OSI Approved"]
    stated = str(head.get("License-Expression", ""))
    if not stated and classifiers:
        stated = " AND ".join(spdx_name(c) for c in classifiers)
    if not stated:
        stated = spdx_name(str(head.get("License", "")).splitlines()[0]) if head.get("License") else ""
    return name, version, stated


def find_wheels(site: Path) -> Iterator[Package]:
    """Installed distributions of one site-packages folder; each file belongs to the one whose RECORD names
    it.
    """
    for info in sorted([*site.glob("*.dist-info"), *site.glob("*.egg-info")]):
        meta = next((p for p in (info / "METADATA", info / "PKG-INFO", info) if p.is_file()), None)
        if meta is None:
            continue
        name, version, licence = metadata_licence(meta.read_text("utf-8", "replace"))
        if name and is_permissive(licence):
            yield Package(
                normal_name(name), version, licence, site, tuple(sorted(owned_files(site, info, name)))
            )


def owned_files(site: Path, info: Path, name: str) -> Iterator[str]:
    """Files named by RECORD, or everything under the top-level modules of an egg."""
    record = info / "RECORD"
    if record.is_file():
        for line in record.read_text("utf-8", "replace").splitlines():
            path = line.rsplit(",", 2)[0].strip('"')
            if Path(path).suffix in LANGUAGES and not path.startswith(".."):
                yield path
        return
    top = info / "top_level.txt"
    modules = top.read_text().split() if top.is_file() else [name]
    for module in modules:
        if (site / f"{module}.py").is_file():
            yield f"{module}.py"
        yield from source_files(site, site / module)


def source_files(root: Path, folder: Path) -> Iterator[str]:
    """Every source file under `folder`, relative to `root`, links not followed."""
    for path in folder.rglob("*"):
        if path.suffix in LANGUAGES and path.is_file() and not path.is_symlink():
            yield path.relative_to(root).as_posix()


def find_stdlib(folder: Path) -> Package:
    """The standard library in a `lib/python3.X` folder."""
    inside = (
        p for p in source_files(folder, folder) if "site-packages" not in p and "dist-packages" not in p
    )
    return Package(
        f"{folder.name}-stdlib", folder.name.removeprefix("python"), "PSF-2.0", folder, tuple(sorted(inside))
    )


def find_node(modules: Path) -> Iterator[Package]:
    """npm packages, nested ones too, by the `license` of their package.json."""
    for manifest in sorted(modules.rglob("package.json")):
        try:
            data = json.loads(manifest.read_text("utf-8"))
        except (ValueError, OSError):
            continue
        licence = data.get("license") if isinstance(data, dict) else None
        if isinstance(licence, str) and data.get("name") and data.get("version") and is_permissive(licence):
            inside = (p for p in source_files(manifest.parent, manifest.parent) if "node_modules/" not in p)
            yield Package(
                f"npm:{data['name']}", str(data["version"]), licence, manifest.parent, tuple(sorted(inside))
            )


def find_by_header(folder: Path) -> Package:
    """A tree without package metadata: only files whose own header states a permissive licence."""
    stated = {p: HEADER.search(read_head(folder / p)) for p in source_files(folder, folder)}
    licences = {p: spdx_name(match[1] or "APACHE-2.0") for p, match in stated.items() if match}
    version = folder / "VERSION"
    return Package(
        folder.name,
        version.read_text().strip() if version.is_file() else "",
        " AND ".join(sorted(set(licences.values()))),
        folder,
        tuple(sorted(licences)),
    )


def read_head(path: Path, size: int = 2000) -> str:
    """The first bytes of a file as text."""
    with path.open("rb") as stream:
        return stream.read(size).decode("utf-8", "replace")


def find_packages(roots: list[Path], header_roots: list[Path]) -> Iterator[Package]:
    """Everything under the given roots: standard libraries, wheels, npm packages; then the header-only
    trees.
    """
    for root in roots:
        for folder in [root, *sorted(p for p in root.rglob("*") if p.is_dir() and not p.is_symlink())]:
            if folder.name in ("site-packages", "dist-packages"):
                yield from find_wheels(folder)
            elif re.fullmatch(r"python3\.\d+", folder.name) and (folder / "os.py").is_file():
                yield find_stdlib(folder)
            elif folder.name == "node_modules" and "node_modules" not in folder.parent.as_posix():
                yield from find_node(folder)
    for folder in header_roots:
        yield find_by_header(folder)
