"""The header reader: what it tells of good files, and that a bad one can only be refused."""

from __future__ import annotations

import struct
import time
from collections.abc import Callable
from pathlib import Path

import gguf
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.ggml import TENSOR_TYPES
from model.gguf import GgufHeader, TokenKind, read_header
from model.protocol import ModelRefused
from tests.model.factory import write_gguf
from tests.model.hosting import BUILTIN

CONTROL = ("<|fim_prefix|>", "<|fim_middle|>")


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_gguf(tmp_path_factory.mktemp("gguf") / "good.gguf", control_tokens=CONTROL)


@pytest.fixture(scope="module")
def work_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("gguf") / "changed.gguf"


def test_a_good_file_tells_what_it_is(good: Path) -> None:
    header = read_header(good)
    assert (header.version, header.architecture, header.vocabulary, header.name) == (
        3,
        "llama",
        "llama",
        "good",
    )
    assert header.size_bytes == good.stat().st_size
    assert header.special_tokens() == {"<s>": 1, "</s>": 2, "<|fim_prefix|>": 3, "<|fim_middle|>": 4}
    assert header.token_kinds[header.token_ids["<0x0A>"]] == TokenKind.BYTE
    assert header.number("{arch}.block_count") == 2
    assert header.number("no.such.key", 7) == 7
    assert header.tensors["output.weight"].type_name == "Q8_0"
    assert header.tensors["output.weight"].shape == (64, len(header.tokens))
    assert header.arrays["tokenizer.ggml.scores"].count == len(header.tokens)


def test_it_agrees_with_the_gguf_library_about_the_built_in_model() -> None:
    header, reader = read_header(BUILTIN), gguf.GGUFReader(BUILTIN)
    theirs = {
        tensor.name: (tensor.tensor_type.name, tuple(tensor.shape), tensor.n_bytes)
        for tensor in reader.tensors
    }
    assert {
        name: (info.type_name, info.shape, info.size_bytes) for name, info in header.tensors.items()
    } == theirs
    tokens = reader.fields["tokenizer.ggml.tokens"]
    assert list(header.tokens) == tokens.contents()


def test_the_table_of_tensor_types_is_the_librarys() -> None:
    sizes = {int(kind): (kind.name, *size) for kind, size in gguf.GGML_QUANT_SIZES.items()}
    assert {code: row for code, row in sizes.items() if code in TENSOR_TYPES} == TENSOR_TYPES
    assert set(sizes) <= set(TENSOR_TYPES)


def test_a_large_vocabulary_is_read_in_one_pass(tmp_path: Path) -> None:
    n_tokens = 150_000
    metadata = {
        "tokenizer.ggml.tokens": [f"token{i}" for i in range(n_tokens)],
        "tokenizer.ggml.token_type": [1] * n_tokens,
        "tokenizer.ggml.merges": [f"to {i}" for i in range(n_tokens)],
    }
    path = write_gguf(tmp_path / "large.gguf", vocabulary="gpt2", metadata=metadata)
    started = time.process_time()
    header = read_header(path)
    assert time.process_time() - started < 2.0  # about 0.15 s when nothing disturbs
    assert header.tokens[-1] == f"token{n_tokens - 1}"
    assert header.metadata["tokenizer.ggml.merges"] == ()


def test_bytes_that_are_not_utf8_survive_in_a_token(tmp_path: Path) -> None:
    path = write_gguf(tmp_path / "m.gguf")
    data = path.read_bytes()
    path.write_bytes(data.replace("▁return".encode(), b"\xff\xfe\xfdreturn"))
    assert any(
        token.encode("utf-8", "surrogateescape") == b"\xff\xfe\xfdreturn"
        for token in read_header(path).tokens
    )


def _string(text: bytes) -> bytes:
    return struct.pack("<Q", len(text)) + text


def _header(*, version: int = 3, n_tensors: int = 0, n_keys: int = 0, rest: bytes = b"") -> bytes:
    return b"GGUF" + struct.pack("<IQQ", version, n_tensors, n_keys) + rest


ARCHITECTURE = _string(b"general.architecture") + struct.pack("<I", 8) + _string(b"llama")


def _tensor(name: bytes, shape: tuple[int, ...], kind: int = 0, offset: int = 0) -> bytes:
    return _string(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, kind, offset)


def _with_tensors(*tensors: bytes) -> bytes:
    return _header(n_tensors=len(tensors), n_keys=1, rest=ARCHITECTURE + b"".join(tensors)) + bytes(4096)


