"""Whether any reader of text takes more than its share of time on hostile text.

    python -m tests.bench.index.hostile [--size BYTES]

Every reader that sees a file's text without a syntax tree (facts, blanks, secrets, words, generated marks) is
given endless repetitions of a fragment, at a size and at four times that size. A reader whose time grows as
the text does needs four times as long; one that backtracks needs sixteen times as long, or never ends.
Seconds are the processor's. The table holds the slowest fragment of each reader, by how its time grows.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

from rich.console import Console
from rich.table import Table

from lsp_server.index.chunk import cut, words_in
from lsp_server.index.fact_readers import READERS, WITHOUT_TYPES, FactReader, read_facts
from lsp_server.index.signature import comment_docstring, declaration, first_line, string_docstring
from lsp_server.index.source import why_not_by_hand
from lsp_server.masking import mask_secrets

Reader = Callable[[str], object]

_STEP = 4
_TOO_SHORT_S = 0.02

# What patterns wait for: beginnings without an end, ends without a beginning, blanks, and both in turns.
FRAGMENTS: tuple[str, ...] = (
    *(
        "(",
        ")",
        "[",
        "{",
        "}",
        "<",
        ">",
        "a",
        "1",
        ".",
        ",",
        ":",
        "=",
        "|",
        "&",
        "*",
        "@",
        "#",
        "?",
        "!",
        "\\",
    ),
    *('"', "'", "`", '"""', "'''", "/*", "*/", "//", "${", "`${", '"\\', "\0", "\r", "\r\n", "\n", "\t", " "),
    *("a.", "a.b().", "a(", "a[", "a{", "a<", "()", "[]", "{}", "a b ", "a, ", "a:b,", "a=b,", "a = ", "a: "),
    *("a =\n", "\n ", "\n\t", " \n", "( \n", "a\n", "a\r\n", "=>", "->", "=> {", "(a) => ", "a?.b", "a!."),
    *("def f(", "def f(a", "\ndef f(a: ", "\nclass C(", "class C(A, ", "x: list[", "x: A | ", "\nx = a or "),
    *(
        "\nx = a if b else ",
        "return ",
        "\nreturn a",
        "\n  return a if ",
        "isinstance(",
        "\nif isinstance(a, ",
    ),
    *(
        "\nfor a in ",
        "\nfor a, b in c",
        "\nwith a as b, ",
        "\nwith a(",
        "\nfrom a import (",
        "\nfrom a import b, ",
    ),
    *(
        "import a, ",
        "\nimport {",
        "\nimport { a, ",
        "import a from ",
        "\nexport ",
        "export default ",
        "await ",
    ),
    *(
        "function f(",
        "\nfunction f<",
        "class C extends ",
        "\nclass C<T extends ",
        "\ninterface I { a: ",
        "new A(",
    ),
    *(
        "const a = ",
        "\nconst { a, ",
        "\nlet a: A<",
        "type A = ",
        "\ntype A = B | ",
        "(a: ",
        "\n  a(b: c): ",
        "as A ",
    ),
    *(
        "func f(",
        "\nfunc (a *A) f(",
        "\nfunc f() (",
        "type A struct {",
        "\ntype A struct {\n a ",
        "\nvar a = &",
        "a := ",
    ),
    *(
        "\n  a := b(",
        "\nfor _, a := range ",
        "\ntype (",
        "\nvar (",
        "\nconst (",
        "[]",
        "map[a]",
        "chan ",
        "func(",
    ),
    *(
        "password = ",
        'password = "a',
        "token: a",
        "://a:",
        "-----BEGIN ",
        "AKIA",
        "eyJa.eyJa",
        "sk-a-",
        "bearer ",
    ),
    *(
        "// Code generated ",
        "# automatically generated do not",
        "@a(",
        "#[a",
        "[a]",
        "/** ",
        " * a\n",
        "--[[",
        "<a>",
    ),
)

READERS_OF_TEXT: Mapping[str, Reader] = {
    "mask_secrets": mask_secrets,
    "why_not_by_hand": why_not_by_hand,
    "words_in": words_in,
    "cut": lambda text: list(cut(text)),
    "declaration //": lambda text: declaration(text[:2400], "//"),
    "declaration #": lambda text: declaration(text[:2400], "#"),
    "first_line": lambda text: first_line(text[:640]),
    "string_docstring": lambda text: string_docstring(f'"""{text}"""'),
    "comment_docstring": lambda text: comment_docstring(text.splitlines()),
}


@dataclass(frozen=True)
class Growth:
    """How one reader's time grew with the size of one fragment's repetition."""

    reader: str
    fragment: str
    small_s: float
    large_s: float

    @property
    def factor(self) -> float:
        """1 where both are too short to be told apart."""
        return self.large_s / max(self.small_s, _TOO_SHORT_S / _STEP) if self.large_s > _TOO_SHORT_S else 1.0


def readers() -> Iterator[tuple[str, Reader]]:
    yield from READERS_OF_TEXT.items()
    distinct: dict[FactReader, str] = {}
    for language, reader in READERS.items():
        distinct.setdefault(reader, language)
    for reader, language in {**distinct, WITHOUT_TYPES: "plaintext"}.items():
        yield f"{language}: facts", partial(read_facts, language)
        yield f"{language}: split", partial(_all_starts, reader)
        yield f"{language}: receiver", reader.receiver


def _all_starts(reader: FactReader, text: str) -> list[int]:
    return list(reader.split(text))


def measure(reader: Reader, text: str) -> float:
    started = time.process_time()
    reader(text)
    return time.process_time() - started


def growths(name: str, reader: Reader, n_chars: int) -> Iterator[Growth]:
    for fragment in FRAGMENTS:
        small = fragment * (n_chars // len(fragment))
        times = measure(reader, small), measure(reader, small * _STEP)
        yield Growth(name, fragment, *times)


def draw(found: list[Growth], n_chars: int) -> Table:
    table = Table(title=f"The worst fragment of each reader, {n_chars} and {n_chars * _STEP} characters")
    for column in ("reader", "fragment", "s", "s, 4 x the text", "grows"):
        table.add_column(column, justify="left" if column in ("reader", "fragment") else "right")
    for item in sorted(found, key=lambda item: -item.factor):
        table.add_row(
            item.reader,
            repr(item.fragment),
            f"{item.small_s:.3f}",
            f"{item.large_s:.3f}",
            f"{item.factor:.1f} x",
        )
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--size", type=int, default=20_000, help="characters of the smaller text")
    parser.add_argument(
        "--all", action="store_true", help="every fragment whose time grows more than the text"
    )
    arguments = parser.parse_args()
    found: list[Growth] = []
    for name, reader in readers():
        of_reader = list(growths(name, reader, arguments.size))
        suspects = [item for item in of_reader if item.factor > 1.5 * _STEP]
        found += suspects if arguments.all else [max(of_reader, key=lambda item: item.factor)]
    Console(width=110).print(draw(found, arguments.size))


if __name__ == "__main__":
    main()
