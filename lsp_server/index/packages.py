"""A folder whose files are one module (a package of Go) as one outline. Pure values.

Runs in the session, in the thread that all questions to the index run in. Symbols keep the paths of their
files.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from lsp_server.index.facts import Exprs, Facts
from lsp_server.index.outline import Outline
from lsp_server.types import Symbol


def merge(path: str, outlines: Sequence[Outline]) -> Outline:
    """The first definition of each name counts; of imports, the last."""
    merged = Outline(
        path,
        [symbol for outline in outlines for symbol in outline.symbols],
        [item for outline in outlines for item in outline.imports],
        _merge_facts([outline.facts for outline in outlines]),
    )
    merged.__dict__["by_container"] = _by_container([outline.by_container for outline in outlines])
    return merged


def _by_container(
    tables: Iterable[Mapping[str, Mapping[str, Symbol]]],
) -> dict[str, Mapping[str, Symbol]]:
    found: dict[str, Mapping[str, Symbol]] = {}
    for table in tables:
        for container, names in table.items():
            known = found.get(container)
            found[container] = names if known is None else {**names, **known}
    return found


def _merge_facts(facts: Sequence[Facts]) -> Facts:
    """Without uses: they are asked of each file."""
    bases: dict[str, Exprs] = {}
    values: dict[str, Mapping[str, Exprs]] = {}
    results: dict[str, Exprs] = {}
    local: dict[str, Mapping[str, Exprs]] = {}
    for item in facts:
        for name, exprs in item.bases.items():
            bases[name] = (*bases.get(name, ()), *exprs)
        for scope, table in item.values.items():
            values[scope] = {**table, **values.get(scope, {})}
        results = {**item.results, **results}
        local.update(item.locals)
    return Facts(bases, values, results, {}, local)
