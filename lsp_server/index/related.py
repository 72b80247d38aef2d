"""The retrieval of one place, in a straight line: related files, habits, candidates, ranking, filling.

Runs in the session, in the thread that all questions to the index run in. Pure over a `Catalogue`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lsp_server.index.candidates import Sight, gather
from lsp_server.index.catalogue import Catalogue
from lsp_server.index.fill import fill
from lsp_server.index.habits import Users, read_habits
from lsp_server.index.imports import STAR
from lsp_server.index.outline import Outline
from lsp_server.index.place import Place
from lsp_server.index.rank import Ranked, rank
from lsp_server.index.receivers import Receivers
from lsp_server.index.recent import NOTHING_LATELY, Lately
from lsp_server.index.weights import WEIGHTS
from lsp_server.types import Snippet

_N_IMPORTERS = 40
_N_SIBLINGS = 24
_N_IMPORTED = 16
_MAX_IMPORTED_NAMES = 60


@dataclass(frozen=True, slots=True)
class Found:
    """What may be wanted at a place, the likeliest first. `is_late`: the time was over before the end."""

    place: Place
    ranked: Sequence[Ranked]
    is_late: bool = False


def find(
    catalogue: Catalogue,
    users: Users,
    current: Outline,
    place: Place,
    weights: Mapping[str, float] = WEIGHTS,
    lately: Lately = NOTHING_LATELY,
) -> Found:
    """`catalogue` was refreshed with `current`."""
    related = related_files(catalogue, current)
    outlines = [catalogue.outline(path) for path in related]
    habits = read_habits(place, outlines, users.count(outlines))
    files = frozenset(related)
    sight = Sight(
        place, current, catalogue, Receivers(catalogue), habits, files, lately, "member of field" in weights
    )
    gathered = gather(sight)
    ranked = rank(gathered.candidates, place, current.path, files, weights)
    return Found(place, ranked, gathered.is_late)


def related_files(catalogue: Catalogue, current: Outline) -> Sequence[str]:
    """Files that import the same names, that lie beside, that are imported: code like this is found there."""
    names = [item.name or item.module.rpartition(".")[2] for item in current.imports if item.name != STAR]
    imported = [catalogue.resolve(current.path, item.module) for item in current.imports if item.module]
    found = [
        *catalogue.importers(current.path, tuple(names[:_MAX_IMPORTED_NAMES]), _N_IMPORTERS),
        *catalogue.siblings(current.path, _N_SIBLINGS),
        *[path for path in imported if path][:_N_IMPORTED],
    ]
    return [path for path in dict.fromkeys(found) if path != current.path]


def build_snippets(catalogue: Catalogue, found: Found, budget_chars: int) -> tuple[Snippet, ...]:
    def header(path: str, container: str) -> str:
        outer, _, name = container.rpartition(".")
        owner = catalogue.module(path).members(outer).get(name)
        return owner.signature if owner is not None else f"class {name}:"

    return fill((item.candidate.symbol for item in found.ranked), budget_chars, header)
