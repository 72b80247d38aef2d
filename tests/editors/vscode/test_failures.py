"""What bad things get: an editor that is never blocked, one notification at most, a status that says why."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from playwright.sync_api import Browser, expect

from tests.e2e.conftest import read_command
from tests.editors.vscode.conftest import open_window
from tests.editors.vscode.places import TABLE_PY
from tests.editors.vscode.studio import Studio, open_studio
from tests.editors.vscode.workbench import Workbench

# A PATH without edgewise, but with a Python that can make a virtual environment.
BARE_PATH = os.pathsep.join([str(Path(sys.base_prefix, "bin")), "/usr/bin", "/bin"])
OLD_SERVER = """#!{python}
import importlib.metadata as metadata
real = metadata.version
metadata.version = lambda name: "0.0.1" if name == "edgewise" else real(name)
from lsp_server.cli import main
main()
"""


def write_program(folder: Path, text: str) -> Path:
    program = folder / "edgewise"
    program.write_text(text)
    program.chmod(0o755)
    return program


def type_at_the_place(window: Workbench, name: str) -> str:
    window.open_place(window.folder / name, TABLE_PY)
    return window.type_for_ghost(TABLE_PY.typed)


def test_the_engine_host_is_killed(window: Workbench, studio: Studio):
    type_at_the_place(window, "kill-host.py")
    [host] = studio.processes("model.host")
    host.kill()
    window.wait_for_status("restarting|starting|loading")
    window.wait_until_ready()
    window.dismiss()
    assert window.ask()
    assert [process.pid for process in studio.processes("model.host")] != [host.pid]
    expect(window.notices).to_have_count(0)


def test_the_server_is_killed_while_typing(window: Workbench, studio: Studio):
    type_at_the_place(window, "kill-server.py")
    [server] = servers(studio)
    server.kill()
    window.press("Escape")
    window.type("_co")
    window.wait_for_column(TABLE_PY.column + len(TABLE_PY.typed) + 3)
    window.wait_for_status("starting")
    window.wait_until_ready()
    assert window.ask()
    assert [process.pid for process in servers(studio)] != [server.pid]
    expect(window.notices).to_have_count(0)
    expect(window.dialogs).to_have_count(0)


def test_a_server_that_keeps_dying_is_given_up_until_a_person_asks(window: Workbench, studio: Studio):
    type_at_the_place(window, "dying.py")
    window.press("Escape")
    killed: set[int] = set()

    def kill_the_next() -> str:
        for server in servers(studio):
            if server.pid not in killed:
                killed.add(server.pid)
                server.kill()
        return window.status_label()

    window.evaluate_until(kill_the_next, lambda label: "ended five times" in label, "that it is given up")
    expect(window.notices).to_have_count(1)
    expect(window.dialogs).to_have_count(0)
    window.type("_co")
    window.wait_for_column(TABLE_PY.column + len(TABLE_PY.typed) + 3)
    window.press_button("Restart")
    window.wait_until_ready()
    window.focus_editor()
    assert window.ask()
    expect(window.notices).to_have_count(0)


def servers(studio: Studio) -> list:
    """The language servers, without the shells and workers around them."""
    return [process for process in studio.processes("serve") if "serve" in read_command(process)[-1:]]


def test_paused_and_resumed(window: Workbench, images: Path):
    window.clear_editors()
    type_at_the_place(window, "pause.py")
    window.open_menu()
    window.picture(images / "vscode-status-menu.png")
    window.choose("Pause suggestions")
    window.wait_for_status("^edgewise, paused")
    window.wait_for_no_ghost()
    window.type("_col")
    window.wait_for_column(TABLE_PY.column + len(TABLE_PY.typed) + 4)
    window.open_menu()
    expect(window.ghost).to_have_count(0)
    window.choose("Resume suggestions")
    window.wait_until_ready()
    assert window.ask()


def test_a_server_that_dies_at_once_is_given_up(browser: Browser, studio: Studio, tmp_path: Path):
    program = write_program(tmp_path, "#!/bin/sh\nexit 3\n")
    with (
        open_studio(machine={"edgewise.vscode.executable": str(program)}) as broken,
        open_window(browser, broken) as window,
    ):
        window.open(broken.workspace / "python")
        window.wait_for_status("^edgewise, failed.*ended five times")
        expect(window.notices).to_have_count(1)
        expect(window.notices).to_contain_text("Restart")
        expect(window.dialogs).to_have_count(0)
        window.open_file(broken.workspace / "python" / "src" / "shop" / "money.py")
        window.type("# still an editor")
        window.save()


def test_a_server_that_is_too_old_works_and_is_named_once(browser: Browser, tmp_path: Path):
    program = write_program(tmp_path, OLD_SERVER.format(python=sys.executable))
    with (
        open_studio(machine={"edgewise.vscode.executable": str(program)}) as old,
        open_window(browser, old) as window,
    ):
        window.open(old.workspace / "python")
        window.wait_until_ready()
        expect(window.notices).to_have_count(1)
        expect(window.notices).to_contain_text("edgewise 0.0.1")
        window.settle()
        assert type_at_the_place(window, "old.py")


def test_no_server_and_the_button_that_installs_one(browser: Browser):
    """The packed wheel, into an environment of its own; the libraries come from the package index."""
    with (
        open_studio(machine={"edgewise.vscode.executable": ""}, path=BARE_PATH) as bare,
        open_window(browser, bare) as window,
    ):
        window.open(bare.workspace / "python")
        window.wait_for_status("^edgewise, failed: edgewise is not installed")
        expect(window.notices).to_have_count(1)
        expect(window.notices).to_contain_text("edgewise is not installed on this machine")
        window.press_button("Install…")
        expect(window.notices).to_contain_text("are fetched from your Python package index")
        window.press_button("Install")
        window.wait_for_status("^edgewise, loading: installing")
        window.wait_until_ready(timeout_ms=300_000)
        window.settle()
        assert type_at_the_place(window, "installed.py")
        assert any("globalStorage" in part for part in servers(bare)[0].cmdline())
