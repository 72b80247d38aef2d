"""Places of the demo: cut out of real files, and put together again they are the file."""

from __future__ import annotations

from pathlib import Path

import pytest

from lsp_server.demo.places import PACKAGE, PROJECT_CUTS, Cut, Place, choose_places, cut_out

SOURCE = '''"""A module that is long enough to be chosen from."""

import os
from pathlib import Path
''' + "".join(
    f'''

def read_setting_{number}(folder: Path, name: str) -> str:
    """Reads one setting from a file of that name."""
    path = folder / f"{{name}}.txt"
    value = path.read_text("utf-8").strip()
    os.stat(path).st_size.bit_length()
    return value or str(folder.joinpath(name))
'''
    for number in range(12)
)


def _whole(place: Place) -> str:
    return place.text[: place.offset] + place.author + place.text[place.offset :]


@pytest.mark.parametrize("cut", PROJECT_CUTS, ids=lambda cut: cut.title)
def test_every_place_of_this_project_still_stands_in_its_file(cut: Cut) -> None:
    place = cut_out(PACKAGE, cut)
    assert place is not None
    assert _whole(place) == place.path.read_text("utf-8")
    assert place.author.startswith(place.typed)
    assert place.typed != place.author


def test_places_of_a_strange_workspace_are_found_by_their_shape(tmp_path: Path) -> None:
    for name in ("one.py", "two.py", "three.py", "four.py"):
        (tmp_path / name).write_text(SOURCE, encoding="utf-8")
    (tmp_path / "broken.py").write_text("def (" + "x" * 2000, encoding="utf-8")
    places = choose_places(tmp_path, n_places=3)
    assert len(places) == 3
    assert len({place.path for place in places}) == 3
    assert len({place.title for place in places}) == 3
    for place in places:
        assert _whole(place) == SOURCE
        assert place.author.startswith(place.typed)


def test_a_workspace_without_code_has_no_places(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("nothing here", encoding="utf-8")
    assert choose_places(tmp_path) == []


def test_code_that_stands_twice_is_no_place(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("x = 1\nx = 1\n", encoding="utf-8")
    assert cut_out(tmp_path, Cut("twice", "a.py", "x", " = ", "1")) is None
    assert cut_out(tmp_path, Cut("missing", "b.py", "x", " = ", "1")) is None
