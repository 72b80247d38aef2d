"""Reads the header of a GGUF file: metadata, vocabulary and tensor table, never the weights.

Runs in the engine host, before any engine sees the file; also in the model commands. The file is hostile
until proven otherwise: every count and length is bounded before memory is taken for it, and whatever is
wrong becomes one `ModelRefused` sentence. Must not know engines, prompts or model families. Layout: GGUF
specification, versions 2 and 3.
"""

from __future__ import annotations

import errno
import os
import stat
import struct
import sys
from array import array
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO, Final, NoReturn

from model.ggml import OLD_MAGICS, TENSOR_TYPES, VALUE_FORMATS, ValueKind
from model.protocol import ModelRefused

Scalar = str | bool | int | float
Value = Scalar | tuple[Scalar, ...]

MAX_HEADER_BYTES: Final = 256 << 20
MAX_METADATA_KEYS: Final = 1 << 14
MAX_TENSORS: Final = 1 << 17
MAX_STRINGS: Final = 1 << 22
MAX_KEY_BYTES: Final = 1 << 12
MAX_KEPT_ARRAY: Final = 1 << 12
DEFAULT_ALIGNMENT: Final = 32
TOKENS_KEY: Final = "tokenizer.ggml.tokens"
TOKEN_KINDS_KEY: Final = "tokenizer.ggml.token_type"


class TokenKind(IntEnum):
    """`tokenizer.ggml.token_type`."""

    NORMAL = 1
    UNKNOWN = 2
    CONTROL = 3
    USER_DEFINED = 4
    UNUSED = 5
    BYTE = 6


@dataclass(frozen=True, slots=True)
class TensorInfo:
    """One entry of the tensor table. `offset` counts from the start of the tensor data."""

    type_name: str
    shape: tuple[int, ...]
    offset: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class ArrayInfo:
    """What stood in an array, also in one whose values are not kept."""

    kind: str
    count: int


@dataclass(frozen=True)
class GgufHeader:
    """What the file says of itself, checked. Bytes of a token that are not UTF-8 are surrogate escapes."""

    path: Path
    version: int
    architecture: str
    name: str
    vocabulary: str
    size_bytes: int
    tokens: tuple[str, ...] = ()
    token_kinds: tuple[int, ...] = ()
    metadata: Mapping[str, Value] = field(default_factory=dict)
    tensors: Mapping[str, TensorInfo] = field(default_factory=dict)
    arrays: Mapping[str, ArrayInfo] = field(default_factory=dict)

    @cached_property
    def token_ids(self) -> Mapping[str, int]:
        """Token text -> id; of tokens with the same text the first."""
        return {token: index for index, token in reversed(list(enumerate(self.tokens)))}

    def special_tokens(self) -> Mapping[str, int]:
        """Tokens that are not text: control and user-defined ones."""
        special = (TokenKind.CONTROL, TokenKind.USER_DEFINED)
        return {self.tokens[i]: i for i, kind in enumerate(self.token_kinds) if kind in special}

    def number(self, key: str, default: int = 0) -> int:
        """A whole number from the metadata; `{arch}` in the key stands for the architecture."""
        value = self.metadata.get(key.format(arch=self.architecture), default)
        return value if isinstance(value, int) else default


class _Damaged(Exception):
    """What is wrong, as the end of the sentence "FILE ...", and what to do."""

    def __init__(self, problem: str, cure: str = "Get the file again.") -> None:
        super().__init__(problem)
        self.cure = cure


