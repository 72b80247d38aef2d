"""What one completion is about: the text around the cursor as the model is to see it, and what kind of
place this is.

Runs in the session. Pure: a request in, a frozen context or a reason out. Text has LF line ends here and
the selected entry of the editor's menu stands in it as if it were inserted; `placing.py` turns the result
back into the document's terms. Must not know LSP, the model's tokens or the index.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from itertools import pairwise

from lsp_server.completion.syntax import Blocks, Language, Region, Scan, language_named, scan
from lsp_server.masking import mask_around
from lsp_server.settings import CompletionSettings
from lsp_server.text import (
    indentation_of,
    is_binary,
    language_of,
    line_end_of,
    to_lf,
    without_lone_surrogates,
)
from lsp_server.types import (
    CompletionRequest,
    DocumentSnapshot,
    NoCompletion,
    Reason,
    SelectedCompletion,
    Trigger,
)

SCANNED_CHARS = 24_000
UNIT_SAMPLE_CHARS = 8_000
_COLON = re.compile(r"\blambda\b[^:]*:$|^(?!(?:else|try|finally)\b)[\w.]+\s*:$")


class Mode(StrEnum):
    """How much is asked for."""

    SINGLE_LINE = "single-line"
    BLOCK = "block"


@dataclass(frozen=True, slots=True)
class CompletionContext:
    """The place of one completion.

    `offset` counts in the snapshot's text; `prefix` and `suffix` have LF line ends and, when `selected` is
    set, the entry's text instead of its span. `scanned` is what the prefix leaves open; of those brackets
    the suffix leaves `n_unclosed` for the completion to close.
    """

    snapshot: DocumentSnapshot
    offset: int
    trigger: Trigger
    selected: SelectedCompletion | None
    prefix: str
    suffix: str
    language: Language
    scanned: Scan
    n_unclosed: int
    mode: Mode
    indent_unit: str
    line_end: str

    @property
    def line_before(self) -> str:
        """The cursor's line up to the cursor."""
        return self.prefix[self.prefix.rfind("\n") + 1 :]

    @property
    def line_after(self) -> str:
        """The rest of the cursor's line."""
        return _first_line(self.suffix)

    @property
    def is_line_begun(self) -> bool:
        """Whether more than indentation stands before the cursor on its line."""
        return bool(self.line_before.strip())

    def scan(self, text: str) -> Scan:
        """Reads generated text as it would stand at the cursor."""
        return scan(text, self.language, inside=self.scanned.delimiter)

    def width(self, line: str) -> int:
        """Columns of the line's indentation. A tab is worth one unit of indentation."""
        tab = 4 if self.indent_unit == "\t" else len(self.indent_unit)
        return len(indentation_of(line).expandtabs(tab))


def build_context(
    request: CompletionRequest, settings: CompletionSettings
) -> CompletionContext | NoCompletion:
    """The context of a request, or why it has none: no such place, no text, too much text."""
    snapshot, offset = request.snapshot, request.offset
    text = snapshot.text
    if not 0 <= offset <= len(text):
        return NoCompletion(Reason.BAD_POSITION, "the position is outside of the document")
    if is_larger(text, settings.max_file_bytes):
        return NoCompletion(
            Reason.FILE_TOO_LARGE, f"larger than completion.max_file_bytes ({settings.max_file_bytes})"
        )
    if "\0" in text or is_binary(text):
        return NoCompletion(
            Reason.NOT_TEXT, "the document is binary, or not in the encoding it was opened with"
        )
    if text[offset - 1 : offset + 1] == "\r\n" and offset:
        offset -= 1
    selected = request.selected
    if selected is not None and not _can_be_inserted(selected, text, offset):
        if not _is_plain_selection(selected, text):
            return NoCompletion(Reason.SELECTION_MISMATCH, "the selected entry does not stand at the cursor")
        selected = None
    return _describe(snapshot, offset, request.trigger, selected, settings)


def is_larger(text: str, limit_bytes: int) -> bool:
    """Whether the text has more bytes than the limit, in UTF-8; encodes only when the count of characters
    leaves it open."""
    if len(text) > limit_bytes or text.isascii():
        return len(text) > limit_bytes
    return len(text) * 4 > limit_bytes and len(text.encode("utf-8", "surrogatepass")) > limit_bytes


def _can_be_inserted(selected: SelectedCompletion, text: str, offset: int) -> bool:
    """The entry replaces something on the cursor's line, around or right before the cursor."""
    start, end = selected.span.start, selected.span.end
    if not 0 <= start <= offset <= end <= len(text):
        return False
    replaced = text[start:end]
    return "\n" not in replaced and "\r" not in replaced


def _is_plain_selection(selected: SelectedCompletion, text: str) -> bool:
    """Some editors send the text that a person has marked as if it were an entry: it replaces itself."""
    start, end = selected.span.start, selected.span.end
    return 0 <= start <= end <= len(text) and text[start:end] == selected.text


