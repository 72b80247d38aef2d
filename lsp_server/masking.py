"""Secrets in a text, told by their content: where they are, and the same text with stars in their place.

Runs in the session, for prompts, and in the index's processes, for everything that is stored. Pure; must not
know files (`index/secrets.py` knows their names). The text keeps its length: offsets hold.

Two kinds are found: tokens that say what they are (`ghp_...`, `-----BEGIN PRIVATE KEY-----`), by the formats
that their makers document; and values that look random where a name says that they are secret. What a person
would type as an example (`changeme`, `<token>`, `${TOKEN}`) is none: code that handles secrets must stay
readable. Why no library: detect-secrets 1.5 reads 0.1 MB/s where tree-sitter parses 8, and brings an HTTP
client.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from lsp_server.types import Span

MASK = "*"

_MAX_KEY_CHARS = 20_000


@dataclass(frozen=True, slots=True)
class Rule:
    """Tokens of one maker. `marks` are literals of which a text that has such a token holds one; the secret
    is the pattern's group 1, or all of it. With `is_vague` it must also look random."""

    name: str
    marks: tuple[str, ...]
    pattern: re.Pattern[str]
    is_vague: bool = False


def _rule(name: str, marks: str, pattern: str, *, is_vague: bool = False) -> Rule:
    return Rule(name, tuple(marks.split()), re.compile(pattern), is_vague)


RULES: tuple[Rule, ...] = (
    _rule("aws-key-id", "AKIA ASIA ABIA ACCA", r"\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}\b"),
    _rule("google-api-key", "AIza", r"\bAIza[\w-]{35}"),
    _rule("google-oauth", "ya29. GOCSPX-", r"\b(?:ya29\.[\w-]{20,}|GOCSPX-[\w-]{28})"),
    _rule("github", "ghp_ gho_ ghu_ ghs_ ghr_", r"\bgh[pousr]_[A-Za-z0-9]{36,255}\b"),
    _rule("github-fine", "github_pat_", r"\bgithub_pat_\w{22,255}"),
    _rule("gitlab", "glpat- gldt- glptt- glrt- glsoat-", r"\bgl(?:pat|dt|ptt|rt|soat)-[\w-]{20,}"),
    _rule("slack", "xoxb- xoxp- xoxa- xoxs- xoxe- xapp-", r"\b(?:xox[bpase]|xapp)-[\w-]{20,}"),
    _rule("slack-hook", "hooks.slack.com", r"hooks\.slack\.com/services/(T\w{6,}/B\w{6,}/\w{20,})"),
    _rule("stripe", "k_live_ k_test_ whsec_", r"\b(?:[srp]k_(?:live|test)_\w{16,}|whsec_\w{24,})"),
    _rule("openai-anthropic", "sk-", r"(?<![\w-])sk-(?:[a-z]{2,8}\d{0,2}-)*[\w-]{20,}", is_vague=True),
    _rule("jwt", "eyJ", r"\beyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{8,}"),
    _rule("npm", "npm_", r"\bnpm_[A-Za-z0-9]{36}\b"),
    _rule("pypi", "pypi-", r"\bpypi-[\w-]{50,}"),
    _rule("hugging-face", "hf_", r"\bhf_[A-Za-z0-9]{34,}\b"),
    _rule("sendgrid", "SG.", r"\bSG\.[\w-]{16,32}\.[\w-]{16,64}"),
    _rule("digitalocean", "dop_v1_ doo_v1_ dor_v1_", r"\bdo[opr]_v1_[a-f0-9]{64}"),
    _rule("databricks", "dapi", r"\bdapi[a-f0-9]{32}"),
    _rule("shopify", "shpat_ shpss_ shpca_ shppa_", r"\bshp(?:at|ss|ca|pa)_[a-fA-F0-9]{32}"),
    _rule("square", "sq0", r"\bsq0[a-z]{3}-[\w-]{22,43}"),
    _rule("telegram", ":AA", r"\b\d{8,10}:AA[\w-]{33}\b"),
    _rule("vault", "hvs. hvb.", r"\bhv[sb]\.[\w-]{24,}"),
    _rule("linear", "lin_api_", r"\blin_api_[A-Za-z0-9]{40}"),
    _rule("age", "AGE-SECRET-KEY-", r"AGE-SECRET-KEY-1[A-Z0-9]{58}"),
    _rule("azure-storage", "AccountKey=", r"AccountKey=([A-Za-z0-9+/=]{40,})"),
)