class _Cursor:
    """Reads forward through a file whose size is known, with little memory and no trust."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file = file
        self._size = min(size, MAX_HEADER_BYTES)
        self._is_capped = size > MAX_HEADER_BYTES
        self._buffer = b""
        self._base = 0  # file offset of the buffer's first byte
        self.position = 0
        self.arrays: dict[str, ArrayInfo] = {}

    @property
    def n_left(self) -> int:
        return self._size - self.position

    def take(self, n_bytes: int) -> memoryview:
        self.check(n_bytes)
        start = self.position - self._base
        if start + n_bytes > len(self._buffer):
            self._fill(n_bytes)
            start = 0
        self.position += n_bytes
        return memoryview(self._buffer)[start : start + n_bytes]

    def check(self, n_bytes: int) -> None:
        """Bounds a length before anything is read or allocated."""
        if n_bytes > self.n_left:
            too_big = "has a header of more than 256 MB, which no model has"
            raise _Damaged(
                too_big
                if self._is_capped
                else "is cut short or damaged: its header runs past the end of the file"
            )

    def _fill(self, n_bytes: int) -> None:
        self._file.seek(self.position)
        self._buffer = self._file.read(min(max(n_bytes, 1 << 20), self.n_left))
        self._base = self.position
        if len(self._buffer) < n_bytes:
            raise _Damaged("became shorter while it was being read")

    def number(self, kind: str) -> int:
        (value,) = struct.unpack(f"<{kind}", self.take(struct.calcsize(f"<{kind}")))
        return int(value)

    def raw_string(self, limit: int = MAX_HEADER_BYTES) -> bytes:
        length = self.number("Q")
        if length > limit:
            self.check(length)
            raise _Damaged(f"is damaged: a name in it has {length} bytes")
        return bytes(self.take(length))

    def name(self) -> str:
        try:
            return self.raw_string(MAX_KEY_BYTES).decode()
        except UnicodeDecodeError:
            raise _Damaged("is damaged: a name in it is not UTF-8") from None


def _read_strings(cursor: _Cursor, count: int) -> Iterator[bytes]:
    """Runs through 300,000 strings of a large vocabulary in a fraction of a second."""
    if count > MAX_STRINGS:
        raise _Damaged(f"is damaged: it lists {count} strings")
    take, unpack = cursor.take, struct.Struct("<Q").unpack
    for _ in range(count):
        (length,) = unpack(take(8))
        yield bytes(take(length))


def _decode_token(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")


def _kind(code: int) -> ValueKind:
    try:
        return ValueKind(code)
    except ValueError:
        raise _Damaged(
            f"is damaged or from a newer format: it holds a value of the unknown type {code}"
        ) from None


def _read_array(cursor: _Cursor, key: str) -> Value:
    """Long arrays that nobody here asks for (merges, scores) are walked over and come back empty."""
    kind, count = _kind(cursor.number("I")), cursor.number("Q")
    cursor.arrays[key] = ArrayInfo(kind.name, count)
    is_kept = count <= MAX_KEPT_ARRAY or key in (TOKENS_KEY, TOKEN_KINDS_KEY)
    if kind is ValueKind.ARRAY:
        raise _Damaged("holds an array of arrays, which no engine reads")
    if kind is ValueKind.STRING:
        cursor.check(8 * count)
        texts = _read_strings(cursor, count)
        return tuple(map(_decode_token, texts if is_kept else deque(texts, maxlen=0)))
    raw = cursor.take(struct.calcsize(f"<{VALUE_FORMATS[kind]}") * count)
    if not is_kept or (key == TOKEN_KINDS_KEY and count > MAX_STRINGS):
        return ()
    return _numbers(VALUE_FORMATS[kind], raw)


def _numbers(kind: str, raw: memoryview) -> tuple[int | float, ...]:
    values = array(kind, raw.tobytes())
    if sys.byteorder == "big":
        values.byteswap()
    return tuple(values)


def _read_value(cursor: _Cursor, key: str) -> Value:
    kind = _kind(cursor.number("I"))
    if kind is ValueKind.ARRAY:
        return _read_array(cursor, key)
    if kind is ValueKind.STRING:
        return _decode_token(cursor.raw_string())
    (value,) = _numbers(VALUE_FORMATS[kind], cursor.take(struct.calcsize(f"<{VALUE_FORMATS[kind]}")))
    return bool(value) if kind is ValueKind.BOOL else value


def _read_metadata(cursor: _Cursor, count: int) -> dict[str, Value]:
    metadata: dict[str, Value] = {}
    for _ in range(count):
        key = cursor.name()
        if key in metadata:
            raise _Damaged(f"is damaged: the key {key!r} stands in it twice")
        metadata[key] = _read_value(cursor, key)
    return metadata


def _read_tensor(cursor: _Cursor, name: str, alignment: int) -> TensorInfo:
    n_dims = cursor.number("I")
    if not 1 <= n_dims <= 4:
        raise _Damaged(f"is damaged: the tensor {name!r} has {n_dims} dimensions")
    shape = tuple(cursor.number("Q") for _ in range(n_dims))
    code, offset = cursor.number("I"), cursor.number("Q")
    if code not in TENSOR_TYPES:
        raise _Damaged(
            f"holds the tensor {name!r} of the type {code}, which is unknown here: it is damaged or too new"
        )
    type_name, block, block_bytes = TENSOR_TYPES[code]
    n_weights = 1
    for size in shape:
        n_weights *= size
    if not 0 < n_weights < 1 << 62 or shape[0] % block:
        raise _Damaged(f"is damaged: the tensor {name!r} has the impossible shape {shape}")
    if offset % alignment:
        raise _Damaged(
            f"is damaged: the tensor {name!r} starts at {offset}, off its alignment of {alignment}"
        )
    return TensorInfo(type_name, shape, offset, n_weights // block * block_bytes)


def _read_tensors(cursor: _Cursor, count: int, alignment: int) -> dict[str, TensorInfo]:
    tensors: dict[str, TensorInfo] = {}
    for _ in range(count):
        name = cursor.name()
        if name in tensors:
            raise _Damaged(f"is damaged: the tensor {name!r} stands in it twice")
        tensors[name] = _read_tensor(cursor, name, alignment)
    return tensors


def _check_extents(tensors: Mapping[str, TensorInfo], data_start: int, size_bytes: int) -> None:
    """Every tensor lies inside the file and none over another."""
    ordered = sorted(tensors.items(), key=lambda item: item[1].offset)
    if not ordered:
        return
    needed = data_start + max(info.offset + info.size_bytes for _, info in ordered)
    if needed > size_bytes:
        raise _Damaged(
            f"is cut short or damaged: its tensors need {needed} bytes and the file has {size_bytes}"
        )
    for (name, info), (_, following) in pairwise(ordered):
        if info.offset + info.size_bytes > following.offset:
            raise _Damaged(f"is damaged: the tensor {name!r} lies over the next one")


def _read_alignment(metadata: Mapping[str, Value]) -> int:
    alignment = metadata.get("general.alignment", DEFAULT_ALIGNMENT)
    if not isinstance(alignment, int) or not 0 < alignment <= 1 << 16 or alignment & (alignment - 1):
        raise _Damaged(f"is damaged: it states an alignment of {alignment!r}")
    return alignment


def _read_version(cursor: _Cursor) -> int:
    magic = bytes(cursor.take(4)) if cursor.n_left >= 4 else b""
    old = OLD_MAGICS.get(magic) or OLD_MAGICS.get(magic[::-1])
    if old:
        problem = f"is in the format {old}, which GGUF replaced in 2023"
        raise _Damaged(problem, "Get the model as GGUF, or convert it with llama.cpp.")
    if magic != b"GGUF":
        raise _Damaged("is not a GGUF file", "Choose a file that ends in .gguf.")
    version = cursor.number("I")
    if version & 0xFFFF == 0 and version:
        raise _Damaged("is a big-endian GGUF file", "Get the little-endian one.")
    if version not in (2, 3):
        raise _Damaged(
            f"is GGUF of version {version}", "Get the model in version 2 or 3, which are read here."
        )
    return version


def _text(metadata: Mapping[str, Value], key: str) -> str:
    value = metadata.get(key, "")
    return value.encode("utf-8", "replace").decode("utf-8", "replace") if isinstance(value, str) else ""


def _vocabulary(metadata: dict[str, Value]) -> tuple[str, tuple[str, ...], tuple[int, ...]]:
    """Takes the two long arrays out of the metadata."""
    tokens, kinds = metadata.pop(TOKENS_KEY, ()), metadata.pop(TOKEN_KINDS_KEY, ())
    if not isinstance(tokens, tuple) or not all(isinstance(token, str) for token in tokens):
        raise _Damaged("is damaged: its vocabulary is not a list of texts")
    if not isinstance(kinds, tuple) or not all(type(kind) is int for kind in kinds):
        raise _Damaged("is damaged: its token types are not a list of numbers")
    if kinds and len(kinds) != len(tokens):
        raise _Damaged(f"is damaged: it has {len(tokens)} tokens and {len(kinds)} token types")
    return _text(metadata, "tokenizer.ggml.model") or "none", tuple(map(str, tokens)), tuple(map(int, kinds))


def _parse(cursor: _Cursor, path: Path, size_bytes: int) -> GgufHeader:
    version = _read_version(cursor)
    n_tensors, n_keys = cursor.number("Q"), cursor.number("Q")
    if n_tensors > MAX_TENSORS or n_keys > MAX_METADATA_KEYS:
        raise _Damaged(f"is damaged: it claims {n_tensors} tensors and {n_keys} metadata keys")
    metadata = _read_metadata(cursor, n_keys)
    architecture = _text(metadata, "general.architecture")
    if not architecture:
        raise _Damaged("does not say of which architecture it is", "Get the model from another source.")
    alignment = _read_alignment(metadata)
    tensors = _read_tensors(cursor, n_tensors, alignment)
    _check_extents(tensors, -(-cursor.position // alignment) * alignment, size_bytes)
    vocabulary, tokens, kinds = _vocabulary(metadata)
    name = _text(metadata, "general.name") or path.stem
    return GgufHeader(
        path,
        version,
        architecture,
        name,
        vocabulary,
        size_bytes,
        tokens,
        kinds,
        metadata,
        tensors,
        cursor.arrays,
    )


def _refuse_unreadable(path: Path, error: OSError) -> NoReturn:
    reasons = {
        errno.ENOENT: "does not exist: check the setting model.name, or run `edgewise model list`",
        errno.EACCES: "cannot be read: give yourself the permission to read it",
        errno.EISDIR: "is a folder or a device: name the .gguf file",
    }
    reason = reasons.get(
        error.errno or 0, f"cannot be read ({error.strerror or error}): check the disk it is on"
    )
    raise ModelRefused(f"The model file {path} {reason}.") from error


def read_header(path: Path) -> GgufHeader:
    """The checked header. Raises ModelRefused with a sentence; nothing else."""
    try:
        # Opening a pipe would wait for ever: look what it is first.
        if not stat.S_ISREG(path.stat().st_mode):
            raise IsADirectoryError(errno.EISDIR, "not a regular file")
        with path.open("rb") as file:
            size_bytes = os.fstat(file.fileno()).st_size
            return _parse(_Cursor(file, size_bytes), path, size_bytes)
    except OSError as error:
        _refuse_unreadable(path, error)
    except _Damaged as error:
        raise ModelRefused(f"The model file {path} {error}. {error.cure}") from None
