"""`edgewise model use` changes one setting and nothing else of the file."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from model.choice import write_choice
from model.protocol import ModelRefused


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", '[model]\nname = "mine"\n'),
        ('[model]\nname = "old"\n', '[model]\nname = "mine"\n'),
        (
            '# mine\n[log]\nlevel = "debug"  # loud\n',
            '# mine\n[log]\nlevel = "debug"  # loud\n\n[model]\nname = "mine"\n',
        ),
        ("[model]  # here\nn_ctx = 4096\n", '[model]  # here\nname = "mine"\nn_ctx = 4096\n'),
        ("[model]\n  name='old' # why\n[index]\n", '[model]\n  name="mine" # why\n[index]\n'),
        ('[model]\r\nname = "old"\r\n', '[model]\r\nname = "mine"\r\n'),
        ('[model]\nn_ctx = 1\n[log]\nname = "x"\n', '[model]\nname = "mine"\nn_ctx = 1\n[log]\nname = "x"\n'),
    ],
)  # fmt: skip
def test_one_line_changes(tmp_path: Path, before: str, after: str) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes(before.encode())
    write_choice(path, "mine")
    assert path.read_bytes().decode() == after
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    "before",
    [
        'model.name = "old"\n',
        'model = { name = "old" }\n',
        '[model]\n"name" = "old"\n',
        '[model]\nname = """old"""\n',
        "[model\n",
    ],
)
def test_what_cannot_be_changed_safely_is_left_alone(tmp_path: Path, before: str) -> None:
    path = tmp_path / "config.toml"
    path.write_text(before, encoding="utf-8")
    with pytest.raises(ModelRefused, match=r"config\.toml .*: (set it to|correct it)"):
        write_choice(path, "mine")
    assert path.read_text(encoding="utf-8") == before


def test_a_name_that_no_text_file_can_hold(tmp_path: Path) -> None:
    with pytest.raises(ModelRefused, match="by hand"):
        write_choice(tmp_path / "config.toml", "odd\udcff.gguf")
    assert not list(tmp_path.iterdir())


def test_a_folder_and_names_that_need_quoting(tmp_path: Path) -> None:
    path = tmp_path / "new" / "config.toml"
    name = 'C:\\models\\a "b" ü.gguf'
    write_choice(path, name)
    assert tomllib.loads(path.read_text(encoding="utf-8")) == {"model": {"name": name}}
    write_choice(path, "plain")
    assert tomllib.loads(path.read_text(encoding="utf-8")) == {"model": {"name": "plain"}}


def test_a_link_stays_a_link_and_the_mode_stays(tmp_path: Path) -> None:
    real = tmp_path / "dotfiles.toml"
    real.touch(0o600)
    link = tmp_path / "config.toml"
    link.symlink_to(real)
    write_choice(link, "mine")
    assert link.is_symlink()
    assert (real.read_text(encoding="utf-8"), real.stat().st_mode & 0o777) == (
        '[model]\nname = "mine"\n',
        0o600,
    )


def test_a_file_that_is_no_toml_or_no_file(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text("[model\n", encoding="utf-8")
    with pytest.raises(ModelRefused, match="is not valid TOML"):
        write_choice(path, "mine")
    with pytest.raises(ModelRefused, match="cannot be read"):
        write_choice(tmp_path, "mine")
    with pytest.raises(ModelRefused, match=r"cannot be (read|written)"):
        write_choice(path / "below", "mine")