_RULES_BY_MARK = tuple((mark, rule) for rule in RULES for mark in rule.marks)

# What is told by what stands before it, after a word in small letters that ends in a blank.
HEADERS: Mapping[bytes, Rule] = {
    b"bearer ": _rule("bearer", "", r"\b[Bb]earer +([\w.~+/-]{20,}=*)", is_vague=True),
    b"basic ": _rule("basic", "", r"\b[Bb]asic +([A-Za-z0-9+/]{16,}={0,2})", is_vague=True),
}
CONNECTION = _rule(
    "connection",
    "assword= wd= WD=",
    r"[;\"'] *(?:[Pp]assword|[Pp]wd|PWD) *=([^;\"'\s{}$<>%]{6,})",
)

# Every token of a maker is longer and of these characters: rules are tried on the long words alone, which are
# few. "?" stands for what is not Latin.
_LONG_WORD = b"a" * 20
_WORD_CHARS = b"_.-/:=+~?0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_WORD_SHAPE = bytes(ord("a") if code in _WORD_CHARS or code > 127 else ord(" ") for code in range(256))
_LOGIN = re.compile(r"://[^\s:/@\"'<>]{0,80}:([^\s/@\"'<>{}$*%()\[\]]{4,})@[\w.-]")
_VISIBLE = re.compile(r"\S")

