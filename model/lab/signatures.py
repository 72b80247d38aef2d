"""Signatures of a package's definitions, and which of them a file uses: the snippets of repository-level
samples.

Works on Python text alone, through `ast`. The server finds its snippets with its own index; only the text's
look must agree (LAYOUT.md).
"""

from __future__ import annotations

import ast
import random
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

MAX_LINE = 160
Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


@dataclass(frozen=True)
class Signature:
    """The head of one definition as one or two lines of text."""

    path: str
    name: str
    line: int
    text: str


def signature_text(node: Definition, indent: str) -> str:
    """`def f(a: int) -> str:` on one line, and the first line of its docstring below."""
    if isinstance(node, ast.ClassDef):
        bases = ", ".join(ast.unparse(b) for b in node.bases)
        head = f"{indent}class {node.name}({bases}):" if bases else f"{indent}class {node.name}:"
    else:
        word = "async def" if isinstance(node, ast.AsyncFunctionDef) else "def"
        returns = f" -> {ast.unparse(node.returns)}" if node.returns else ""
        head = f"{indent}{word} {node.name}({ast.unparse(node.args)}){returns}:"
    doc = (ast.get_docstring(node) or "").split("\n")[0].strip().replace('"', "'")
    return head[:MAX_LINE] + (f'\n{indent}    """{doc}"""' if 8 < len(doc) < 100 else "")


def find_signatures(path: str, tree: ast.Module) -> Iterator[Signature]:
    """Top-level functions and classes, and the methods of those classes."""
    for node in tree.body:
        if isinstance(node, Definition):
            yield Signature(path, node.name, node.lineno, signature_text(node, ""))
        if isinstance(node, ast.ClassDef):
            for inner in node.body:
                if isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef) and not inner.name.startswith(
                    "__"
                ):
                    yield Signature(path, inner.name, inner.lineno, signature_text(inner, "    "))


class PackageIndex:
    """The signatures of one package by name."""

    def __init__(self, files: Iterable[tuple[str, ast.Module]]) -> None:
        self.by_name: dict[str, list[Signature]] = defaultdict(list)
        for path, tree in files:
            for signature in find_signatures(path, tree):
                self.by_name[signature.name].append(signature)

    def used_by(self, path: str, text: str) -> list[Signature]:
        """Definitions of other files whose name the text uses; a name that many files define says nothing."""
        names = sorted(set(re.findall(r"[A-Za-z_]\w{2,}", text)) & self.by_name.keys())
        found = [[s for s in self.by_name[name] if s.path != path] for name in names]
        return [s for group in found if len(group) <= 3 for s in group]


def build_snippets(
    used: list[Signature], text: str, max_chars: int, rng: random.Random
) -> list[tuple[str, str]]:
    """(path, text) pairs within a budget: most of them name something in `text` (the window around the
    middle), the rest any.

    A snippet that is useful in most samples is what teaches the model to look at snippets at all; the others
    keep it doubting.
    """
    words = set(re.findall(r"\w+", text))
    scored = [(rng.random() * (0.3 if s.name in words else 1.0), s) for s in used]
    by_path: dict[str, list[Signature]] = defaultdict(list)
    for _, signature in sorted(scored, key=lambda item: item[0]):
        max_chars -= len(signature.text) + 1
        if max_chars < 0:
            break
        by_path[signature.path].append(signature)
    groups = list(by_path.items())
    rng.shuffle(groups)
    return [(path, "\n".join(s.text for s in sorted(group, key=lambda s: s.line))) for path, group in groups]
