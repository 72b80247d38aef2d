"""How Markdown reaches a person: piece by piece under the client's token, or, from a client that runs a code
action's command and throws the answer away, as a document of the user's cache folder or a message.

Runs in the session. Writes nothing into a workspace.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Callable
from pathlib import Path

from lsp_server.handlers.target import Target
from lsp_server.handlers.window import Window
from lsp_server.settings import cache_folder

MAX_MESSAGE_CHARS = 300
MAX_CODE_CHARS = 1500

_FENCED = re.compile(r"^(`{3,})[^\n`]*\n(.*?)^\1`*[ \t]*$", re.MULTILINE | re.DOTALL)


def send_pieces(window: Window, target: Target) -> Callable[[str], None]:
    token = target.partial_token

    def send(text: str) -> None:
        if token is not None:
            window.editor.send_partial(token, {"kind": "markdown", "value": text})

    return send


def is_dropped(window: Window, target: Target) -> bool:
    """Whether nobody would see the answer."""
    is_ours = target.partial_token is not None or window.editor.profile.shows_answers
    return target.is_action and not is_ours


async def show_dropped(window: Window, target: Target, name: str, markdown: str) -> None:
    """Shows an answer that nobody would see, and does not wait until it is seen."""
    if not is_dropped(window, target):
        return
    if window.editor.profile.has_show_document:
        path = await asyncio.to_thread(_write_answer, cache_folder() / "answers", name, markdown)
        if path is not None:
            window.editor.show_document(path.as_uri(), short_text(markdown))
            return
    window.editor.show_info(short_text(markdown))


def _write_answer(folder: Path, name: str, markdown: str) -> Path | None:
    """One file for each command, for the user alone. None: it cannot be written."""
    path = folder / f"{name}.md"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        part = path.with_suffix(f".{os.getpid()}.part")
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(markdown)
        part.replace(path)
    except OSError:
        return None
    return path


def short_text(markdown: str) -> str:
    """The first paragraphs, as far as a message has room for them. Code is left out, but for what the last
    words announce: a client that takes no edit shows at least what it would have been."""
    texts, codes = _FENCED.split(markdown)[0::3], _FENCED.split(markdown)[2::3]
    paragraphs = [" ".join(part.split()) for part in "\n\n".join(texts).split("\n\n")]
    words = " ".join(part.lstrip("# ") for part in paragraphs if part and not part.startswith("---"))
    words = words if len(words) <= MAX_MESSAGE_CHARS else f"{words[: MAX_MESSAGE_CHARS - 2]} …"
    code = codes[-1].strip("\n") if codes and words.endswith(":") and not texts[-1].strip() else ""
    return f"{words}\n{code}" if 0 < len(code) <= MAX_CODE_CHARS else words
