"""The documentation of the definition at the cursor: its place from the syntax tree, its facts from the
index, its first sentence from the model's fill-in-the-middle where that is good, else from the name.

Runs in the session. Proposes a change and applies none. Must not know LSP.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Any, cast

from lsp_server.assist.doc_habits import MAX_CHARS, known_words
from lsp_server.assist.doc_style import Content, Form, Item, Style, form_for, indented, render
from lsp_server.assist.doc_words import (
    Verdict,
    capital,
    description,
    first_sentence,
    judge,
    predicate_of_name,
    summary_of_name,
)
from lsp_server.assist.facts import build_facts, language_id_of
from lsp_server.assist.ports import AssistPorts, Sentence
from lsp_server.index.doc_place import DocPlace, find_doc_place
from lsp_server.index.inspection import Inspection, inspect_code
from lsp_server.masking import mask_around
from lsp_server.text import from_lf, line_end_of, to_lf
from lsp_server.types import CodeFacts, DocumentSnapshot, Span
from model.protocol import FimPrompt, GenerationOptions, ModelError

SUMMARY_TIMEOUT_S = 10.0
SUMMARY_OPTIONS = GenerationOptions(n_predict=40, t_max_predict_ms=3000, stop=("\n", '"""', "'''", "*/"))

_GAP = "\x00"
_KINDS = ("function", "method", "class")
_NAME = re.compile(r"(?:\*{0,2}|\.{3}|\$|&)?[^\W\d]\w*")
_EXCEPTION = re.compile(r"\\?[^\W\d][\w.:\\]*!?")
_NOTHING = frozenset({"None", "void", "Unit", "NoReturn", "never", "undefined", "()", "unit", "Void"})
_UNSAFE = re.compile(r"\"\"\"|'''|\*/|\\|[\r\n]|\.\.\.$|--\[|\]\]")


@dataclass(frozen=True, slots=True)
class Proposal:
    """`text` replaces `span` of the snapshot. `verdict` tells whether the summary is the model's, and if not,
    why. `note` says in Markdown what the proposal stands on."""

    span: Span
    text: str
    style: Style
    verdict: Verdict
    note: str


@dataclass(frozen=True, slots=True)
class _Target:
    snapshot: DocumentSnapshot
    language_id: str
    facts: CodeFacts
    place: DocPlace
    form: Form


async def propose_documentation(
    snapshot: DocumentSnapshot, span: Span, ports: AssistPorts
) -> Proposal | Sentence:
    """Of the definition around the cursor, or the one that is selected."""
    target = await _find_target(snapshot, span, ports)
    if isinstance(target, Sentence):
        return target
    known = known_words(target.place.docs)
    content = build_content(target.facts, target.place.conditions, target.language_id, known)
    head = f"{target.facts.title.rpartition('.')[2]} " if target.form.style is Style.GO else ""
    gap = _whole(target, replace(content, summary=f"{head}{_GAP}"))
    sentence, verdict = await _ask_for_summary(target, gap, ports)
    if verdict is not Verdict.GOOD:
        summary = predicate_of_name(target.facts) if head else summary_of_name(target.facts)
    else:
        summary = f"{sentence if head else capital(sentence)}."
    text = _whole(target, replace(content, summary=f"{head}{summary}"))
    text = from_lf(text, line_end_of(snapshot.text))
    note = build_note(target.facts, verdict, known)
    return Proposal(target.place.span, text, target.form.style, verdict, note)


async def _find_target(snapshot: DocumentSnapshot, span: Span, ports: AssistPorts) -> _Target | Sentence:
    path, language_id = snapshot.relative_path, language_id_of(snapshot)
    found = await asyncio.to_thread(inspect_code, snapshot.text, language_id, path, span)
    if found is not None and found.symbol is None:
        span, found = await asyncio.to_thread(_around, snapshot.text, language_id, path, span, found)
    if found is None:
        return Sentence(f"edgewise does not read {language_id or 'this kind of file'}: nothing to document.")
    if (refusal := _refusal(found, path)) is not None:
        return refusal
    place = await asyncio.to_thread(find_doc_place, snapshot.text, language_id, path, found.span)
    form = form_for(language_id, place.docs) if place is not None else None
    if place is None or form is None:
        return Sentence(
            f"`{found.name}` ({path}:{found.line + 1}) has no line of its own for documentation: "
            "put its declaration on a new line."
        )
    facts = await build_facts(snapshot, span, ports.index)
    return _Target(snapshot, language_id, facts, place, form)


def _around(
    text: str, language_id: str, path: str, span: Span, found: Inspection
) -> tuple[Span, Inspection | None]:
    """Selected lines of a function mean the function: some editors send the cursor's line for the cursor."""
    selected = text[span.start : span.end]
    at = span.start + len(selected) - len(selected.lstrip())
    around = inspect_code(text, language_id, path, Span(at, at))
    is_inside = around is not None and around.span.end >= span.start + len(selected.rstrip())
    return (Span(at, at), around) if is_inside else (span, found)


def _refusal(found: Inspection, path: str) -> Sentence | None:
    if found.symbol is None or found.kind not in _KINDS:
        return Sentence("There is no function or class at the cursor: put the cursor into one.")
    if found.docstring:
        return Sentence(f"`{found.name}` ({path}:{found.line + 1}) is documented already.")
    if found.has_errors:
        return Sentence(
            f"`{found.name}` ({path}:{found.line + 1}) has syntax errors: correct them first, "
            "so that its parameters are certain."
        )
    return None


