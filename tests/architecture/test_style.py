"""The rules of the house that a parser can check: names, sizes, docstrings, broad excepts, private paths."""

from __future__ import annotations

import ast
import re
import statistics
import subprocess

from tests.architecture.source import ROOT, Module, functions, modules, n_lines

BROAD_EXCEPT_PLACES = {
    "lsp_server.server",  # the one error boundary of the LSP
    "lsp_server.completion.pipeline",  # completion/ never raises
    "lsp_server.index.extractor",  # one bad file must not end the index
    "model.supervisor",  # the respawn loop outlives whatever a spawn raises
}
VAGUE_NAMES = {"utils", "util", "helpers", "helper", "common", "manager", "base", "misc"}


def _broad_excepts(module: Module) -> int:
    def is_broad(node: ast.ExceptHandler) -> bool:
        caught = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
        return any(kind is None or ast.unparse(kind) in {"Exception", "BaseException"} for kind in caught)

    return sum(isinstance(node, ast.ExceptHandler) and is_broad(node) for node in ast.walk(module.tree))


def test_every_module_says_what_it_holds() -> None:
    silent = [m.name for m in modules() if m.text.strip() and not ast.get_docstring(m.tree)]
    assert not silent, silent


def test_no_vague_module_names() -> None:
    assert not [m.name for m in modules() if VAGUE_NAMES & set(m.name.split("."))]


def test_exception_is_caught_in_four_named_places_at_most() -> None:
    places = {m.name: n for m in modules() if (n := _broad_excepts(m))}
    assert set(places) <= BROAD_EXCEPT_PLACES, places
    assert all(n == 1 for n in places.values()), places


def test_files_and_functions_stay_small() -> None:
    long_files = {m.name: n for m in modules() if (n := m.text.count("\n")) > 400}
    long_functions = {
        f"{m.name}.{f.name}": n for m in modules() for f in functions(m) if (n := n_lines(f)) > 60
    }
    assert not long_files, long_files
    assert not long_functions, long_functions
    lengths = sorted(n_lines(f) for m in modules() for f in functions(m))
    assert statistics.median(lengths) <= 9
    assert lengths[int(len(lengths) * 0.9)] <= 35


def test_ghost_text_is_the_editors_word() -> None:
    """In the code the noun is `Completion`; "ghost text" is for people and for editors/."""
    spoken_to_people = (
        "lsp_server.demo",
        "lsp_server.cli",
        "lsp_server.commands",
        "lsp_server.doctor",
        "lsp_server.settings",
    )
    pattern = re.compile(r"ghost[ _-]?text", re.IGNORECASE)
    assert not [m.name for m in modules() if pattern.search(m.text) and not m.is_in(*spoken_to_people)]


def _tracked_text() -> list[tuple[str, str]]:
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    paths = [ROOT / name for name in names if (ROOT / name).is_file()]
    return [
        (path.relative_to(ROOT).as_posix(), path.read_bytes().decode("utf-8", "replace"))
        for path in paths
        if path.stat().st_size < 1_000_000
    ]


def test_no_path_of_one_machine() -> None:
    machine = re.compile(r"/(?:home|Users)/[a-z]\w+/|/root/(?!\.\.)\w|" + re.escape(str(ROOT)) + r"\b")
    this_file = "tests/architecture/test_style.py"
    found = {
        name: match.group()
        for name, text in _tracked_text()
        if name != this_file and (match := machine.search(text))
    }
    assert not found, found
