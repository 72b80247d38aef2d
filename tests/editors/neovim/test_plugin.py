"""The plugin's own unit tests, its style, its help, its health page and the ways to install it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

from tests.editors.neovim.conftest import StartEditor
from tests.editors.neovim.driver import CACHE, HERE, NVIM, PLUGIN, Editor

STYLUA = CACHE / "node" / "node_modules" / "@johnnymorganz" / "stylua" / "stylua_lib_node.cjs"
LUA_FILES = sorted([*map(str, PLUGIN.rglob("*.lua")), str(HERE / "init.lua")])


def run(*command: str, cwd: Path = PLUGIN, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        cwd=cwd,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
    )


def test_unit_tests(tmp_path: Path):
    done = run(str(NVIM), "-l", "tests/run.lua", HOME=str(tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_failing_unit_test_fails(tmp_path: Path):
    for name in ("run.lua",):
        (tmp_path / "tests").mkdir()
        (tmp_path / "tests" / name).write_text((PLUGIN / "tests" / name).read_text())
    (tmp_path / "tests" / "bad_spec.lua").write_text(
        "describe('a', function() it('b', function() equal(1, 2) end) end)"
    )
    done = run(str(NVIM), "-l", str(tmp_path / "tests" / "run.lua"), HOME=str(tmp_path))
    assert (done.returncode, done.stdout.splitlines()[0]) == (1, "0 passed, 1 failed")


def test_luacheck():
    done = run("luacheck", "--no-color", "--quiet", ".")
    assert done.returncode == 0, done.stdout


def test_stylua():
    done = run("node", str(HERE / "stylua.mjs"), str(STYLUA), "CHECK", *LUA_FILES)
    assert done.returncode == 0, done.stdout + done.stderr


def test_stylua_is_asked_for_the_style_of_the_plugin():
    style = tomllib.loads((PLUGIN / "stylua.toml").read_text())
    script = (HERE / "stylua.mjs").read_text()
    asked = dict(re.findall(r"config\.(\w+) = (?:lua\.\w+\.)?(\w+)", script))
    assert {name: str(value) for name, value in style.items()} == asked


def test_help(start: StartEditor, tmp_path: Path):
    """Every tag that the plugin's own words name is there. The file of tags comes with the plugin: a package
    manager that gets the whole repository makes none for this folder."""
    shutil.copytree(PLUGIN / "doc", tmp_path / "doc")
    (tmp_path / "doc" / "tags").unlink()
    done = run(str(NVIM), "--clean", "--headless", "-c", f"helptags {tmp_path}/doc", "-c", "qa!")
    assert done.stderr.strip() == ""
    made = (tmp_path / "doc" / "tags").read_text()
    assert (PLUGIN / "doc" / "tags").read_text() == made, (
        "stale: nvim --headless -c 'helptags editors/neovim/doc' -c qa"
    )
    tags = {line.split("\t")[0] for line in made.splitlines()}
    named = {
        tag for path in LUA_FILES for tag in re.findall(r":help (edgewise[\w-]*)", Path(path).read_text())
    }
    assert named and named <= tags
    assert {f":Edgewise-{name}" for name in subcommands(tmp_path)} <= tags
    editor = start(cwd=tmp_path)
    editor.command("help edgewise")
    editor.wait(lambda: editor.file().endswith("doc/edgewise.txt"), "the help")


def subcommands(home: Path) -> list[str]:
    code = "io.write(table.concat(vim.tbl_keys(require('edgewise.commands').subcommands), ' '))"
    done = run(
        str(NVIM),
        "--clean",
        "--headless",
        "--cmd",
        "set rtp^=.",
        "-c",
        f"lua {code}",
        "-c",
        "qa!",
        HOME=str(home),
    )
    return done.stdout.split()


def test_health(start: StartEditor, python_file: Path):
    editor = start(str(python_file), cwd=python_file.parent)
    editor.wait_ready()
    editor.command("checkhealth edgewise")
    editor.wait(lambda: "serves 1 buffer\n" in editor.text(), "the health page")
    assert "OK ready" in editor.text()
    assert "ERROR" not in editor.text()


INIT_OF_VIM_PACK = """
vim.o.swapfile = false
_G.notified = {}
vim.pack.add({ { src = 'file://' .. vim.env.EDGEWISE_TEST_REPOSITORY, name = 'edgewise' } }, {
  confirm = false,
  load = function(plugin)
    vim.opt.runtimepath:append(plugin.path .. '/editors/neovim')
  end,
})
require('edgewise').setup()
"""


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A git repository laid out as this one, with the plugin in its place."""
    root = tmp_path / "repository"
    (root / "editors").mkdir(parents=True)
    run("cp", "-r", str(PLUGIN), str(root / "editors" / "neovim"))
    who = ["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
    for words in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "plugin"]):
        done = run("git", *who, *words, cwd=root)
        assert done.returncode == 0, done.stderr
    return root


def test_neovims_own_package_manager(start: StartEditor, python_file: Path, repository: Path, tmp_path: Path):
    init = tmp_path / "init.lua"
    init.write_text(INIT_OF_VIM_PACK)
    editor: Editor = start(
        str(python_file), cwd=python_file.parent, init_file=init,
        variables={"EDGEWISE_TEST_REPOSITORY": str(repository)},
    )  # fmt: skip
    editor.wait_ready()
    editor.go_to_end()
    editor.type("en")
    editor.wait_ghost()
    assert editor.lua("return vim.fn.exists(':Edgewise')") == 2
    assert str(PLUGIN) not in editor.lua("return vim.o.runtimepath")
    editor.press("<Esc>")
    editor.command("help edgewise")
    editor.wait(lambda: editor.file().endswith("doc/edgewise.txt"), "the help")


def test_what_lazy_nvim_does(start: StartEditor, python_file: Path, tmp_path: Path):
    """lazy.nvim itself is in none of the registries that this suite may fetch from. What it does with such a
    spec is done here: it puts the folder on the path, sources `plugin/`, takes the one top module of the
    folder for `main`, and calls that module's setup() with `opts`."""
    init = tmp_path / "init.lua"
    init.write_text(f"""
vim.o.swapfile = false
vim.go.loadplugins = false
_G.notified = {{}}
local spec = {{ dir = {str(PLUGIN)!r}, opts = {{ keymaps = {{ accept = '<C-y>' }} }} }}
vim.loader.enable()
local modules = vim.loader.find('*', {{ all = true, rtp = false, paths = {{ spec.dir }} }})
assert(#modules == 1, 'lazy.nvim would not know which module is the main one')
vim.opt.rtp:prepend(spec.dir)
vim.cmd.source(spec.dir .. '/plugin/edgewise.lua')
require(modules[1].modname).setup(spec.opts)
""")
    editor = start(str(python_file), cwd=python_file.parent, init_file=init)
    editor.wait_ready()
    editor.go_to_end()
    editor.type("en")
    ghost = editor.wait_ghost()
    editor.press("<C-y>")
    editor.wait(lambda: editor.text().endswith(ghost), "the accepted text")