def build_content(
    facts: CodeFacts, conditions: Mapping[str, str], language_id: str, known: Mapping[str, str]
) -> Content:
    """All but the summary."""
    is_callable = facts.kind in ("function", "method")
    result = _plain(facts.returns.removeprefix("->").strip())
    return Content(
        summary="",
        parameters=tuple(_items(facts, known)) if is_callable else (),
        returns=_result(facts, result, language_id) if is_callable and result not in _NOTHING else "",
        yields="generator" in facts.notes,
        raises=tuple(_raised(facts, conditions)) if is_callable else (),
    )


def _items(facts: CodeFacts, known: Mapping[str, str]) -> Iterator[Item]:
    """What the file says of a parameter of this name already, is said again."""
    for parameter in facts.parameters:
        if _NAME.fullmatch(parameter.name):
            name = parameter.name.lstrip(".&")
            text = _plain(known.get(name.lstrip("*$"), ""), MAX_CHARS)
            if not text:
                default = f" Defaults to `{parameter.default}`." if _plain(parameter.default) else ""
                text = description(name, parameter.annotation, parameter.default) + default
            yield Item(name, _plain(parameter.annotation), text)


def _result(facts: CodeFacts, declared: str, language_id: str) -> str:
    """The declared type; where none is, what is returned as it stands in the code."""
    if declared or language_id == "rust":
        return declared
    note = next((text for text in facts.notes if text.startswith("returns ")), "")
    values = note.removeprefix("returns ")
    return f"{values}." if _plain(values) and values != "`None`" and "``" not in values else ""


def _raised(facts: CodeFacts, conditions: Mapping[str, str]) -> Iterator[Item]:
    for name in facts.raises:
        if _EXCEPTION.fullmatch(name):
            condition = _plain(conditions.get(name, ""))
            yield Item(name, text=f"If `{condition}`." if condition else "")


def _plain(text: str, max_chars: int = 60) -> str:
    """The text, when it can stand in any documentation as it is."""
    return "" if _UNSAFE.search(text) or len(text) > max_chars or _GAP in text else text


def _whole(target: _Target, content: Content) -> str:
    place = target.place
    return f"{place.before}{indented(render(target.form, content), place.indent)}{place.after}"


async def _ask_for_summary(target: _Target, gap: str, ports: AssistPorts) -> tuple[str, Verdict]:
    """The model fills the gap in the opened documentation."""
    prompt = _build_prompt(target, gap)
    try:
        async with asyncio.timeout(SUMMARY_TIMEOUT_S):
            raw = await _read(ports.generate(prompt, SUMMARY_OPTIONS))
    except (ModelError, TimeoutError):
        return "", Verdict.UNAVAILABLE
    sentence = first_sentence(raw)
    return sentence, _verdict(sentence, target)


def _verdict(sentence: str, target: _Target) -> Verdict:
    """Behind Go's name a predicate must follow."""
    is_predicate = sentence.partition(" ")[0].endswith("s")
    if sentence and target.form.style is Style.GO and not is_predicate:
        return Verdict.UNRELATED
    return judge(sentence, target.facts, target.place.docs)


def _build_prompt(target: _Target, gap: str) -> FimPrompt:
    snapshot, span = target.snapshot, target.place.span
    text = mask_around(snapshot.text, span.start)
    opened, closed = gap.split(_GAP, 1)
    # A model's first word begins with its blank.
    prefix = to_lf(text[: span.start]) + opened
    blank = prefix[len(prefix.rstrip(" ")) :] if not opened.endswith("\n") else ""
    return FimPrompt(
        prefix=prefix,
        suffix=closed + to_lf(text[span.end :]),
        path=snapshot.relative_path,
        repository=snapshot.workspace_root.replace("\\", "/").rstrip("/").rpartition("/")[2],
        begun=blank,
    )


async def _read(pieces: AsyncIterator[Any]) -> str:
    text = ""
    async with aclosing(cast(Any, pieces)):
        async for piece in pieces:
            text += piece.text
            if "\n" in text.lstrip():
                break
    return text


_VERDICTS: Mapping[Verdict, str] = {
    Verdict.GOOD: "The first sentence is the model's, from the code: read it before you take it.",
    Verdict.UNAVAILABLE: "The first sentence is the name in words, because the model could not be asked.",
}


def build_note(facts: CodeFacts, verdict: Verdict, words: Mapping[str, str]) -> str:
    """What the proposal stands on, with places. `words` of parameters were in the file already."""
    why = _VERDICTS.get(
        verdict, f"The first sentence is the name in words: what the model wrote was {_REASONS.get(verdict)}."
    )
    counts = [
        _count(len(facts.parameters), "parameter"),
        *([f"result `{facts.returns}`"] if facts.returns else []),
        *([f"raises {', '.join(f'`{name}`' for name in facts.raises)}"] if facts.raises else []),
    ]
    callers = _places(facts)
    known = f"`{facts.title}` ({facts.path}:{facts.start_line}): {', '.join(counts)}."
    repeated = [f"`{p.name}`" for p in facts.parameters if p.name.lstrip("*$") in words]
    copied = f"What it says of {', '.join(repeated)} is what this file says elsewhere." if repeated else ""
    return " ".join(filter(None, (known, f"Called from {callers}." if callers else "", copied, why)))


_REASONS: Mapping[Verdict, str] = {
    Verdict.EMPTY: "too short",
    Verdict.LONG: "too long",
    Verdict.CODE: "code",
    Verdict.REPEATED: "a repetition",
    Verdict.UNRELATED: "about something else",
}


def _places(facts: CodeFacts, n_shown: int = 3) -> str:
    places: Sequence[str] = [f"{place.path}:{place.line}" for _, place in facts.callers[:n_shown]]
    n_more = len(facts.callers) - len(places)
    return ", ".join([*places, *([f"{n_more} more"] if n_more > 0 else [])])


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