DAMAGED: dict[str, tuple[bytes, str]] = {
    "no bytes": (b"", "is not a GGUF file"),
    "magic": (b"PK\x03\x04" + bytes(60), "is not a GGUF file"),
    "old": (b"lmgg" + bytes(60), "in the format GGML"),
    "old, big-endian": (b"ggjt" + bytes(60), "in the format GGJT"),
    "version 1": (_header(version=1), "is GGUF of version 1"),
    "version 9": (_header(version=9), "is GGUF of version 9"),
    "big-endian": (b"GGUF" + struct.pack(">IQQ", 3, 0, 0), "is a big-endian GGUF file"),
    "counts": (_header(n_keys=2**60), "metadata keys"),
    "end": (_header(n_keys=1), "runs past the end"),
    "no architecture": (_header(), "does not say of which architecture"),
    "long string": (_header(n_keys=1, rest=struct.pack("<Q", 2**63)), "runs past the end"),
    "long name": (
        _header(n_keys=1, rest=struct.pack("<Q", 5000) + bytes(6000)),
        "a name in it has 5000 bytes",
    ),
    "name not UTF-8": (_header(n_keys=1, rest=_string(b"\xff") + bytes(99)), "not UTF-8"),
    "value type": (_header(n_keys=1, rest=_string(b"k") + struct.pack("<I", 77)), "unknown type 77"),
    "array length": (
        _header(n_keys=1, rest=_string(b"k") + struct.pack("<IIQ", 9, 4, 2**61)),
        "runs past the end",
    ),
    "strings": (
        _header(n_keys=1, rest=_string(b"k") + struct.pack("<IIQ", 9, 8, 2**61)),
        "runs past the end",
    ),
    "nesting": (_header(n_keys=1, rest=_string(b"k") + struct.pack("<IIQ", 9, 9, 1)), "an array of arrays"),
    "two keys": (_header(n_keys=2, rest=ARCHITECTURE * 2), "'general.architecture' stands in it twice"),
    "alignment": (
        _header(n_keys=2, rest=ARCHITECTURE + _string(b"general.alignment") + struct.pack("<II", 4, 3)),
        "an alignment of 3",
    ),
    "dimensions": (_with_tensors(_tensor(b"t", (1,) * 5)), "has 5 dimensions"),
    "zero": (_with_tensors(_tensor(b"t", (0,))), "impossible shape"),
    "huge": (_with_tensors(_tensor(b"t", (2**40, 2**40))), "impossible shape"),
    "half a block": (_with_tensors(_tensor(b"t", (33,), kind=8)), "impossible shape"),
    "tensor type": (_with_tensors(_tensor(b"t", (1,), kind=99)), "of the type 99"),
    "misaligned": (_with_tensors(_tensor(b"t", (1,), offset=3)), "off its alignment"),
    "beyond": (_with_tensors(_tensor(b"t", (1,), offset=2**62)), "is cut short or damaged"),
    "two tensors": (
        _with_tensors(_tensor(b"t", (1,)), _tensor(b"t", (1,), offset=32)),
        "'t' stands in it twice",
    ),
    "overlap": (
        _with_tensors(_tensor(b"a", (64,)), _tensor(b"b", (64,), offset=32)),
        "lies over the next one",
    ),
    "vocabulary": (
        _header(
            n_keys=2, rest=ARCHITECTURE + _string(b"tokenizer.ggml.tokens") + struct.pack("<IIQI", 9, 4, 1, 1)
        ),
        "is not a list of texts",
    ),
    "kinds": (
        _header(
            n_keys=2,
            rest=ARCHITECTURE + _string(b"tokenizer.ggml.token_type") + struct.pack("<IIQI", 9, 5, 1, 1),
        ),
        "has 0 tokens and 1 token types",
    ),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_a_damaged_file_is_refused(work_file: Path, name: str) -> None:
    data, words = DAMAGED[name]
    work_file.write_bytes(data)
    with pytest.raises(ModelRefused) as caught:
        read_header(work_file)
    assert words in str(caught.value)
    assert str(work_file) in str(caught.value)


def _read(path: Path, data: bytes) -> GgufHeader | None:
    path.write_bytes(data)
    try:
        return read_header(path)
    except ModelRefused as error:
        assert str(error).count("\n") == 0
        return None


@settings(max_examples=300, deadline=2000)
@given(st.data())
def test_whatever_is_changed_it_is_read_or_refused(good: Path, work_file: Path, data: st.DataObject) -> None:
    content = bytearray(good.read_bytes())
    n_header = 40_000  # the header's part of the file; further on there are only weights
    edits = st.tuples(
        st.integers(0, n_header), st.sampled_from([b"\xff", b"\0", b"\xff" * 8, b"\x7f" * 4, b"\x01"])
    )
    for at, patch in data.draw(
        st.lists(edits | st.tuples(st.integers(0, n_header), st.binary(max_size=12)), max_size=5)
    ):
        content[at : at + len(patch)] = patch
    end = data.draw(st.one_of(st.just(len(content)), st.integers(0, len(content))))
    header = _read(work_file, bytes(content[:end]))
    if end < len(good.read_bytes()) - 1:
        assert header is None or all(info.size_bytes <= end for info in header.tensors.values())


@settings(max_examples=100, deadline=2000)
@given(st.binary(max_size=400))
def test_random_bytes_are_refused(work_file: Path, data: bytes) -> None:
    assert _read(work_file, data) is None
    _read(work_file, _header(n_keys=1, rest=data))


def _point_at_itself(path: Path) -> None:
    path.symlink_to(path)


UNREADABLE: dict[str, tuple[Callable[[Path], object], str]] = {
    "missing": (lambda path: None, "does not exist"),
    "folder": (lambda path: path.mkdir(), "is a folder or a device"),
    "link to itself": (_point_at_itself, "cannot be read"),
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_a_file_that_cannot_be_opened_is_refused(tmp_path: Path, name: str) -> None:
    make, words = UNREADABLE[name]
    make(tmp_path / "m.gguf")
    with pytest.raises(ModelRefused, match=words):
        read_header(tmp_path / "m.gguf")
