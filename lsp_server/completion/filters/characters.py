"""Characters that no document should get from a model."""

from __future__ import annotations

import re

from lsp_server.completion.context import CompletionContext
from lsp_server.text import to_lf

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_HALF_CHARACTER = re.compile("[\ud800-\udfff\ufffd]")


def clean_characters(text: str, context: CompletionContext) -> str:
    """LF line ends and no control characters. A model that writes bytes may stop inside of a character: the
    text ends before it."""
    broken = _HALF_CHARACTER.search(text)
    return _CONTROL.sub("", to_lf(text[: broken.start()] if broken else text))
