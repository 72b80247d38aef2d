"""`python -m tests.editors.neovim.pictures`: the pictures of the documentation, from the real program.

The screens of a real terminal, with their colours, become SVG. Written to docs/images/neovim-*.svg.
"""

from __future__ import annotations

import io
import re
import tempfile
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import SVG_EXPORT_THEME, TerminalTheme
from rich.text import Text

from tests.e2e.conftest import make_home
from tests.editors.neovim.conftest import PYTHON_FILE, path_without_edgewise, write_project
from tests.editors.neovim.driver import COLUMNS, PROGRAM, ROOT, Editor

IMAGES = ROOT / "docs" / "images"
NEOVIMS_BACKGROUND = (0x14, 0x16, 0x1B)  # of its own colours; the cells behind a line's end are not captured
ANSI = [tuple(SVG_EXPORT_THEME.ansi_colors[number]) for number in range(16)]
THEME = TerminalTheme(NEOVIMS_BACKGROUND, (0xE0, 0xE2, 0xEA), ANSI[:8], ANSI[8:])
INIT = """
vim.o.number = true
vim.o.laststatus = 2
vim.o.statusline = ' %f %=%{%v:lua.require("edgewise").statusline()%} '
vim.opt.fillchars = { eob = ' ' }
"""


def svg_of(screen: str, title: str) -> str:
    """An ANSI screen as SVG that needs nothing from the network."""
    console = Console(
        record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True, color_system="truecolor"
    )
    console.print(Text.from_ansi(screen.rstrip("\n")))
    svg = console.export_svg(title=title, theme=THEME, unique_id=re.sub(r"\W+", "-", title))
    return re.sub(r"\s*@font-face \{.*?\}\s*", "\n", svg, flags=re.DOTALL)


def save(editor: Editor, name: str, title: str) -> None:
    editor.lua("vim.cmd.echo([['']])")  # else the typed command still stands there
    editor.lua("vim.cmd.redraw()")
    IMAGES.mkdir(parents=True, exist_ok=True)
    target = IMAGES / f"neovim-{name}.svg"
    target.write_text(svg_of(editor.screen(has_colours=True), title))
    print(target.relative_to(ROOT))


def main() -> None:
    with make_home() as home, tempfile.TemporaryDirectory() as folder:
        path = write_project(Path(folder) / "project", "names.py", PYTHON_FILE)
        caller = "from names import read_lines\n\n\ndef count(path):\n    return len(read_lines(path))\n"
        (path.parent / "count.py").write_text(caller)
        environment = {**home.environment, "PATH": f"{Path(PROGRAM).parent}:{path_without_edgewise()}"}
        editor = Editor(home.folder / "e", environment, init=INIT).start(path.name, cwd=path.parent)
        try:
            take(editor)
        finally:
            editor.close()


def take(editor: Editor) -> None:
    editor.wait_ready()
    editor.wait(lambda: editor.lua("return require('edgewise.status').facts.host.index.ready"), "the index")
    editor.go_to_end()
    editor.type("en")
    ghost = editor.wait_ghost()
    editor.wait_ready()
    editor.wait(lambda: ghost.split("\n")[0] in editor.screen(), "ghost text on the screen")
    save(editor, "ghost-text", "edgewise in Neovim: ghost text")
    editor.press("<Esc>")
    editor.type("9G")
    editor.command("Edgewise explain")
    editor.wait(lambda: "count.py:5" in editor.screen(), "the explanation")
    save(editor, "explain", "edgewise in Neovim: explain")
    editor.type("q")
    editor.command("Edgewise document")
    editor.wait(lambda: "+    Args:" in editor.screen(), "the diff")
    save(editor, "document", "edgewise in Neovim: a docstring, before it is taken")
    editor.type("q")
    editor.command("Edgewise status")
    editor.wait(lambda: "Accepted in this session" in editor.screen(), "the status")
    save(editor, "status", "edgewise in Neovim: status")


if __name__ == "__main__":
    main()
