"""Text to token ids through the host's `/tokenize`: line by line, cached, one request for what is new.

Runs in the session. Knows how tokenizers treat newlines and spaces; must not know HTTP, prompts or budgets.

Text is tokenised with special parsing off. That is not enough: engines still parse "user-defined" tokens, and
a SentencePiece merge may arrive at a control token's text. So the name of a control token that occurs in a
text is cut in two, and its parts are tokenised apart.
"""

from __future__ import annotations

import asyncio
import re
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import chain, pairwise
from typing import Final

from model.fim import CONTROL_TOKENS, FILE_DECIDES, Family, family
from model.protocol import HostUnavailable, ModelInfo, ModelRefused

N_CACHED_LINES: Final = 2048  # at least; some 0.4 kB each, mostly states of the line that is being typed
N_CACHED_PROMPTS: Final = 4  # as large as the largest yet, where that is more
N_KNOWN_TEXTS: Final = 256
MAX_LINE_CHARS: Final = 512  # a longer line is cut, so that one line of a minified file is not all or nothing
MAX_REQUEST_CHARS: Final = 32_000  # about 10 ms of the host's time
MAX_REQUESTS: Final = 4  # at once, where each text needs a request of its own

AFTER_NEWLINE: Final = re.compile(r"(?<=\n)(?=[^\S\n]*\S)")
BEFORE_NEWLINE: Final = re.compile(r"(?<=\S)(?=[^\S\n]*\n)")

SAMPLE: Final = "if (x) {\n    y = f(x)\n    return y;\n}"
USUAL: Final = """\
class Reader(Base):
    def read_rows(self, path: str, limit: int = 100) -> list[Row]:
        if not path:
            raise ValueError(f"no file of the name {path!r}")
        with open(path, encoding="utf-8") as file:
            return [self._parse(line) for line in file][:limit]
"""
PLAIN_SPECIAL: Final = re.compile(r"[\s▁]+|</?[a-z]{1,10}[1-6]?>")

Content = str | Sequence[str | int]
Ids = tuple[int, ...]


Send = Callable[[Mapping[str, object]], Awaitable[list[int]]]


class Post:
    """One `/tokenize` request. `special` parses control tokens, `add` adds what the file asks for (BOS)."""

    def __init__(self, send: Send) -> None:
        self._send = send

    async def __call__(self, content: Content, *, special: bool = False, add: bool = False) -> list[int]:
        return await self._send({"content": content, "parse_special": special, "add_special": add})


class Tokenizer:
    """The vocabulary of one running model as the session sees it. Made by `open_tokenizer`."""

    def __init__(self, post: Post, row: Family, control_ids: Mapping[str, int]) -> None:
        self.family = row
        self.control_ids = dict(control_ids)
        self.stop_ids = frozenset(control_ids[name] for name in row.stop if name in control_ids)
        self._post = post
        self._cuts = AFTER_NEWLINE
        self._guard: Ids = ()
        self._cache: OrderedDict[str, Ids] = OrderedDict()
        self._n_cached = N_CACHED_LINES
        self._known: dict[str, tuple[str, ...]] = {}
        self._numbers: dict[int, int] = {}  # one object for each id that occurs, not one for each occurrence
        self._requests = asyncio.Semaphore(MAX_REQUESTS)
        self._names = _match_names(control_ids)
        marks = (
            *sorted(row.required),
            *sorted(CONTROL_TOKENS - {"<unk>"}),
        )  # a text may give the unknown token
        self._mark = next((control_ids[name] for name in marks if name in control_ids), None)

    @property
    def n_cached_lines(self) -> int:
        return len(self._cache)

    def lines(self, text: str) -> list[str]:
        """Cut where the tokens of the parts are those of the whole: see `probe`."""
        found = self._cuts.split(text)
        return [
            line[at : at + MAX_LINE_CHARS] for line in found for at in range(0, len(line), MAX_LINE_CHARS)
        ]

    def known_lines(self, text: str) -> Sequence[str]:
        """The same of a text that is asked for at each key, as a snippet is."""
        if (found := self._known.get(text)) is None:
            if len(self._known) >= N_KNOWN_TEXTS:
                self._known.clear()
            found = self._known[text] = tuple(self.lines(text))
        return found

    async def chars_per_token(self) -> float:
        """Of a few usual lines of code: always the same for a vocabulary."""
        lines = self.lines(USUAL)
        ids = await self.encode(lines)
        return len(USUAL) / sum(len(ids[line]) for line in lines)

    async def encode(self, lines: Iterable[str]) -> dict[str, Ids]:
        """The ids of each line. At most one request when what is new is small; none when nothing is."""
        wanted = dict.fromkeys(lines)
        new = [line for line in wanted if line not in self._cache]
        fresh = dict(zip(new, await self._fetch(new) if new else (), strict=True))
        ids = {line: fresh[line] if line in fresh else self._cache[line] for line in wanted}
        self._keep(ids)
        return ids

    def _keep(self, ids: Mapping[str, Ids]) -> None:
        """Those that were asked for last stay."""
        cache, make_last = self._cache, self._cache.move_to_end
        for line, found in ids.items():
            cache[line] = found
            make_last(line)
        self._n_cached = max(self._n_cached, N_CACHED_PROMPTS * len(ids))
        while len(cache) > self._n_cached:
            cache.popitem(last=False)

    async def _fetch(self, lines: Sequence[str]) -> list[Ids]:
        parts = [self._harmless(line) for line in lines]
        guard = "\n" if self._guard else ""
        found = iter(await self._ask([guard + part for line in parts for part in line]))
        one = self._numbers.setdefault
        return [
            tuple(one(token, token) for _ in line for token in next(found)[len(self._guard) :])
            for line in parts
        ]

    def _harmless(self, line: str) -> list[str]:
        """The line in parts of which none holds a control token's name; a lone surrogate becomes "?"."""
        text = line.encode("utf-8", "replace").decode("utf-8")
        cuts = [0, *(match.start() + 1 for match in self._names.finditer(text)), len(text)]
        return [text[start:end] for start, end in pairwise(cuts) if start < end]

    async def _ask(self, texts: Sequence[str]) -> list[list[int]]:
        """The ids of each text on its own."""
        if self._mark is None or len(texts) == 1:
            return list(await asyncio.gather(*map(self._ask_one, texts)))
        batches = await asyncio.gather(*(self._ask_marked(batch, self._mark) for batch in _batches(texts)))
        groups = list(chain.from_iterable(batches))
        if len(groups) != len(texts):
            raise HostUnavailable("The engine host tokenised a text wrongly: restart it.")
        return groups

    async def _ask_one(self, text: str) -> list[int]:
        async with self._requests:
            return await self._post(text)

    async def _ask_marked(self, texts: Sequence[str], mark: int) -> list[list[int]]:
        """Many texts in one request: between them stands the id of a control token, which no text gives."""
        groups: list[list[int]] = [[]]
        async with self._requests:
            tokens = await self._post([part for text in texts for part in (text, mark)])
        for token in tokens:
            if token == mark:
                groups.append([])
            else:
                groups[-1].append(token)
        return groups[:-1]

    async def probe(self) -> None:
        """Learns from a few texts how this host and this tokenizer treat texts.

        SentencePiece may add a space before a text: then every text is tokenised after a newline, which never
        merges there, and the newline's tokens are taken off. Byte-level BPE merges a newline either with what
        precedes it (Qwen, Llama 3) or with the indentation that follows (GPT-2, StarCoder).
        """
        if not await self._takes_marks():
            self._mark = None
        newline, guarded, plain = await self._ask(["\n", "\nx", "x"])
        is_guarded = guarded[: len(newline)] == newline and guarded[len(newline) :] != plain
        self._guard = tuple(newline) if is_guarded else ()
        if await self._merges_at(AFTER_NEWLINE) and not await self._merges_at(BEFORE_NEWLINE):
            self._cuts = BEFORE_NEWLINE
        self._known.clear()

    async def _takes_marks(self) -> bool:
        """llama-server takes texts and ids in one list; other servers of its API may not."""
        try:
            return self._mark is not None and len(await self._ask_marked(["a", "b"], self._mark)) == 2
        except ModelRefused:
            return False

    async def _merges_at(self, cuts: re.Pattern[str]) -> bool:
        whole, *parts = await self._fetch([SAMPLE, *cuts.split(SAMPLE)])
        return whole != tuple(token for part in parts for token in part)


