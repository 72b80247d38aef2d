"""Model files of every FIM family, and sources of endpoints, for the tests of the client's side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from model.families import FILE_DECIDES, NONE, Family
from model.protocol import Endpoint, Purpose
from tests.model.factory import USER_DEFINED, build_vocabulary, write_gguf
from tests.model.hosting import Host

SENTENCEPIECE = ("edgewise", "codellama", "codestral", "codegemma", "none")
Body = Mapping[str, object]


def write_family(path: Path, row: Family, *, user_defined: bool = False, **options: Any) -> Path:
    """A tiny llama model that is recognised as this family; its control tokens may be "user-defined"."""
    kind = "llama" if row.name in SENTENCEPIECE else "gpt2"
    tokens = sorted(row.tokens - {"<s>", "</s>"})
    metadata = {"general.name": row.names[0] if row.names else "plain", **options.pop("metadata", {})}
    if user_defined:
        vocabulary = build_vocabulary(kind, tokens)
        kinds = [
            USER_DEFINED if token in tokens else kind
            for token, kind in zip(vocabulary.tokens, vocabulary.kinds, strict=True)
        ]
        metadata["tokenizer.ggml.token_type"] = kinds
    return write_gguf(path, vocabulary=kind, control_tokens=tokens, metadata=metadata, **options)


class FixedSource:
    """The endpoint of a host that is already there; remembers what was reported."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self.failures: list[Endpoint] = []

    async def connect(self) -> Endpoint:
        return self.endpoint

    def report_failure(self, endpoint: Endpoint) -> None:
        self.failures.append(endpoint)

    def find_slots(self, purpose: Purpose) -> Sequence[int]:
        return (-1,)


class Recorder:
    """Sends `/tokenize` requests to a real host, and keeps them."""

    def __init__(self, host: Host) -> None:
        self.host = host
        self.sent: list[Body] = []

    async def __call__(self, body: Body) -> list[int]:
        self.sent.append(body)
        return list(self.host.post("/tokenize", dict(body))["tokens"])


def control_text(rows: tuple[Family, ...]) -> str:
    """A file that holds every family's control tokens as text, in code and glued together."""
    names = sorted({name for row in (*rows, NONE) for name in row.tokens} - {FILE_DECIDES})
    quoted = "".join(f'    "{name}",\n' for name in names)
    spaced = "".join(f"# {name.replace('▁', ' ')} {name}\n" for name in names)
    return f"TOKENS = [\n{quoted}]\n{spaced}{''.join(names)}\n"
