"""One parsing process of the index worker's pool: reads files, parses them and packs what it found.

Started by `pool.py`, many at a time. A grammar may crash it or keep it for ever: then it goes, by itself, and
the worker learns which files it had in hand. Must not know SQL, nor import anything of the session.
"""

from __future__ import annotations

import faulthandler
import gc
import hashlib
import marshal
import time
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NamedTuple, TypeAlias

from lsp_server.index.crawl import Skipped, SkipReason, read_source
from lsp_server.index.grammars import load_query
from lsp_server.index.languages import language_by_id
from lsp_server.index.pack import Details, Packed, pack, pack_details
from lsp_server.index.parse import ParsedFile, parse
from lsp_server.index.reader import Reader
from lsp_server.index.source import read_source_text

READY = b"ready"
_COLLECT_AFTER_BATCHES = 8


class Wanted(NamedTuple):
    """A file to read. `known_hash` is that of its content as it is stored; b"" when it is parsed anyway."""

    path: str
    known_hash: bytes


class Task(NamedTuple):
    """What a parsing process is sent. It ends when this takes longer than `limit_s`.

    `store`: the folder of the index, whose files' details are wanted; "" when the files are to be read.
    `languages`: nothing is to be read, but grammars loaded; there is no answer.
    """

    root: str
    max_file_bytes: int
    limit_s: float
    files: tuple[Wanted, ...] = ()
    store: str = ""
    languages: tuple[str, ...] = ()


class Extracted(NamedTuple):
    """What became of one file. Exactly one of `packed`, `details`, `skipped`, `is_same`, `is_gone` holds."""

    path: str
    checked_ns: int
    hash: bytes = b""
    language: str = ""
    packed: Packed | None = None
    details: Details | None = None
    skipped: Skipped | None = None
    is_same: bool = False
    is_gone: bool = False


# (path, content) -> (language id, what is in it), or why it is skipped. Must not raise.
ParseSource: TypeAlias = Callable[[str, bytes], tuple[str, Packed] | Skipped]


def parse_source(path: str, content: bytes) -> tuple[str, Packed] | Skipped:
    """Whatever a file does to the parser: it is listed, and the others go on."""
    source = read_source_text(path, content)
    if isinstance(source, SkipReason):
        return Skipped(path, source)
    text, language = source.text, source.language
    if language is None:
        return "", pack(ParsedFile(), text)
    try:
        parsed = parse(text, language, path)
    except Exception as error:  # noqa: BLE001
        return Skipped(path, SkipReason.FAILED, type(error).__name__)
    return Skipped(path, SkipReason.TOO_COSTLY) if parsed.is_too_costly else (language.id, pack(parsed, text))


def extract(task: Task, parse_source: ParseSource = parse_source) -> list[Extracted]:
    if task.store:
        return list(_details(Path(task.store), [wanted.path for wanted in task.files]))
    return [_extract_file(task, wanted, parse_source) for wanted in task.files]


def _details(folder: Path, paths: Sequence[str]) -> Iterator[Extracted]:
    """From what is stored: the files are neither read nor parsed again."""
    reader = Reader(folder)
    reader.refresh()
    for path in paths:
        language, text, symbols = reader.source(path)
        yield Extracted(path, 0, details=pack_details(language, text, symbols))
    reader.close()


def _extract_file(task: Task, wanted: Wanted, parse_source: ParseSource) -> Extracted:
    path = wanted.path
    checked_ns = time.time_ns()
    content = read_source(Path(task.root, path), task.max_file_bytes)
    if content is None:
        return Extracted(path, checked_ns, is_gone=True)
    if isinstance(content, Skipped):
        return Extracted(path, checked_ns, skipped=Skipped(path, content.reason, content.detail))
    content_hash = hashlib.blake2b(content, digest_size=16).digest()
    if content_hash == wanted.known_hash:
        return Extracted(path, checked_ns, is_same=True)
    result = parse_source(path, content)
    if isinstance(result, Skipped):
        return Extracted(path, checked_ns, content_hash, skipped=result)
    language, packed = result
    return Extracted(path, checked_ns, content_hash, language, packed)


def prepare(languages: Sequence[str]) -> None:
    """Loading a grammar and its query takes up to half a second: no save is to wait for that."""
    for language in filter(None, map(language_by_id, languages)):
        load_query(language.grammar_module, language.grammar_function, language.query)


def serve(connection: Connection, parse_source: ParseSource = parse_source) -> None:
    """Until the worker is gone. What is made here does not point in circles: garbage is seldom looked for."""
    gc.disable()
    gc.freeze()
    connection.send_bytes(READY)
    n_batches = 0
    while (task := _receive(connection)) is not None:
        faulthandler.dump_traceback_later(task.limit_s, exit=True)
        prepare(task.languages)
        answer = write_answer(extract(task, parse_source))
        faulthandler.cancel_dump_traceback_later()
        if task.languages:
            continue
        try:
            connection.send_bytes(answer)
        except OSError:
            return
        n_batches += 1
        if n_batches % _COLLECT_AFTER_BATCHES == 0:
            gc.collect()


def _receive(connection: Connection) -> Task | None:
    try:
        return read_task(connection.recv_bytes())
    except (EOFError, OSError):
        return None


def write_task(task: Task) -> bytes:
    """`marshal` is much quicker than `pickle`; it knows plain values only. Both ends are the same Python."""
    return marshal.dumps(tuple(task._replace(files=tuple(map(tuple, task.files)))))  # type: ignore[arg-type]


def read_task(data: bytes) -> Task:
    task = Task(*marshal.loads(data))
    return task._replace(files=tuple(Wanted(*item) for item in task.files))


def write_answer(found: Sequence[Extracted]) -> bytes:
    return marshal.dumps([_plain(item) for item in found])


def read_answer(data: bytes) -> list[Extracted]:
    return [_restored(*item) for item in marshal.loads(data)]


def _plain(item: Extracted) -> tuple[object, ...]:
    packed, details, skipped = item.packed, item.details, item.skipped
    return tuple(
        item._replace(
            packed=packed and tuple(packed),  # type: ignore[arg-type]
            details=details and tuple(details),  # type: ignore[arg-type]
            skipped=skipped and (skipped.reason.value, skipped.detail),  # type: ignore[arg-type]
        )
    )


def _restored(*plain: object) -> Extracted:
    item = Extracted(*plain)  # type: ignore[arg-type]
    return item._replace(
        packed=item.packed and Packed(*item.packed),
        details=item.details and Details(*item.details),
        skipped=item.skipped and _skipped(item.path, *item.skipped),  # type: ignore[misc]
    )


def _skipped(path: str, reason: str, detail: str) -> Skipped:
    return Skipped(path, SkipReason(reason), detail)