_KEY_START = re.compile(r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----")
_KEY_BODY = re.compile(r"[\w+/=\\\s:,\"'-]*")
_BASE64 = re.compile(r"[A-Za-z0-9+/]{40}")

_SECRET_NAME = re.compile(
    r"(?i)passw|passphrase|pwd|secret|token|credential|api[_-]?key|access[_-]?key|auth[_-]?key|_auth\b"
    r"|account[_-]?key|private[_-]?key|encryption[_-]?key|signing[_-]?key"
)
# One of these, in small letters, is in every such name; looking for them is thirty times as quick.
_NAME_PARTS = tuple(
    re.compile(part)
    for part in (
        *(rb"pass(?:w|phrase)", rb"pwd", rb"secret", rb"token", rb"credential", rb"_auth"),
        rb"key(?:(?<=(?:pi|ss|th|nt|te|on|ng)key)|(?<=(?:pi|ss|th|nt|te|on|ng)[_-]key))",
    )
)
# What is about a secret and holds none.
_HARMLESS_NAME = re.compile(
    r"(?i)(?:name|url|uri|path|file|field|type|header|prefix|suffix|regex|pattern|class|endpoint|label|format|"
    r"scope|algorithm|length|len|size|expiry|location|policy|hint|message|error|title|text|help|env|var|column)s?$"
)

# Values, which are few, are sought first; then the name before them. After a comma or a bracket the value is
# not the name's for sure, and where nothing is quoted it might be code.
_QUOTED = re.compile(r"[\"'`]([^\"'`\s]{8,200})[\"'`]")
_PLAIN = re.compile(r"[=:][ \t]*([^\s\"'`(){}\[\]<>;,=:]{8,200}=*)[ \t]*(?=[\r\n#]|$)")
_NAME_OF_QUOTED = re.compile(
    r"([A-Za-z_$@][\w.$-]*)[\"'\])]*\s*(\??:\s*[\w\[\]|. ]{1,40}=|=>|:=|={1,3}|:|,|\()\s*[rbufL@]{0,2}$"
)
_NAME_OF_PLAIN = re.compile(
    r"^\s*(?:export\s+|set\s+|ENV\s+|ARG\s+|-\s+)?[\"']?([A-Za-z_][\w.-]*)[\"']?\s*$", re.IGNORECASE
)
_UNUSUAL = re.compile(r"[\d!@#$%^&*+=?~]")
_MAX_NAME_CHARS = 120

_PLACEHOLDER = re.compile(
    r"(?i)example|change.?me|placeholder|dummy|your|xxx|\.\.\.|\*\*|redacted|insert|sample|todo|fixme|replace"
    r"|12345678|abcdefgh|[<>\\()\[\]{}]|\$\{|%[sd(]|://|^\$|^%|^/|^\./|^#"
)
# Identifiers, words, versions, dates: what a person reads.
_WORDY = re.compile(
    r"[A-Za-z_]+"
    r"|[A-Za-z]?[a-z]*(?:[_./:+-][A-Z]?[a-z]+|[A-Z][a-z]+|[_.-]\d{1,3})*[_.-]?[vV]?\d{0,3}"
    r"|[A-Z]+(?:[_.:/-][A-Z0-9]+)*\d{0,3}"
    r"|[vV]?\d+(?:[.:_/-]\w{1,6})*"
    r"|[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+"
)
_SWITCH = re.compile(r"(?<=\d)[A-Za-z]|(?<=[A-Za-z])\d")


def mask_secrets(text: str) -> str:
    """The same text, just as long and with the same line ends, with stars for every secret."""
    return _masked(text, find_secrets(text))


def mask_around(text: str, offset: int) -> str:
    """The same as `mask_secrets`, for a text that is being typed in at `offset`: quick when asked again."""
    start = text.rfind("\n", 0, offset) + 1
    end = text.find("\n", offset)
    end = end if end >= 0 else len(text)
    masked = _known(text[:start]) + _masked(text[start:end], _in_lines(text[start:end])) + _known(text[end:])
    return _masked(masked, list(_keys(masked)))


@lru_cache(maxsize=8)
def _known(text: str) -> str:
    return _masked(text, _in_lines(text))


def _masked(text: str, spans: list[Span]) -> str:
    pieces, end = [], 0
    for span in spans:
        hidden = _VISIBLE.sub(MASK, text[span.start : span.end])
        pieces += [text[end : span.start], hidden]
        end = span.end
    return "".join([*pieces, text[end:]]) if spans else text


def find_secrets(text: str) -> list[Span]:
    """In the order of the text, none inside of another."""
    return _apart([*_in_lines(text), *_keys(text)])


def _apart(spans: list[Span]) -> list[Span]:
    apart: list[Span] = []
    for span in sorted(spans):
        if apart and span.start < apart[-1].end:
            apart[-1] = Span(apart[-1].start, max(span.end, apart[-1].end))
        else:
            apart.append(span)
    return apart


def _in_lines(text: str) -> list[Span]:
    """Those that stand in one line."""
    raw = text.encode("latin-1", "replace")  # a byte a character: offsets hold
    small = raw.lower()
    found = [*_tokens(text, raw), *_headers(text, small), *_logins(text)]
    for start, end in _lines_with_names(small):
        found += _secrets_of(CONNECTION, CONNECTION.pattern.finditer(text, start, end))
        found += _quoted(text, start, end)
        found += _plain(text, start, end)
    return _apart(found)


def _tokens(text: str, raw: bytes) -> Iterator[Span]:
    words = _long_words(text, raw)
    for mark, rule in _RULES_BY_MARK:
        if mark in words:
            yield from _tokens_of(rule, text, words)


def _tokens_of(rule: Rule, text: str, words: str) -> Iterator[Span]:
    if rule.pattern.search(words):
        yield from _secrets_of(rule, rule.pattern.finditer(text))


def _long_words(text: str, raw: bytes) -> str:
    """Each once: what is defined is used, and long."""
    shape = raw.translate(_WORD_SHAPE)
    words = set()
    start = shape.find(_LONG_WORD)
    while start >= 0:
        end = shape.find(b" ", start)
        end = end if end >= 0 else len(text)
        words.add(text[start:end])
        start = shape.find(_LONG_WORD, end)
    return " ".join(words)


def _headers(text: str, small: bytes) -> Iterator[Span]:
    for word, rule in HEADERS.items():
        at = small.find(word)
        while at >= 0:
            match = rule.pattern.match(text, at)
            yield from _secrets_of(rule, [match] if match is not None else [])
            at = small.find(word, at + len(word))


def _secrets_of(rule: Rule, matches: Iterable[re.Match[str]]) -> Iterator[Span]:
    group = 1 if rule.pattern.groups else 0
    for match in matches:
        if not _is_placeholder(match[group]) and not (rule.is_vague and not _is_random(match[group])):
            yield Span(*match.span(group))


def _lines_with_names(small: bytes) -> list[tuple[int, int]]:
    """From where to where they go: those that may name a secret."""
    lines: dict[int, int] = {}
    for part in _NAME_PARTS:
        match = part.search(small)
        while match is not None:
            start, end = small.rfind(b"\n", 0, match.start()) + 1, small.find(b"\n", match.end())
            lines[start] = end = end if end >= 0 else len(small)
            match = part.search(small, end)
    return sorted(lines.items())


def _logins(text: str) -> Iterator[Span]:
    """Passwords in addresses: `scheme://user:password@host`."""
    at = text.find("://")
    while at >= 0:
        match = _LOGIN.match(text, at)
        if match is not None and not _is_placeholder(match[1]):
            yield Span(*match.span(1))
        at = text.find("://", at + 3)


def _is_placeholder(value: str) -> bool:
    return len(set(value)) < 5 or _PLACEHOLDER.search(value) is not None or value.lower() in _COMMON


# Passwords that stand in documentation, not in use.
_COMMON = frozenset(
    {"password", "passwd", "secret", "pass", "pwd", "token", "hunter2", "user", "root", "admin"}
)


def _keys(text: str) -> Iterator[Span]:
    """What stands between the two lines of a PEM block; without an end, as far as such a key goes."""
    if "-----BEGIN " not in text:
        return
    for match in _KEY_START.finditer(text):
        start, limit = match.end(), match.end() + _MAX_KEY_CHARS
        end = text.find("-----END", start, limit)
        if end < 0:
            body = _KEY_BODY.match(text, start, limit)
            end = body.end() if body is not None else start
        if _BASE64.search(text, start, end):
            yield Span(start, end)


def _quoted(text: str, start: int, end: int) -> Iterator[Span]:
    for match in _QUOTED.finditer(text, start, end):
        value = match[1]
        if _UNUSUAL.search(value) is None:
            continue
        name = _NAME_OF_QUOTED.search(_before(text, match.start()))
        if name is None or not _is_secret_name(name[1]) or not _is_value(value):
            continue
        if name[2] not in (",", "(") or _is_mixed(value):
            yield Span(*match.span(1))


def _plain(text: str, start: int, end: int) -> Iterator[Span]:
    for match in _PLAIN.finditer(text, start, end):
        if _UNUSUAL.search(match[1]) is not None and _is_mixed(match[1]) and _is_value(match[1]):
            name = _NAME_OF_PLAIN.search(_before(text, match.start()))
            if name is not None and _is_secret_name(name[1]):
                yield Span(*match.span(1))


def _before(text: str, end: int) -> str:
    """What stands before `end` on its line."""
    start = text.rfind("\n", max(0, end - _MAX_NAME_CHARS), end) + 1
    return text[start or max(0, end - _MAX_NAME_CHARS) : end]


def _is_secret_name(name: str) -> bool:
    return _SECRET_NAME.search(name) is not None and _HARMLESS_NAME.search(name) is None


def _is_value(value: str) -> bool:
    """Whether a person would not read it as words."""
    return not _is_placeholder(value) and _WORDY.fullmatch(value) is None and entropy(value) >= 2.5


def _is_mixed(value: str) -> bool:
    """Where nothing is quoted, the value might be code: letters and digits must change often."""
    return entropy(value) >= 3.0 and len(_SWITCH.findall(value)) >= 3


def _is_random(value: str) -> bool:
    return entropy(value) >= 3.5 and len(_SWITCH.findall(value)) >= 3


def entropy(value: str) -> float:
    """Shannon's, in bits a character."""
    n = len(value)
    return -sum(count / n * math.log2(count / n) for count in Counter(value).values()) if n else 0.0
