"""The values that cross between the editor session and the engine host.

Runs in both processes; holds plain frozen values and errors only. Must not know LSP, sockets, files or any
engine.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Protocol

PREFIX_ONLY = frozenset({"none", "edgewise-prefix"})  # families that are asked without a suffix


class Purpose(StrEnum):
    """What a request is for: completions go first, explanations give way."""

    COMPLETION = "completion"
    EXPLAIN = "explain"


class SegmentKind(StrEnum):
    """What a piece of a prompt is there for."""

    HEADER = "header"
    SNIPPET = "snippet"
    PATH = "path"
    PREFIX = "prefix"
    SUFFIX = "suffix"
    MIDDLE = "middle"


@dataclass(frozen=True, slots=True)
class PromptSnippet:
    """Text from another file, or from far off in the same, chosen for one prompt. Where not all of them fit,
    those of the smallest `rank` are shown; the order stays."""

    path: str
    text: str
    rank: int = 0


@dataclass(frozen=True, slots=True)
class FimPrompt:
    """What the model is to see, before any model family's layout. All text has LF line ends.

    `prefix` ends at the anchor, `middle` is what was typed since; `prefix + middle` ends at the cursor.
    `begun` is the end of that text which the model may write once more, because a tokenizer cuts a half-typed
    word otherwise than a whole one. `context_tokens` at most are snippets; 0: their usual share.
    """

    prefix: str
    suffix: str
    middle: str = ""
    path: str = ""
    repository: str = ""
    snippets: tuple[PromptSnippet, ...] = ()
    begun: str = ""
    context_tokens: int = 0

    def healed(self) -> FimPrompt:
        """Without the text that the model writes once more."""
        n_begun = len(self.begun)
        if not n_begun or not (self.prefix + self.middle).endswith(self.begun):
            return replace(self, begun="")
        prefix = self.prefix[: len(self.prefix) - max(0, n_begun - len(self.middle))]
        return replace(self, prefix=prefix, middle=self.middle[: max(0, len(self.middle) - n_begun)])


@dataclass(frozen=True, slots=True)
class TokenSegment:
    """One piece of a finished prompt. `text` of a control token is its name in the vocabulary."""

    kind: SegmentKind
    path: str
    text: str
    ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Shown:
    """How much of a FimPrompt a finished prompt has: so many characters at the end of what stands before the
    cursor and at the beginning of what follows it, and these of its snippets."""

    n_prefix: int = 0
    n_suffix: int = 0
    snippets: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class TokenPrompt:
    """A finished prompt: what is posted to the engine is `ids`; the answer begins with `begun`."""

    segments: tuple[TokenSegment, ...]
    begun: str = ""
    shown: Shown = Shown()

    @property
    def ids(self) -> list[int]:
        return [token for segment in self.segments for token in segment.ids]


@dataclass(frozen=True, slots=True)
class GenerationOptions:
    """How to decode. Greedy unless a temperature is given. `slot` -1 is the session's own slot; `may_keep`
    says that what the prompt holds may lie on this user's disk (no part of it is of an ignored file);
    `wants_likelihood` that each piece shall say how sure the model is of it, which costs some speed.
    """

    n_predict: int
    t_max_predict_ms: int = 0
    temperature: float = 0.0
    stop: tuple[str, ...] = ()
    slot: int = -1
    may_keep: bool = False
    wants_likelihood: bool = False


@dataclass(frozen=True, slots=True)
class Usage:
    """Token counts and times of one request, as the engine host states them."""

    n_prompt: int = 0
    n_cached: int = 0
    n_evaluated: int = 0
    n_generated: int = 0
    prompt_ms: float = 0.0
    generate_ms: float = 0.0


@dataclass(frozen=True, slots=True)
class Piece:
    """One streamed piece of text, with the usage so far. The last one says why the decode ended.
    `likelihood` is the model's probability of it after all before it; None where the engine does not tell."""

    text: str
    usage: Usage | None = None
    stop_reason: str = ""
    likelihood: float | None = None


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """What a running engine host says of its model. Written by the host, read by every session."""

    name: str
    path: str
    architecture: str
    vocabulary: str
    family: str
    engine: str
    n_ctx: int
    n_slots: int
    control_ids: Mapping[str, int] = field(default_factory=dict)
    has_chat_template: bool = False
    fingerprint: str = ""  # of the weights
    kv_folder: str = ""  # where the engine saves and restores slots; empty: it cannot

    @property
    def has_fim(self) -> bool:
        return self.family not in PREFIX_ONLY


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast a host computes now, as it says itself. 0 is nothing known, or no limit."""

    n_threads: int = 0
    n_batch: int = 0
    prompt_per_s: float = 0.0
    generated_per_s: float = 0.0
    others_cores: float = 0.0  # that other programs use
    is_contended: bool = False
    saves_energy: bool = False
    resident_mb: float = 0.0
    budget_tokens: int = 0  # a longer prompt takes too long without a cache
    max_tokens: int = 0  # of one suggestion


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where an engine host listens: a unix socket, or loopback TCP with a key where sockets do not exist."""

    info: ModelInfo
    socket_path: str = ""
    base_url: str = "http://localhost"
    api_key: str = ""


class HostState(StrEnum):
    """States of the engine host as one session sees it."""

    STOPPED = "stopped"
    STARTING = "starting"
    READY = "ready"
    RESTARTING = "restarting"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class HostStatus:
    """A state and, when it is not the good one, a sentence that a person can act on."""

    state: HostState
    message: str = ""
    info: ModelInfo | None = None


class ModelError(Exception):
    """Anything about a model that a person must be told, as one sentence naming the file and the cure."""


class ModelRefused(ModelError):
    """The file is missing, damaged, or no engine here can run it. Trying again does not help."""


class HostUnavailable(ModelError):
    """The engine host is not there (died, starting, busy). Trying again may help."""


class EndpointSource(Protocol):
    """What the client needs of the supervisor."""

    async def connect(self) -> Endpoint:
        """Waits for a ready host. Raises ModelError with a sentence when there will be none."""
        ...

    def report_failure(self, endpoint: Endpoint) -> None:
        """The client lost this host, or hears nothing from it: find out and respawn."""
        ...

    def find_slots(self, purpose: Purpose) -> Sequence[int]:
        """Where this session's requests of a kind may be computed now, its own slot first; -1 where it does
        not matter."""
        ...
