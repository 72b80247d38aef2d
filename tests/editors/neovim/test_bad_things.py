"""What goes wrong: Neovim never waits for a key (`Editor.lua` checks); each cause is told at most once."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path

import psutil
import pytest

from tests.e2e.conftest import Home, read_command
from tests.editors.neovim.conftest import PYTHON_FILE, StartEditor
from tests.editors.neovim.driver import OLD_NVIM, PLUGIN, ROOT, Editor, until
from tests.editors.neovim.test_known_answers import FAKE_SERVER, with_answers
from tests.editors.neovim.test_typing import opened

QUICK = {"delays_ms": [10], "limit": 3, "window_s": 600}


def with_fake(start: StartEditor, path: Path, fake: dict, **options) -> Editor:
    options = {"cmd": FAKE_SERVER, "restarts": QUICK, **options}
    return start(str(path), cwd=path.parent, options=options, variables={"FAKE": json.dumps(fake)})


def wait_failed(editor: Editor) -> str:
    editor.wait(lambda: editor.status()["state"] == "failed", "the status `failed`")
    return editor.status()["message"]


def check_typing_goes_on(editor: Editor) -> None:
    before = editor.text()
    editor.go_to_end()
    editor.type("en")
    editor.wait(lambda: editor.text() == before + "en", "the typed text")
    editor.press("<Tab>")
    editor.wait(lambda: editor.text() != before + "en", "a tab")
    editor.press("<Esc>")


def test_no_server(start: StartEditor, python_file: Path, tmp_path: Path):
    other = tmp_path / "other.py"
    other.write_text("")
    editor = start(str(python_file), program="", cwd=python_file.parent)
    assert "not on your PATH" in wait_failed(editor)
    check_typing_goes_on(editor)
    editor.command(f"edit! {other}")
    editor.wait(lambda: editor.file() == str(other), "another file")
    [message] = editor.messages()
    assert "not on your PATH" in message
    editor.command("checkhealth edgewise")
    editor.wait(lambda: "edgewise-install" in editor.text(), "the advice")


def test_a_server_that_appears_later(start: StartEditor, python_file: Path, home: Home):
    editor = start(str(python_file), program="", cwd=python_file.parent)
    wait_failed(editor)
    folder = home.folder / ".local" / "bin"
    folder.mkdir(parents=True)
    script = folder / "edgewise"
    script.write_text(f"#!/bin/sh\nexec {' '.join(FAKE_SERVER)}\n")
    script.chmod(0o755)
    editor.command("Edgewise restart")
    editor.wait_ready()


@pytest.mark.parametrize(
    ("fake", "words"),
    [
        ({"version": "0.0.9"}, "edgewise 0.0.9"),
        ({"name": "another"}, "is not edgewise"),
        ({"dies": "at start"}, "does not start (exit status 3)"),
    ],
)
def test_a_server_that_cannot_be_used(start: StartEditor, python_file: Path, fake: dict, words: str):
    editor = with_fake(start, python_file, fake)
    assert words in wait_failed(editor)
    check_typing_goes_on(editor)
    assert len(editor.messages()) == 1


def test_a_server_that_dies_at_every_request(start: StartEditor, python_file: Path):
    """Started again, but not for ever; then by hand."""
    editor = with_fake(start, python_file, {"dies": "when asked"})
    editor.wait_ready()
    editor.go_to_end()
    for _ in range(QUICK["limit"]):
        editor.wait(lambda: editor.status()["state"] in ("ready", "computing", "failed"), "a server")
        editor.type("x")
        editor.wait(lambda: editor.status()["state"] not in ("ready", "computing"), "its end")
    assert "ended 3 times" in wait_failed(editor)
    check_typing_goes_on(editor)
    assert len(editor.messages()) == 1
    editor.command("Edgewise restart")
    editor.wait_ready()


def servers(home: Home) -> list[psutil.Process]:
    return [process for process in home.processes() if "serve" in read_command(process)]


def test_a_killed_server_is_back_without_a_word(start: StartEditor, python_file: Path, home: Home):
    editor = opened(start, python_file, options={"restarts": {"delays_ms": [10]}})
    [server] = servers(home)
    server.kill()
    editor.wait(lambda: [new.pid for new in servers(home)] not in ([], [server.pid]), "another server")
    editor.wait_ready()
    editor.type("en")
    editor.wait_ghost()
    assert editor.messages() == []


def test_a_killed_engine_host_is_back_without_a_word(start: StartEditor, python_file: Path, home: Home):
    editor = opened(start, python_file)
    [host] = editor.wait(home.hosts, "the engine host")
    host.send_signal(signal.SIGKILL)
    editor.wait(lambda: editor.status()["state"] == "loading", "the status `loading`")
    editor.wait_ready()
    editor.type("en")
    editor.wait_ghost()
    assert editor.messages() == []


def test_a_workspace_on_a_read_only_disk(start: StartEditor, python_file: Path):
    folder = python_file.parent
    mount = f'mount --bind "{folder}" "{folder}" && mount -o remount,ro,bind "{folder}" && exec "$@"'
    editor = opened(start, python_file, wrapper=("unshare", "-m", "sh", "-c", mount, "sh"))
    editor.type("en")
    editor.wait_ghost()
    assert not editor.lua("return (vim.uv.fs_access(..., 'W'))", str(folder))
    assert editor.messages() == []


def test_a_file_outside_of_any_project(start: StartEditor, tmp_path: Path):
    path = tmp_path / "alone.py"
    path.write_text(PYTHON_FILE)
    editor = opened(start, path)
    editor.type("en")
    editor.wait_ghost()
    assert editor.lua("return require('edgewise.request').client(0).root_dir") is None


def test_a_buffer_without_a_name_gets_suggestions_once_it_has_one(start: StartEditor, tmp_path: Path):
    editor = start(cwd=tmp_path, options={"cmd": FAKE_SERVER}, variables={"FAKE": '{"items": ["abc"]}'})
    editor.command("set filetype=python")
    editor.type("ix")
    editor.press("<Esc>")
    assert "no name" in editor.status()["message"]
    editor.command("write named.py")
    editor.wait_ready()
    editor.go_to_end()
    editor.type("x")
    editor.wait_ghost()
    assert editor.messages() == []


def test_a_diff_shows_none(start: StartEditor, tmp_path: Path):
    other = tmp_path / "b.py"
    other.write_text("other\n")
    editor = with_answers(start, tmp_path / "a.py", "text", fake={"items": ["abc"]})
    editor.command(f"vert diffsplit {other}")
    is_enabled = "return vim.lsp.inline_completion.is_enabled({ bufnr = vim.fn.bufnr(...) })"
    editor.wait(lambda: not editor.lua(is_enabled, str(tmp_path / "a.py")), "no ghost text in the diff")
    editor.command("diffoff!")
    editor.wait(lambda: editor.lua(is_enabled, str(tmp_path / "a.py")), "ghost text after the diff")


def test_a_huge_file_is_left_alone(start: StartEditor, tmp_path: Path):
    path = tmp_path / "huge.py"
    path.write_text("x = 1\n" * 2_000_000)
    editor = start(
        str(path), cwd=tmp_path, options={"cmd": FAKE_SERVER}, variables={"FAKE": '{"items": ["y"]}'}
    )
    editor.type("Gox")
    editor.wait(lambda: editor.line() == "x", "the typed text")
    assert "max_file_bytes" in editor.status()["message"]
    assert editor.lua("return #vim.lsp.get_clients({ _uninitialized = true })") == 0
    assert editor.messages() == []


def test_two_projects_share_one_server(
    start: StartEditor, python_file: Path, typescript_file: Path, home: Home
):
    editor = opened(start, python_file)
    editor.press("<Esc>")
    editor.command(f"edit {typescript_file}")
    editor.wait(lambda: editor.file() == str(typescript_file), "the other project")
    folders = (
        "return #(require('edgewise.request').client(0) or { workspace_folders = {} }).workspace_folders"
    )
    editor.wait(lambda: editor.lua(folders) == 2, "both folders")
    assert len(servers(home)) == 1


def test_a_long_message_does_not_ask_for_a_key(start: StartEditor, python_file: Path):
    program = "/" + "a-very-long-folder/" * 20 + "edgewise"
    editor = start(str(python_file), cwd=python_file.parent, options={"cmd": [program]})
    assert program in wait_failed(editor)
    check_typing_goes_on(editor)
    [message] = editor.messages()
    assert message.endswith(":Edgewise status")
    editor.command("Edgewise status")
    editor.wait(lambda: program in editor.text(), "the whole sentence")


def test_a_wrong_setting_is_told_once(start: StartEditor, python_file: Path):
    editor = opened(start, python_file, options={"settings": {"completion": {"max_tokens": "many"}}})
    [message] = editor.wait(editor.messages, "the sentence")
    assert "edgewise.completion.max_tokens" in message
    editor.type("en")
    editor.wait_ghost()
    assert len(editor.messages()) == 1


@pytest.mark.parametrize("way", ["plugin", "setup"])
def test_an_older_neovim_gets_one_line(way: str, tmp_path: Path):
    setup = ["-c", "lua require('edgewise').setup()"] if way == "setup" else []
    command = [str(OLD_NVIM), "--headless", "-i", "NONE", "-n", "-u", "NONE", "--cmd", f"set rtp^={PLUGIN}",
               "-c", "runtime plugin/edgewise.lua", *setup, "-c", "qa!"]  # fmt: skip
    environment = {"HOME": str(tmp_path), "PATH": os.environ["PATH"]}
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, check=True, stdin=subprocess.DEVNULL
    )
    assert done.stderr.strip() == "edgewise needs Neovim 0.12 or newer, this is 0.7.2."


def test_leaving_leaves_nothing_behind(start: StartEditor, python_file: Path, home: Home):
    """With a server that hangs, too."""
    editor = opened(start, python_file)
    [server] = servers(home)
    editor.close()
    until(lambda: not server.is_running(), "the server's end")
    assert ROOT.exists()
