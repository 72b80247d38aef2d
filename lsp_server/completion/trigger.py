"""Whether to complete here at all. Two lists of named rules, each with its reason.

Runs in the session. Pure. The switches of the settings are looked at before the document's text is: what is
switched off is not read. They hold for every request. The rules about the place hold for automatic requests
alone: who asks by hand knows where.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

from pathspec import GitIgnoreSpec

from lsp_server.completion.context import CompletionContext
from lsp_server.completion.syntax import Region
from lsp_server.settings import CompletionSettings
from lsp_server.text import language_of
from lsp_server.types import DocumentSnapshot, NoCompletion, Reason, Trigger

_HARMLESS_AFTER_CURSOR = re.compile(r"""[\s)\]}>"'`,;:/=]*\{?""")

Switch = Callable[[DocumentSnapshot, CompletionSettings], NoCompletion | None]
Rule = Callable[[CompletionContext, CompletionSettings], NoCompletion | None]


def everything_off(_: DocumentSnapshot, settings: CompletionSettings) -> NoCompletion | None:
    if settings.enabled:
        return None
    return NoCompletion(Reason.DISABLED, "completion.enabled is false")


def language_off(snapshot: DocumentSnapshot, settings: CompletionSettings) -> NoCompletion | None:
    language_id = language_of(snapshot.path, snapshot.language_id)
    if language_id not in settings.disabled_languages:
        return None
    return NoCompletion(Reason.DISABLED, f"{language_id} is in completion.disabled_languages")


def file_off(snapshot: DocumentSnapshot, settings: CompletionSettings) -> NoCompletion | None:
    path = snapshot.relative_path or snapshot.path.lstrip("/")
    if not path or not _patterns(settings.disabled_globs).match_file(path):
        return None
    return NoCompletion(Reason.DISABLED, "the file matches completion.disabled_globs")


@lru_cache(maxsize=16)
def _patterns(globs: tuple[str, ...]) -> GitIgnoreSpec:
    return GitIgnoreSpec.from_lines(globs)


def middle_of_word(context: CompletionContext, _: CompletionSettings) -> NoCompletion | None:
    """The rest of the word stands there already; whatever is put before it breaks it."""
    following = context.suffix[:1]
    if not (following.isalnum() or following == "_"):
        return None
    return NoCompletion(Reason.MIDDLE_OF_WORD, "the cursor is inside of a word")


def text_after_cursor(context: CompletionContext, _: CompletionSettings) -> NoCompletion | None:
    """Brackets, quotes and punctuation that editors put behind the cursor are no text."""
    if _HARMLESS_AFTER_CURSOR.fullmatch(context.line_after.rstrip()):
        return None
    return NoCompletion(Reason.TEXT_AFTER_CURSOR, "code follows the cursor on its line")


def comment(context: CompletionContext, settings: CompletionSettings) -> NoCompletion | None:
    if settings.in_comments or context.scanned.region is not Region.COMMENT:
        return None
    return NoCompletion(Reason.DISABLED, "completion.in_comments is false")


SWITCHES: tuple[Switch, ...] = (everything_off, language_off, file_off)
AUTOMATIC_RULES: tuple[Rule, ...] = (comment, middle_of_word, text_after_cursor)


def switched_off(snapshot: DocumentSnapshot, settings: CompletionSettings) -> NoCompletion | None:
    """The first switch that forbids completing in this document."""
    return next((found for switch in SWITCHES if (found := switch(snapshot, settings))), None)


def unwanted(context: CompletionContext, settings: CompletionSettings) -> NoCompletion | None:
    """The first rule that speaks against this place."""
    if context.trigger is Trigger.INVOKED:
        return None
    return next((found for rule in AUTOMATIC_RULES if (found := rule(context, settings))), None)
