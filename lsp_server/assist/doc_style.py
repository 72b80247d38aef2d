"""How documentation is written down: the styles, which one a file has, and what a content looks like in it.

Runs in the session. Pure text; must not know where the content comes from.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from html import escape


class Style(StrEnum):
    GOOGLE = "Google"
    NUMPY = "NumPy"
    SPHINX = "Sphinx"
    PLAIN = "plain"
    JSDOC = "JSDoc"
    JAVADOC = "Javadoc"
    DOXYGEN = "Doxygen"
    PHPDOC = "PHPDoc"
    XML = "XML"
    GO = "Go"
    RUST = "Rust"
    SWIFT = "Swift"
    YARD = "YARD"
    LUA = "LuaLS"


@dataclass(frozen=True, slots=True)
class Item:
    """A parameter or an exception. `text` is a sentence."""

    name: str
    type: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class Content:
    """What the documentation says. `yields`: the result is what a generator yields."""

    summary: str
    parameters: tuple[Item, ...] = ()
    returns: str = ""
    yields: bool = False
    raises: tuple[Item, ...] = ()

    @property
    def has_sections(self) -> bool:
        return bool(self.parameters or self.returns or self.raises)


@dataclass(frozen=True, slots=True)
class Form:
    """A style as one file writes it. `opening` and `closing` stand on the first and last line, `margin`
    before each other one; `is_compact`: a summary alone stands on one line with both. `tag` begins a tag."""

    style: Style
    opening: str = ""
    margin: str = ""
    closing: str = ""
    is_compact: bool = False
    is_below: bool = False
    has_types: bool = False
    tag: str = "@"


_BLOCK = ("/**", " * ", " */")
_DEFAULTS: Mapping[str, Form] = {
    "python": Form(Style.GOOGLE, '"""', "", '"""', is_compact=True),
    **dict.fromkeys(
        ("javascript", "typescript", "typescriptreact", "javascriptreact"),
        Form(Style.JSDOC, *_BLOCK, is_compact=True),
    ),
    **dict.fromkeys(("java", "kotlin", "scala"), Form(Style.JAVADOC, *_BLOCK)),
    **dict.fromkeys(("c", "cpp"), Form(Style.DOXYGEN, *_BLOCK)),
    "php": Form(Style.PHPDOC, *_BLOCK),
    "csharp": Form(Style.XML, margin="/// "),
    "go": Form(Style.GO, margin="// "),
    "rust": Form(Style.RUST, margin="/// "),
    "swift": Form(Style.SWIFT, margin="/// "),
    "zig": Form(Style.PLAIN, margin="/// "),
    "ruby": Form(Style.YARD, margin="# "),
    "lua": Form(Style.LUA, margin="---"),
    "shellscript": Form(Style.PLAIN, margin="# "),
}

_GOOGLE = re.compile(r"^\s*(?:Args|Arguments|Returns|Yields|Raises|Attributes):\s*$", re.MULTILINE)
_NUMPY = re.compile(r"^\s*(?:Parameters|Returns|Yields|Raises)\s*\n\s*-{3,}\s*$", re.MULTILINE)
_SPHINX = re.compile(r"^\s*:(?:param|type|returns?|rtype|raises?)\b", re.MULTILINE)
_GOOGLE_TYPE = re.compile(r"^\s+\*{0,2}\w+ \([^)]+\):", re.MULTILINE)
_TAGS = re.compile(r"[@\\](?:param|returns?|throws)\b")


def form_for(language_id: str, docs: Sequence[str]) -> Form | None:
    """Of a new documentation in a file that has `docs`. None: nobody documents in this language."""
    default = _DEFAULTS.get(language_id)
    if default is None:
        return None
    return _python_form(default, docs) if language_id == "python" else _comment_form(default, docs)


def _python_form(default: Form, docs: Sequence[str]) -> Form:
    """The most frequent style with sections; where there are docstrings and none has sections, plain."""
    if not docs:
        return default
    counts = {
        Style.GOOGLE: sum(bool(_GOOGLE.search(doc)) for doc in docs),
        Style.NUMPY: sum(bool(_NUMPY.search(doc)) for doc in docs),
        Style.SPHINX: sum(bool(_SPHINX.search(doc)) for doc in docs),
    }
    style = max(counts, key=lambda name: counts[name])
    quote = "'''" if sum("'''" in doc[:5] for doc in docs) * 2 > len(docs) else '"""'
    n_below = sum(bool(re.match(r"\w*(?:\"\"\"|''')\\?\s*\n", doc)) for doc in docs if "\n" in doc)
    return Form(
        style if counts[style] else Style.PLAIN,
        quote,
        "",
        quote,
        is_compact=True,
        is_below=n_below * 2 > sum("\n" in doc for doc in docs),
        has_types=any(_GOOGLE_TYPE.search(doc) for doc in docs),
    )


def _comment_form(default: Form, docs: Sequence[str]) -> Form:
    """C has several marks; elsewhere only whether the file uses tags is open."""
    blocks = [doc for doc in docs if doc.startswith(("/**", "/*!"))]
    lines = [doc for doc in docs if doc.startswith("///")]
    form = default
    if default.style is Style.DOXYGEN and len(lines) > len(blocks):
        form = Form(Style.DOXYGEN, margin="/// ")
    if default.style is Style.DOXYGEN and any(re.search(r"\\(?:param|return|brief)\b", doc) for doc in docs):
        form = Form(form.style, form.opening, form.margin, form.closing, tag="\\")
    of_kind = blocks if form.opening else []
    if len(of_kind) > 1 and not any(_TAGS.search(doc) for doc in of_kind):
        return Form(Style.PLAIN, form.opening, form.margin, form.closing, is_compact=form.is_compact)
    return form


