"""What is found in the sample of each language, as text that a person can check.

`python -m tests.lsp_server.index.golden` writes the files anew: read the difference before you keep it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from lsp_server.index.languages import language_of, refine
from lsp_server.index.parse import ParsedFile, parse

FOLDER = Path(__file__).parents[2] / "golden" / "parse"


def samples() -> list[Path]:
    return sorted(path for path in FOLDER.glob("*/*") if path.stem.lower() == "sample")


def expected_path(sample: Path) -> Path:
    return sample.with_name("expected.txt")


def found_in(sample: Path) -> str:
    text = sample.read_text("utf-8")
    language = language_of(sample.name)
    assert language is not None
    language = refine(language, sample.name, text)
    assert language.id == sample.parent.name
    return "\n".join(_lines(text, parse(text, language, sample.name))) + "\n"


def _lines(text: str, parsed: ParsedFile) -> Iterator[str]:
    """Each span is shown by the first word in it, so that wrong offsets are seen."""
    yield f"errors: {parsed.has_errors}"
    yield "symbols:"
    for symbol in parsed.symbols:
        name = f"{symbol.container}.{symbol.name}" if symbol.container else symbol.name
        yield f"  {symbol.line + 1}-{symbol.end_line + 1} {symbol.kind} {name}: {symbol.signature}"
        yield f"      {text[symbol.span.start : symbol.span.end].split()[0]} ..."
        yield from (f'      "{line}"' for line in symbol.docstring.splitlines() if line)
    yield "references:"
    for item in parsed.references:
        shown = f"{item.receiver}.{item.name}" if item.receiver else item.name
        kind = "call" if item.is_call else "use"
        place = text[item.span.start : item.span.end]
        yield f"  {item.line + 1} {kind} {shown} in {item.scope or '-'} [{place}]"
    yield "imports:"
    for entry in parsed.imports:
        module, name = entry.module or "(here)", entry.name or "(module)"
        yield f"  {entry.line + 1} {module} / {name} as {entry.alias or '-'}"


def main() -> None:
    for sample in samples():
        expected_path(sample).write_text(found_in(sample), "utf-8")


if __name__ == "__main__":
    main()