def _describe(
    snapshot: DocumentSnapshot,
    offset: int,
    trigger: Trigger,
    selected: SelectedCompletion | None,
    settings: CompletionSettings,
) -> CompletionContext:
    text = mask_around(snapshot.text, offset)  # just as long; `placing.py` goes back to the text itself
    before, after = text[:offset], text[offset:]
    if selected is not None:
        before, after = text[: selected.span.start] + selected.text, text[selected.span.end :]
    if snapshot.before or snapshot.after:
        before, after = mask_around(snapshot.before, 0) + before, after + mask_around(snapshot.after, 0)
    prefix, suffix = to_lf(without_lone_surrogates(before)), to_lf(without_lone_surrogates(after))
    language = language_named(language_of(snapshot.path, snapshot.language_id))
    scanned = scan(_tail_of_lines(prefix, SCANNED_CHARS), language)
    return CompletionContext(
        snapshot=snapshot,
        offset=offset,
        trigger=trigger,
        selected=selected,
        prefix=prefix,
        suffix=suffix,
        language=language,
        scanned=scanned,
        n_unclosed=max(0, len(scanned.openers) - _n_closed_in(suffix[:SCANNED_CHARS], language, scanned)),
        mode=_mode(prefix, suffix, language, scanned, settings),
        indent_unit=_indent_unit(prefix, suffix, language),
        line_end=line_end_of(text),
    )


def _first_line(text: str) -> str:
    end = text.find("\n")
    return text if end < 0 else text[:end]


def _tail_of_lines(text: str, n_chars: int) -> str:
    """The last whole lines of a text, at most about `n_chars` of it."""
    if len(text) <= n_chars:
        return text
    return text[text.find("\n", len(text) - n_chars) + 1 or len(text) - n_chars :]


def _n_closed_in(suffix: str, language: Language, scanned: Scan) -> int:
    """How many of the prefix's open brackets the suffix closes.

    Whether a long string that the cursor stands in ends in the suffix cannot be seen there: its delimiter
    opens and closes alike. An odd number of them means that one of them is the end.
    """
    inside = scanned.delimiter
    if inside in language.long_strings and suffix.count(inside) % 2 == 0:
        inside = ""
    return _count_closers(suffix, language, inside)


@lru_cache(maxsize=4)
def _count_closers(suffix: str, language: Language, inside: str) -> int:
    """What follows the cursor seldom changes while somebody types."""
    return len(scan(suffix, language, inside=inside).closers)


def _mode(prefix: str, suffix: str, language: Language, scanned: Scan, settings: CompletionSettings) -> Mode:
    """A block where one is to begin, or stands empty, or a new line of one is due; else the rest of the
    line."""
    line_before = prefix[prefix.rfind("\n") + 1 :]
    line_after = _first_line(suffix).strip()
    if settings.multi_line == "never" or not leaves_room(line_before, line_after):
        return Mode.SINGLE_LINE
    if settings.multi_line == "always":
        return Mode.BLOCK
    is_due = _is_block_due(line_before, language, scanned) and not has_body(line_before, suffix, language)
    return Mode.BLOCK if is_due else Mode.SINGLE_LINE


def leaves_room(line_before: str, line_after: str) -> bool:
    """More lines fit at the end of a line, and between a brace and the one that the editor put behind it."""
    return not line_after or (line_before.rstrip().endswith("{") and line_after.strip("}]);,") == "")


def _is_block_due(line_before: str, language: Language, scanned: Scan) -> bool:
    stripped = line_before.strip()
    if scanned.region is not Region.CODE:
        is_just_opened = stripped in {scanned.delimiter, "/**", 'r"""'}
        return language.spans_lines(scanned.delimiter) and (not stripped or is_just_opened)
    if scanned.openers[-1:] in ("(", "[") or (language.blocks is Blocks.INDENT and scanned.openers):
        return False
    return not stripped or (language.opens_block(line_before) and not _ends_in_expression(stripped, language))


def _ends_in_expression(line: str, language: Language) -> bool:
    """A colon that opens no block: of a lambda, or before the type of a variable."""
    return language.blocks is Blocks.INDENT and language.has_brackets and bool(_COLON.search(line))


def has_body(line_before: str, suffix: str, language: Language) -> bool:
    """Whether the block that the line opens stands below already: a second body is not wanted."""
    below = next((line for line in suffix.split("\n", 40)[1:40] if line.strip()), "")
    n_deep, n_below = (len(indentation_of(line)) for line in (line_before, below))
    return bool(line_before.strip()) and language.opens_block(line_before) and n_below > n_deep


def _indent_unit(prefix: str, suffix: str, language: Language) -> str:
    """One step of indentation: what the lines around the cursor do most, else what the language does."""
    start = prefix.rfind("\n") + 1
    rest = _first_line(suffix)
    line = prefix[start:] + rest
    above = prefix[max(0, start - UNIT_SAMPLE_CHARS) : start]
    below = suffix[len(rest) : UNIT_SAMPLE_CHARS]
    return _unit_around(above, indentation_of(line) if line.strip() else None, below, language)


@lru_cache(maxsize=4)
def _unit_around(above: str, indentation: str | None, below: str, language: Language) -> str:
    """The same while a line is typed."""
    around = [[indentation_of(line) for line in text.split("\n") if line.strip()] for text in (above, below)]
    indentations = [*around[0], *([] if indentation is None else [indentation]), *around[1]]
    n_tabs = sum(1 for indentation in indentations if indentation.startswith("\t"))
    n_spaces = sum(1 for indentation in indentations if indentation.startswith(" "))
    if n_tabs > n_spaces:
        return "\t"
    steps = Counter(
        len(deeper) - len(shallower)
        for shallower, deeper in pairwise(indentations)
        if len(deeper) - len(shallower) in (2, 3, 4, 8)
    )
    if not n_spaces or not steps:
        return language.indent_unit
    return " " * steps.most_common(1)[0][0]