def render(form: Form, content: Content) -> str:
    """The documentation without indentation, without a line end at its end."""
    lines = [*_summary(form, content), *_sections(form, content)]
    if form.opening and form.is_compact and len(lines) == 1:
        blank = " " if form.margin else ""
        return f"{form.opening}{blank}{lines[0]}{blank}{form.closing.strip()}"
    if form.opening and not form.margin:
        first = [form.opening, *lines] if form.is_below else [form.opening + lines[0], *lines[1:]]
        return "\n".join([*first, form.closing])
    marked = [f"{form.margin}{line}".rstrip() for line in lines]
    return "\n".join(filter(None, [form.opening, *marked, form.closing]))


def indented(documentation: str, indent: str) -> str:
    return "\n".join(f"{indent}{line}" if line else "" for line in documentation.split("\n"))


def _summary(form: Form, content: Content) -> list[str]:
    if form.style is Style.XML:
        return ["<summary>", escape(content.summary, quote=False), "</summary>"]
    return [content.summary]


def _sections(form: Form, content: Content) -> list[str]:
    write = _SECTIONS.get(form.style)
    return list(write(form, content)) if write is not None and content.has_sections else []


def _google(form: Form, content: Content) -> Iterator[str]:
    if content.parameters:
        yield from ("", "Args:")
    for item in content.parameters:
        shown = f" ({item.type})" if form.has_types and item.type else ""
        yield f"    {item.name}{shown}: {item.text}"
    if content.returns:
        yield from ("", "Yields:" if content.yields else "Returns:", f"    {content.returns}")
    if content.raises:
        yield from ("", "Raises:")
    yield from (f"    {item.name}: {item.text}".rstrip() for item in content.raises)


def _numpy(form: Form, content: Content) -> Iterator[str]:
    if content.parameters:
        yield from ("", "Parameters", "----------")
    for item in content.parameters:
        yield f"{item.name} : {item.type}" if item.type else item.name
        yield f"    {item.text}"
    if content.returns:
        title = "Yields" if content.yields else "Returns"
        yield from ("", title, "-" * len(title), content.returns)
    if content.raises:
        yield from ("", "Raises", "------")
    for item in content.raises:
        yield from (item.name, *([f"    {item.text}"] if item.text else []))


def _sphinx(form: Form, content: Content) -> Iterator[str]:
    yield ""
    yield from (f":param {item.name.lstrip('*')}: {item.text}" for item in content.parameters)
    if content.returns:
        yield f":{'yields' if content.yields else 'returns'}: {content.returns}"
    yield from (f":raises {item.name}: {item.text}".rstrip() for item in content.raises)


def _jsdoc(form: Form, content: Content) -> Iterator[str]:
    yield ""
    yield from (f"@param {item.name} {item.text}" for item in content.parameters)
    if content.returns:
        yield f"@returns {content.returns}"
    yield from (f"@throws {{{item.name}}} {item.text}".rstrip() for item in content.raises)


def _javadoc(form: Form, content: Content) -> Iterator[str]:
    yield ""
    yield from (f"{form.tag}param {item.name} {item.text}" for item in content.parameters)
    if content.returns:
        yield f"{form.tag}return {content.returns}"
    yield from (f"{form.tag}throws {item.name} {item.text}".rstrip() for item in content.raises)


def _phpdoc(form: Form, content: Content) -> Iterator[str]:
    yield ""
    for item in content.parameters:
        yield f"@param {item.type + ' ' if item.type else ''}{item.name} {item.text}"
    if content.returns:
        yield f"@return {content.returns}"
    yield from (f"@throws {item.name} {item.text}".rstrip() for item in content.raises)


def _xml(form: Form, content: Content) -> Iterator[str]:
    for item in content.parameters:
        yield f'<param name="{escape(item.name)}">{escape(item.text, quote=False)}</param>'
    if content.returns:
        yield f"<returns>{escape(content.returns, quote=False)}</returns>"
    for item in content.raises:
        yield f'<exception cref="{escape(item.name)}">{escape(item.text, quote=False)}</exception>'


def _rust(form: Form, content: Content) -> Iterator[str]:
    """Rust's guidelines name errors and panics; parameters speak for themselves."""
    if content.returns.startswith("Result<"):
        error = content.returns.removeprefix("Result<").rstrip(">").rpartition(",")[2].strip()
        yield from ("", "# Errors", "", f"Fails with `{error}`." if error else "It may fail.")
    if content.raises:
        yield from ("", "# Panics", "", *(f"Calls `{item.name}`." for item in content.raises))


def _swift(form: Form, content: Content) -> Iterator[str]:
    yield ""
    if content.parameters:
        yield "- Parameters:"
    yield from (f"  - {item.name}: {item.text}" for item in content.parameters)
    if content.returns:
        yield f"- Returns: {content.returns}"


def _yard(form: Form, content: Content) -> Iterator[str]:
    yield ""
    yield from (f"@param {item.name} {item.text}" for item in content.parameters)
    yield from (f"@raise [{item.name}] {item.text}".rstrip() for item in content.raises)


def _lua(form: Form, content: Content) -> Iterator[str]:
    yield from (f"@param {item.name} any {item.text}" for item in content.parameters)


_SECTIONS: Mapping[Style, Callable[[Form, Content], Iterator[str]]] = {
    Style.GOOGLE: _google,
    Style.NUMPY: _numpy,
    Style.SPHINX: _sphinx,
    Style.JSDOC: _jsdoc,
    Style.JAVADOC: _javadoc,
    Style.DOXYGEN: _javadoc,
    Style.PHPDOC: _phpdoc,
    Style.XML: _xml,
    Style.RUST: _rust,
    Style.SWIFT: _swift,
    Style.YARD: _yard,
    Style.LUA: _lua,
}
