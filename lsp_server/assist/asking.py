"""Reading an instruct model's answer to its end, and finding the code in it.

Runs in the session. Must not know what was asked.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from typing import Any, cast

from model.protocol import ModelError, Piece

_BLOCK = re.compile(r"^(`{3,})[^\n`]*\n(.*?)^\1`*[ \t]*$", re.MULTILINE | re.DOTALL)


async def ask(pieces: AsyncIterator[Piece], on_text: Callable[[str], None]) -> str:
    """All of it. When the model breaks off, its reason is the last paragraph."""
    text = ""
    try:
        async with aclosing(cast(Any, pieces)):
            async for piece in pieces:
                text += piece.text
                on_text(piece.text)
    except ModelError as error:
        ending = f"\n\n_There is no more: {error}_\n"
        on_text(ending)
        text += ending
    return text


def only_block(markdown: str) -> str | None:
    """The code of the one code block; None when there is none, or more than one, or it is not closed."""
    blocks = _BLOCK.findall(markdown.replace("\r\n", "\n"))
    return blocks[0][1] if len(blocks) == 1 else None