def _match_names(names: Iterable[str]) -> re.Pattern[str]:
    """Finds where a control token's name begins. Listed spaces and HTML tags are just text."""
    by_first: dict[str, list[str]] = {}
    for name in names:
        if len(name) > 1 and (name in CONTROL_TOKENS or not PLAIN_SPECIAL.fullmatch(name)):
            by_first.setdefault(_escape(name[0]), []).append(_escape(name[1:]))
    starts = (f"{first}(?:{'|'.join(rest)})" for first, rest in by_first.items())
    return re.compile(f"(?={'|'.join(starts)})" if by_first else r"(?!)")


def _escape(text: str) -> str:
    return re.escape(text).replace("▁", "[▁ ]")  # SentencePiece writes a space so


def _batches(texts: Sequence[str]) -> Iterable[list[str]]:
    batch: list[str] = []
    n_chars = 0
    for text in texts:
        if batch and n_chars + len(text) > MAX_REQUEST_CHARS:
            yield batch
            batch, n_chars = [], 0
        batch.append(text)
        n_chars += len(text)
    if batch:
        yield batch


async def open_tokenizer(
    info: ModelInfo, send: Callable[[Mapping[str, object]], Awaitable[list[int]]]
) -> Tokenizer:
    """Resolves the control tokens of the model's family and learns how it tokenises."""
    post = Post(send)
    row = family(info.family)
    ids = dict(info.control_ids)
    if not row.required <= ids.keys():
        ids |= await _resolve(post)
    if missing := sorted(row.required - ids.keys()):
        what = f'{info.name} has no token {" ".join(missing)}, which the FIM family "{row.name}" needs'
        raise ModelRefused(f"{what}: set another family, or none.")
    if row.bos == FILE_DECIDES:
        row, ids = await _ask_file_for_bos(post, row, ids)
    elif row.bos not in ids:
        row = replace(row, bos="")
    tokenizer = Tokenizer(post, row.for_vocabulary(ids), ids)
    await tokenizer.probe()
    return tokenizer


async def _resolve(post: Post) -> dict[str, int]:
    """Asks for the id of every known control token; one that the vocabulary lacks falls into several."""
    found = {name: await post(name, special=True) for name in sorted(CONTROL_TOKENS)}
    return {name: ids[0] for name, ids in found.items() if len(ids) == 1}


async def _ask_file_for_bos(post: Post, row: Family, ids: dict[str, int]) -> tuple[Family, dict[str, int]]:
    added = await post("", add=True)
    if not added:
        return replace(row, bos=""), ids
    name = next((name for name, token in ids.items() if token == added[0]), "<s>")
    return replace(row, bos=name), ids | {name: added[0]}
