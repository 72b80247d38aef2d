"""Text to token ids and back as llama.cpp of today does it, over the tokenizer of 2023.

Runs in the engine host. The old tokenizer puts a space before every text, stops at a NUL, aborts on bad
UTF-8, knows no user-defined tokens and turns control tokens into their names' pieces; all that is mended
here. Must not know HTTP or decoding.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from model.gguf import GgufHeader, TokenKind

SPACE: Final = "▁"
ENDS: Final = frozenset((
    "</s>", "<|endoftext|>", "<|im_end|>", "<|end|>", "<|eot_id|>", "<|eom_id|>", "<|end_of_text|>",
    "<EOT>", "_<EOT>", "▁<EOT>", "<end_of_turn>", "<eos>", "<|fim_pad|>", "<fim-pad>", "<fim_pad>",
    "<PAD>", "<|fim_repo|>", "<|repo_name|>", "<fim-repo>", "<REPO>", "<reponame>", "<|file_sep|>",
))  # fmt: skip
END_KEYS: Final = ("eos", "eot", "eom", "fim_pad", "fim_rep", "fim_sep")


class Vocabulary:
    """The vocabulary of one file. `encode_raw` is the library's own tokenizer: UTF-8 bytes without NUL to
    ids, no BOS.
    """

    def __init__(self, header: GgufHeader, encode_raw: Callable[[bytes], list[int]]) -> None:
        self._encode_raw = encode_raw
        self.n_tokens = len(header.tokens)
        self.pieces = tuple(
            _piece(token, kind) for token, kind in zip(header.tokens, header.token_kinds, strict=True)
        )
        self.end_ids = _find_end_ids(header)
        self.bos = header.number("tokenizer.ggml.bos_token_id", 1)
        self.has_bos = header.metadata.get("tokenizer.ggml.add_bos_token", True) is True
        self._names = tuple(token.encode("utf-8", "surrogateescape") for token in header.tokens)
        self._hidden = frozenset(
            i for i, kind in enumerate(header.token_kinds) if kind in (TokenKind.CONTROL, TokenKind.UNKNOWN)
        )
        self._has_space = header.metadata.get("tokenizer.ggml.add_space_prefix", True) is True
        self._nul = header.token_ids["<0x00>"]
        self._lead, self._lead_ids = _find_lead(header, encode_raw)
        self._always = _match_tokens(header, (TokenKind.USER_DEFINED,))
        self._special = _match_tokens(header, (TokenKind.USER_DEFINED, TokenKind.CONTROL, TokenKind.UNKNOWN))
        self._ids = header.token_ids

    def encode(self, parts: Sequence[str | int], *, add_special: bool, parse_special: bool) -> list[int]:
        """Ids in `parts` stand for themselves. Raises ValueError for an id that is none."""
        ids = [self.bos] if add_special and self.has_bos and not (parts and isinstance(parts[0], int)) else []
        for part in parts:
            ids += [self._check(part)] if isinstance(part, int) else self._encode_text(part, parse_special)
        return ids

    def piece(self, token: int) -> bytes:
        """What a generated token adds to the text: nothing if it is a control token."""
        return b"" if token in self._hidden else self.pieces[token]

    def decode(self, ids: Sequence[int]) -> str:
        """Control tokens by their names."""
        raw = b"".join(
            self._names[self._check(i)] if i in self._hidden else self.pieces[self._check(i)] for i in ids
        )
        return raw.decode("utf-8", "replace")

    def _check(self, token: int) -> int:
        if not 0 <= token < self.n_tokens:
            raise ValueError(f"{token} is no token of this vocabulary")
        return token

    def _encode_text(self, text: str, parse_special: bool) -> list[int]:
        ids: list[int] = []
        is_first = True  # or just after a special token: there the file may want a space
        for part, is_token in _split(self._special if parse_special else self._always, text):
            ids += [self._ids[part]] if is_token else self._encode_plain(part, is_first)
            is_first = is_token
        return ids

    def _encode_plain(self, text: str, is_first: bool) -> list[int]:
        if is_first and self._has_space:
            text = " " + text
        ids: list[int] = []
        for i, part in enumerate(text.encode("utf-8", "replace").split(b"\0")):
            ids += [self._nul] if i else []
            ids += self._encode_raw(self._lead + part)[len(self._lead_ids) :] if part else []
        return ids


def _piece(token: str, kind: int) -> bytes:
    raw = token.encode("utf-8", "surrogateescape")
    if kind == TokenKind.BYTE and re.fullmatch(r"<0x[0-9A-Fa-f]{2}>", token):
        return bytes([int(token[3:5], 16)])
    return raw.replace(SPACE.encode(), b" ") if kind == TokenKind.NORMAL else raw


def _find_end_ids(header: GgufHeader) -> frozenset[int]:
    """Tokens that end a generation, as llama.cpp collects them: named by the metadata, or known by their
    text.
    """
    named = {header.number(f"tokenizer.ggml.{key}_token_id", -1) for key in END_KEYS}
    known = {header.token_ids[text] for text in ENDS if text in header.token_ids}
    return frozenset(token for token in named | known if 0 <= token < len(header.tokens))


def _find_lead(header: GgufHeader, encode_raw: Callable[[bytes], list[int]]) -> tuple[bytes, list[int]]:
    """A byte that no token's text holds never merges, so the space that comes before it can be cut off with
    it.
    """
    text = "".join(
        token
        for token, kind in zip(header.tokens, header.token_kinds, strict=True)
        if kind == TokenKind.NORMAL
    )
    lead = next(chr(code) for code in range(1, 32) if chr(code) not in text).encode()
    return lead, encode_raw(lead)


def _match_tokens(header: GgufHeader, kinds: Sequence[TokenKind]) -> re.Pattern[str] | None:
    texts = [
        token
        for token, kind in zip(header.tokens, header.token_kinds, strict=True)
        if kind in kinds and token
    ]
    ordered = sorted(texts, key=len, reverse=True)
    return re.compile("|".join(map(re.escape, ordered))) if ordered else None


def _split(pattern: re.Pattern[str] | None, text: str) -> Iterator[tuple[str, bool]]:
    """Parts of the text, and whether each is a token's name."""
    end = 0
    for match in pattern.finditer(text) if pattern else ():
        if match.start() > end:
            yield text[end : match.start()], False
        yield match.group(), True
        end = match.end()
    if end < len(text):
        yield text[end:], False
