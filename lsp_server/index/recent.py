"""What happened of late in one workspace folder: which files were edited, what was suggested where.

Runs in the session. Noted in the event loop, asked in the thread of the index: each change is one assignment.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

_KEPT_FILES = 8
_KEPT_SUGGESTIONS = 16
_MAX_NAMES = 24
_NAME = re.compile(r"[^\W\d]\w{3,}")


@dataclass(frozen=True, slots=True)
class Lately:
    """`files` by path, the one that was edited last is 1; `names` are those of the last suggestion."""

    files: Mapping[str, float] = field(default_factory=dict)
    names: tuple[str, ...] = ()


NOTHING_LATELY = Lately()


class Recent:
    """One for each workspace folder."""

    def __init__(self) -> None:
        self._files: tuple[str, ...] = ()
        self._suggested: Mapping[str, tuple[str, ...]] = {}

    def note_edit(self, path: str) -> None:
        if self._files[:1] != (path,):
            self._files = (path, *(other for other in self._files if other != path))[:_KEPT_FILES]

    def note_suggestion(self, path: str, text: str) -> None:
        """The names of what was shown last are looked up by the next question."""
        names = tuple(dict.fromkeys(_NAME.findall(text)))[:_MAX_NAMES]
        others = [(key, value) for key, value in self._suggested.items() if key != path]
        self._suggested = dict([*others[1 - _KEPT_SUGGESTIONS :], (path, names)])

    def forget(self, path: str) -> None:
        """The document was closed: what was suggested in it goes, that it was edited stays."""
        self._suggested = {key: value for key, value in self._suggested.items() if key != path}

    def lately(self, path: str) -> Lately:
        """As it matters to a file."""
        others = [other for other in self._files if other != path]
        files = {other: 1 / (1 + age) for age, other in enumerate(others)}
        return Lately(files, self._suggested.get(path, ()))
