"""Explain, status and the other pages, in the real Neovim with the real server."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.editors.neovim.conftest import StartEditor
from tests.editors.neovim.driver import Editor, Face

PRICES = '''def with_tax(price):
    """The price that a customer pays."""
    return price * 1.19


def unused():
    pass
'''
MAIN = """from prices import with_tax


def total(prices):
    return sum(with_tax(price) for price in prices)
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = tmp_path / "shop"
    (root / ".git").mkdir(parents=True)
    (root / "prices.py").write_text("\n" * 40 + PRICES)
    (root / "main.py").write_text(MAIN)
    return root


def opened(start: StartEditor, project: Path, face: Face = Face.TERMINAL) -> Editor:
    editor = start("main.py", face=face, cwd=project)
    editor.wait_ready()
    editor.wait(lambda: editor.lua("return require('edgewise.status').facts.host.index.ready"), "the index")
    return editor


def test_explain_opens_and_its_link_jumps(start: StartEditor, face: Face, project: Path):
    editor = opened(start, project, face)
    editor.type("5G")
    editor.command("Edgewise explain")
    editor.wait(lambda: "prices.py:41" in editor.text(), "the explanation with its link")
    assert "total" in editor.text()
    if face is Face.TERMINAL:
        editor.wait(lambda: "prices.py:41" in editor.screen(), "the explanation on the screen")
    editor.type("/prices.py:41")
    editor.press("<CR>")
    editor.wait(lambda: "prices.py:41" in editor.line(), "the cursor on the link")
    editor.press("<CR>")
    editor.wait(lambda: editor.file() == str(project / "prices.py"), "the other file")
    assert editor.cursor()[0] == 41
    assert editor.lua("return #vim.api.nvim_list_wins()") == 1
    editor.press("<C-o>")
    editor.wait(lambda: editor.file() == str(project / "main.py"), "the way back")


@pytest.mark.parametrize("key", ["q", "<Esc>"])
def test_explain_closes(start: StartEditor, key: str, project: Path):
    editor = opened(start, project)
    editor.type("5G")
    editor.command("Edgewise explain")
    editor.wait(lambda: "total" in editor.text() and "Calls" in editor.text(), "the explanation")
    editor.press(key)
    editor.wait(lambda: editor.text() == MAIN.rstrip("\n"), "the code again")
    assert editor.lua("return #vim.api.nvim_list_wins()") == 1


def test_selected_lines_are_explained(start: StartEditor, project: Path):
    editor = opened(start, project)
    editor.command("4,5Edgewise explain")
    editor.wait(
        lambda: editor.text().startswith("# `total`") and "with_tax" in editor.text(),
        "the explanation of lines",
    )


def test_the_code_action_is_offered(start: StartEditor, project: Path):
    editor = opened(start, project)
    code = """
    local params = vim.lsp.util.make_range_params(0, 'utf-8')
    params.context = { diagnostics = {} }
    local client = require('edgewise.request').client(0)
    return client:request_sync('textDocument/codeAction', params, 20000).result
    """
    assert "Explain this function" in [action["title"] for action in editor.lua(code)]


def test_status_page(start: StartEditor, project: Path):
    editor = opened(start, project)
    editor.command("Edgewise status")
    text = editor.wait(lambda: "Model:" in editor.text() and editor.text(), "the page")
    assert text.startswith("# ready")
    assert "2 files" in text
    assert "Accepted in this session: 0" in text


def test_the_status_line(start: StartEditor, project: Path):
    editor = start("main.py", cwd=project, init="""
        vim.o.statusline = '%{%v:lua.require("edgewise").statusline()%}'
        vim.o.laststatus = 2
        _G.states = {}
        vim.api.nvim_create_autocmd('User', { pattern = 'EdgewiseStatus', callback = function(event)
          table.insert(_G.states, event.data.state)
        end })
    """)  # fmt: skip
    editor.wait_ready()
    editor.wait(lambda: editor.screen().rstrip().splitlines()[-1].strip() == "edgewise", "the status line")
    assert "loading" in editor.lua("return _G.states")
    editor.command("Edgewise pause")
    editor.wait(lambda: "edgewise paused" in editor.screen(), "the pause in the status line")


def test_why_names_what_this_side_knows(start: StartEditor, project: Path):
    editor = opened(start, project)
    editor.command("Edgewise pause")
    editor.command("Edgewise why")
    editor.wait(lambda: "Paused" in editor.text(), "the reason")


@pytest.mark.parametrize("name", ["why", "stats", "document", "tests", "fix"])
def test_commands_of_the_server_are_answered_in_words(start: StartEditor, project: Path, name: str):
    """With an answer, or with the server's sentence when it does not know the command."""
    editor = opened(start, project)
    editor.type("5G")
    editor.command(f"Edgewise {name}")
    editor.wait(lambda: "q close" in editor.screen() or "q drop" in editor.screen(), "a page")
    editor.wait(lambda: "…_" not in editor.text() and len(editor.text()) > 10, "words")
    assert editor.messages() == []


def test_models_are_offered(start: StartEditor, project: Path):
    editor = opened(start, project)
    editor.lua(
        "vim.ui.select = function(items, options) _G.offered = vim.tbl_map(options.format_item, items) end"
    )
    editor.command("Edgewise model")
    offered = editor.wait(lambda: editor.lua("return _G.offered"), "the models")
    assert any(label.startswith("builtin ") and " here " in label for label in offered)
    assert "builtin" in editor.lua(
        "return require('edgewise.commands').complete('bui', 'Edgewise model bui')"
    )


def test_the_log_opens(start: StartEditor, project: Path):
    editor = opened(start, project)
    editor.command("Edgewise log")
    editor.wait(lambda: editor.file().endswith("lsp.log"), "the log")


def test_an_unknown_subcommand_is_a_sentence(start: StartEditor, project: Path):
    editor = opened(start, project)
    editor.command("Edgewise explian")
    editor.wait(lambda: any("explian" in text for text in editor.messages()), "the sentence")
