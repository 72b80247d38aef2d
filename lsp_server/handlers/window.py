"""What every handler is given: the session, and the editor that it answers to.

Runs in the session.
"""

from __future__ import annotations

from dataclasses import dataclass

from lsp_server.handlers.editor import LspEditor
from lsp_server.session import Session


@dataclass(frozen=True, slots=True)
class Window:
    """One editor window."""

    session: Session
    editor: LspEditor
