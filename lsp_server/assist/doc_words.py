"""The words of documentation: what a name says by itself, and whether a model's line may stand for a summary.

Runs in the session. Pure text.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import StrEnum
from itertools import pairwise

from lsp_server.types import CodeFacts

MAX_SUMMARY_CHARS = 110
_MIN_WORDS = 3
_STEM_CHARS = 4

_PARTS = re.compile(r"[A-Z]{2,}(?![a-z])|[A-Z]?[^\W\d_A-Z]+|[A-Z]|\d+")
_SENTENCE_END = re.compile(r"(?<=[.!?])\s|\"\"\"|'''|\*/")
_MARKS = re.compile(r"^[\s/*#\-!\"']+")
_CODE = re.compile(r"[=;{}<>\[\]|\\@$^~]|\w\(|->|::|//|:\s*$|^[:.]|\b(?:TODO|FIXME|XXX)\b")
_SECTION = re.compile(
    r"(?:def|class|return|import|from|if|for|args|arguments|returns|raises|param)\b[^a-z]*$", re.I
)
_QUESTIONS = ("is", "has", "can", "should", "are", "was")
_TRUTHS = frozenset({"True", "False", "true", "false", "bool", "boolean", "Bool", "Boolean", "_Bool"})
_PROPERTIES = frozenset(
    f"decorated with `@{name}`" for name in ("property", "cached_property", "functools.cached_property")
)
_COUNTS = ("n", "num", "count")
_UNITS = {
    "s": "seconds", "sec": "seconds", "secs": "seconds", "seconds": "seconds", "ms": "milliseconds",
    "us": "microseconds", "ns": "nanoseconds", "minutes": "minutes", "hours": "hours", "days": "days",
    "bytes": "bytes", "kb": "kilobytes", "mb": "megabytes", "px": "pixels", "percent": "percent",
}  # fmt: skip
_ACRONYMS = frozenset(
    re.findall(
        r"\w+", "api cpu css csv db dns gpu html http https id ip json pdf sql ssh tcp ui uri url utf xml"
    )
)
_CONSTRUCTORS = frozenset({"__init__", "constructor", "initialize", "__construct", "new", "init"})
# What Go's convention needs in the third person; other first words are nouns as often as verbs.
_VERBS = frozenset(
    re.findall(
        r"\w+",
        "add append build check clear close compute convert copy create decode delete encode fetch "
        "find format get handle insert join load make merge move open parse print push put read "
        "remove render reset run save search send set sort split start stop store update validate "
        "write",
    )
)


class Verdict(StrEnum):
    """Of a model's line. All but `GOOD` say why the line is not used."""

    GOOD = "good"
    EMPTY = "empty"
    LONG = "too-long"
    CODE = "code-like"
    REPEATED = "repeated"
    UNRELATED = "unrelated"
    UNAVAILABLE = "model-unavailable"


def words_of(name: str) -> list[str]:
    """`readHTTPHeader` and `read_HTTP_header`: read, HTTP, header."""
    found = _PARTS.findall(name)
    return [word if len(word) > 1 and word.isupper() else word.lower() for word in found]


def spoken(name: str) -> str:
    return " ".join(map(_spelled, words_of(name))) or name


def _spelled(word: str) -> str:
    return word.upper() if word in _ACRONYMS else word


def description(name: str, annotation: str, default: str) -> str:
    """What a parameter's name, type and default say of it, as a sentence."""
    words = [_spelled(word) for word in words_of(name)]
    rest = " ".join(words[1:])
    if len(name) == 1 or not words:
        return f"The value `{name}`."
    if annotation in _TRUTHS or default in _TRUTHS:
        is_question = words[0] in _QUESTIONS and rest
        return f"Whether it {words[0]} {rest}." if is_question else f"The {' '.join(words)} flag."
    if words[0] in _COUNTS and rest:
        return f"The number of {rest}."
    if words[-1] in _UNITS and len(words) > 1:
        return f"The {' '.join(words[:-1])} in {_UNITS[words[-1]]}."
    return f"The {' '.join(words)}."


def capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def first_sentence(raw: str) -> str:
    """What of a model's text could be the summary: one line, one sentence, without marks."""
    line = raw.strip().splitlines()[0] if raw.strip() else ""
    return _SENTENCE_END.split(_MARKS.sub("", line))[0].strip().rstrip(".,;").strip()


def judge(sentence: str, facts: CodeFacts, others: Sequence[str]) -> Verdict:
    """A summary says something of what the name says: else it is about something else, as a small model's
    often is. `others` are the other documentations of the file."""
    words = [word.casefold() for word in re.findall(r"[^\W\d_][\w'-]*", sentence)]
    if len(words) < _MIN_WORDS:
        return Verdict.EMPTY
    if len(sentence) > MAX_SUMMARY_CHARS:
        return Verdict.LONG
    n_plain = sum(character.isalpha() or character in " ,'-." for character in sentence)
    if _CODE.search(sentence) or _SECTION.match(sentence) or n_plain < 0.85 * len(sentence):
        return Verdict.CODE
    if not sentence.isprintable() or _repeats(words) or _is_copied(sentence, others):
        return Verdict.REPEATED
    return Verdict.GOOD if _is_related(words, facts) else Verdict.UNRELATED


def _repeats(words: Sequence[str]) -> bool:
    """A word twice in a row, or one that carries the meaning twice at all."""
    meant = [word for word in words if len(word) >= _STEM_CHARS]
    return len(set(meant)) < len(meant) or any(a == b for a, b in pairwise(words))


def _is_copied(sentence: str, others: Sequence[str]) -> bool:
    return any(sentence.casefold() in other.casefold() for other in others)


def _is_related(words: Sequence[str], facts: CodeFacts) -> bool:
    """It shares a word with the name, and does not return what is never returned."""
    container, _, name = facts.title.rpartition(".")
    named = words_of(container if name in _CONSTRUCTORS else name)
    known = {word.casefold()[:_STEM_CHARS] for word in named if len(word) > 2}
    has_result = facts.returns not in ("", "None", "void") or any(
        note.startswith("returns ") for note in facts.notes
    )
    says_result = words[0] in ("return", "returns")
    shares = any(word[:_STEM_CHARS] in known for word in words if len(word) > 2)
    return shares and (has_result or not says_result)


def summary_of_name(facts: CodeFacts) -> str:
    """A sentence that says no more than the name does."""
    container, _, name = facts.title.rpartition(".")
    owner = container.rpartition(".")[2]
    words = [_spelled(word) for word in words_of(name)]
    if name in _CONSTRUCTORS or (name == owner and owner):
        return f"Create a new {owner or spoken(name)}."
    if name.startswith("__") and name.endswith("__"):
        return f"Implement `{name}` of {owner or 'the module'}."
    if len(words) > 1 and words[0] in _QUESTIONS:
        return f"Whether it {' '.join([words[0] if words[0] != 'are' else 'is', *words[1:]])}."
    if any(note in _PROPERTIES for note in facts.notes):
        return f"The {' '.join(words)}."
    return f"{capital(' '.join(words) or name)}."


def predicate_of_name(facts: CodeFacts) -> str:
    """What follows the name in Go's `// Name does ...`."""
    name = facts.title.rpartition(".")[2]
    words = words_of(name)
    if words and words[0] in _VERBS:
        return f"{' '.join([_third_person(words[0]), *words[1:]])}."
    if facts.returns:
        return f"returns {facts.returns}."
    return f"is a {'type' if facts.kind == 'class' else facts.kind} of this package."


def _third_person(verb: str) -> str:
    if verb.endswith("y") and verb[-2] not in "aeiou":
        return verb[:-1] + "ies"
    return verb + ("es" if verb.endswith(("s", "sh", "ch", "x", "o")) else "s")
