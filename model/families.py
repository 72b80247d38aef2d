"""The FIM families: one frozen row for each, with its control tokens, its layouts and their source.

Data; what reads it is `fim`. Must not know sockets, files, engines or how text becomes tokens.
A new family is one more row here and one more golden file.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cache

FILE_DECIDES = "(what the model file asks for)"


class Order(StrEnum):
    """Prefix-suffix-middle, suffix-prefix-middle, or no suffix at all."""

    PSM = "PSM"
    SPM = "SPM"
    PREFIX_ONLY = "prefix only"


@dataclass(frozen=True, slots=True)
class Family:
    """One row of the table. The templates read as the model cards print them.

    `file` is the layout of one file alone, `repository` the one for several files, where the model has one:
    its `{header}` and `{snippets}` are filled from those two templates and vanish where there is nothing to
    show. `{typed}` is prefix and middle in one piece, for a model without a token that opens the middle.
    A space before a field is SentencePiece's own, which the model was trained with there.
    """

    name: str
    file: str
    source: str
    control: tuple[str, ...] = ()
    stop: tuple[str, ...] = ()
    bos: str = ""
    repository: str = ""
    header: str = ""
    snippet: str = ""
    names: tuple[str, ...] = ()
    architectures: tuple[str, ...] = ()
    known_by: frozenset[str] = frozenset()
    needs: frozenset[str] = frozenset()  # control tokens that its files have, besides those that `file` shows

    @property
    def order(self) -> Order:
        if "{suffix}" not in self.file:
            return Order.PREFIX_ONLY
        prefix = self.file.find("{typed}" if self.joins_middle else "{prefix}")
        return Order.PSM if prefix < self.file.find("{suffix}") else Order.SPM

    @property
    def joins_middle(self) -> bool:
        return "{typed}" in self.file

    @property
    def required(self) -> frozenset[str]:
        """The control tokens without which the family cannot be used at all."""
        shown = frozenset(split_template(self.file, self.control)) & frozenset(self.control)
        return shown | self.needs

    @property
    def tokens(self) -> frozenset[str]:
        """Every control token that the layouts or the end of an answer may use."""
        own = {self.bos} - {"", FILE_DECIDES}
        return frozenset({*self.control, *self.stop, *own})

    def for_vocabulary(self, tokens: Collection[str]) -> Family:
        """Without the repository layout when the vocabulary lacks one of its tokens."""
        needed = (
            part
            for template in (self.repository, self.header, self.snippet)
            for part in split_template(template, self.control)
        )
        has_all = all(part in tokens for part in needed if part in self.control)
        return self if has_all else replace(self, repository="")


@cache
def split_template(template: str, control: tuple[str, ...]) -> tuple[str, ...]:
    """A template in pieces: each control token, each field, a path with the text around it."""
    names = "|".join(re.escape(token) for token in control) or r"(?!)"
    fields = r"\{header\}|\{snippets\}|[^{}]*\{path\}\n| ?\{prefix\}| ?\{typed\}|\{suffix\}|\{middle\}"
    between = (
        re.split(f"({fields})", part) if part not in control else [part]
        for part in re.split(f"({names})", template)
    )
    return tuple(piece for pieces in between for piece in pieces if piece)


_PIPED = ("<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>")
_PIPED_REPO = (*_PIPED, "<|repo_name|>", "<|file_sep|>")
_PIPED_FILE = "<|fim_prefix|>{prefix}<|fim_suffix|>{suffix}<|fim_middle|>{middle}"
_PLAIN = ("<fim_prefix>", "<fim_suffix>", "<fim_middle>")
_PLAIN_FILE = "<fim_prefix>{prefix}<fim_suffix>{suffix}<fim_middle>{middle}"

# The first row that fits wins (see `recognise`), so the more particular of two rows stands first.
FAMILIES: tuple[Family, ...] = (
    Family(
        # Version 0.1 saw too few middles: it does better without a suffix (model/builtin/card.md).
        "edgewise-prefix",
        file="{typed}",
        header="<|repo_name|>{repository}\n",
        snippet="<|file_sep|>{path}\n{text}\n",
        repository="{header}{snippets}<|file_sep|>{path}\n{typed}",
        control=_PIPED_REPO,
        stop=("<|endoftext|>", "<|file_sep|>", "<|repo_name|>"),
        names=("edgewiseprefix",),
        needs=frozenset(_PIPED_REPO),
        source="model/lab/LAYOUT.md, the plain layout of the same training",
    ),
    Family(
        # The middle follows the prefix with nothing between: no joint to learn, and typing only appends.
        "edgewise",
        file="<|fim_suffix|>{suffix}<|fim_middle|>{typed}",
        header="<|repo_name|>{repository}\n",
        snippet="<|file_sep|>{path}\n{text}\n",
        repository="{header}{snippets}<|file_sep|>{path}\n<|fim_suffix|>{suffix}<|fim_middle|>{typed}",
        control=_PIPED_REPO,
        stop=("<|endoftext|>", "<|file_sep|>", "<|repo_name|>"),
        names=("edgewise",),
        needs=frozenset(("<|fim_prefix|>", "<|repo_name|>", "<|file_sep|>")),
        source="model/lab/LAYOUT.md, the layout that the built-in model is trained on",
    ),
    Family(
        "codegemma",
        file=_PIPED_FILE,
        snippet="{path}\n{text}\n<|file_separator|>",
        repository="{snippets}{path}\n" + _PIPED_FILE,
        control=(*_PIPED, "<|file_separator|>"),
        stop=("<|file_separator|>", "<eos>", "<end_of_turn>", *_PIPED),
        bos="<bos>",
        names=("codegemma",),
        architectures=("gemma",),
        known_by=frozenset((*_PIPED, "<|file_separator|>")),
        source="CodeGemma report (arXiv 2406.11409), figure 2: the path is a line before the prefix token",
    ),
    Family(
        "qwen-coder",
        file=_PIPED_FILE,
        header="<|repo_name|>{repository}\n",
        snippet="<|file_sep|>{path}\n{text}\n",
        repository="{header}{snippets}<|file_sep|>{path}\n" + _PIPED_FILE,
        control=_PIPED_REPO,
        stop=("<|endoftext|>", "<|fim_pad|>", "<|file_sep|>", "<|repo_name|>", "<|im_end|>"),
        names=("qwen",),
        architectures=("qwen2", "qwen2moe", "qwen3", "qwen3moe", "qwen3next"),
        known_by=frozenset(_PIPED),
        source="Qwen2.5-Coder technical report (arXiv 2409.12186), figures 3 and 4; "
        "the FIM examples in the Qwen3-Coder repository",
    ),
    Family(
        "starcoder2",
        file=_PLAIN_FILE,
        header="<repo_name>{repository}",
        snippet="<file_sep>{path}\n{text}",
        repository="{header}{snippets}<file_sep><fim_prefix>{path}\n{prefix}<fim_suffix>{suffix}<fim_middle>{middle}",
        control=(*_PLAIN, "<repo_name>", "<file_sep>"),
        stop=("<|endoftext|>", "<file_sep>", "<repo_name>"),
        names=("starcoder2",),
        architectures=("starcoder2",),
        known_by=frozenset((*_PLAIN, "<file_sep>")),
        source="StarCoder2 paper (arXiv 2402.19173), section 5.1: the path follows the prefix token",
    ),
    Family(
        "granite-code",
        file=_PLAIN_FILE,
        control=_PLAIN,
        stop=("<|endoftext|>", "<filename>", "<reponame>"),
        names=("granite",),
        architectures=("granite",),
        source="Granite Code paper (arXiv 2405.04324), section 4: FIM with the tokens of StarCoder",
    ),
    Family(
        "mellum",
        file="<fim_suffix>{suffix}<fim_prefix>{prefix}<fim_middle>{middle}",
        snippet="<filename>{path}\n{text}\n",
        repository="{snippets}<filename>{path}\n<fim_suffix>{suffix}<fim_prefix>{prefix}<fim_middle>{middle}",
        control=(*_PLAIN, "<filename>"),
        stop=("<|endoftext|>", "<filename>", "<reponame>"),
        bos=FILE_DECIDES,
        names=("mellum",),
        architectures=("mellum",),
        source="Mellum-4b-base model card, 'Fill in the middle with additional files as context generation'",
    ),
    Family(
        "starcoder",
        file=_PLAIN_FILE,
        header="<reponame>{repository}",
        repository="<fim_prefix>{header}<filename>{path}\n{prefix}<fim_suffix>{suffix}<fim_middle>{middle}",
        control=(*_PLAIN, "<reponame>", "<filename>"),
        stop=("<|endoftext|>", "<filename>", "<reponame>"),
        names=("starcoder", "starchat", "octocoder"),
        architectures=("starcoder",),
        known_by=frozenset(_PLAIN),
        source="StarCoder paper (arXiv 2305.06161), sections 3.3 and 5.1: FIM cuts a file with its names",
    ),
    Family(
        "codellama",
        file="▁<PRE> {prefix}▁<SUF>{suffix}▁<MID>{middle}",
        control=("▁<PRE>", "▁<SUF>", "▁<MID>"),
        stop=("▁<EOT>", "</s>"),
        bos="<s>",
        names=("codellama",),
        known_by=frozenset(("▁<PRE>", "▁<SUF>", "▁<MID>")),
        source="Code Llama paper (arXiv 2308.12950), section 2.3; infilling_prompt_tokens in its repository",
    ),
    Family(
        "deepseek-coder",
        file="<｜fim▁begin｜>{prefix}<｜fim▁hole｜>{suffix}<｜fim▁end｜>{middle}",
        snippet="#{path}\n{text}\n",
        repository="<｜fim▁begin｜>{snippets}#{path}\n{prefix}<｜fim▁hole｜>{suffix}<｜fim▁end｜>{middle}",
        control=("<｜fim▁begin｜>", "<｜fim▁hole｜>", "<｜fim▁end｜>"),
        stop=("<｜end▁of▁sentence｜>", "<|EOT|>"),
        bos="<｜begin▁of▁sentence｜>",
        names=("deepseek",),
        known_by=frozenset(("<｜fim▁begin｜>", "<｜fim▁hole｜>", "<｜fim▁end｜>")),
        source="DeepSeek-Coder paper (arXiv 2401.14196), section 3; model card: '#path' before each file",
    ),
    Family(
        "seed-coder",
        file="<[fim-suffix]>{suffix}<[fim-prefix]>{prefix}<[fim-middle]>{middle}",
        control=("<[fim-suffix]>", "<[fim-prefix]>", "<[fim-middle]>"),
        stop=("<[end▁of▁sentence]>",),
        bos=FILE_DECIDES,
        names=("seedcoder",),
        known_by=frozenset(("<[fim-suffix]>", "<[fim-prefix]>", "<[fim-middle]>")),
        source="Seed-Coder-8B-Base model card, the fill-in-the-middle example: suffix first",
    ),
    Family(
        "codestral",
        file="[SUFFIX]{suffix}[PREFIX] {typed}",
        snippet="+++++ {path}\n{text}\n\n",
        repository="[SUFFIX]{suffix}[PREFIX]{snippets}+++++ {path}\n{typed}",
        control=("[SUFFIX]", "[PREFIX]"),
        stop=("</s>",),
        bos="<s>",
        names=("codestral",),
        source="encode_fim of mistral-common; '+++++ path' lines: the Codestral template of Continue",
    ),
)  # fmt: skip

NONE = Family(
    "none",
    file="{typed}",
    bos=FILE_DECIDES,
    source="a model without FIM tokens continues the text before the cursor",
)

CONTROL_TOKENS: frozenset[str] = frozenset(token for row in FAMILIES for token in row.tokens).union(
    ("<unk>", "<s>", "</s>", "<pad>", "<|pad|>", "<bos>", "<eos>", "<start_of_turn>", "<end_of_turn>"),
    ("<|im_start|>", "<|im_end|>", "<|fim_pad|>", "<fim_pad>", "<gh_stars>", "[INST]", "[/INST]", "[MIDDLE]"),
    ("<|begin_of_text|>", "<|end_of_text|>", "<|eot_id|>", "<|User|>", "<|Assistant|>"),
    ("<｜User｜>", "<｜Assistant｜>", "<[begin▁of▁sentence]>", "<[PAD▁TOKEN]>", "<[SEP▁TOKEN]>"),
)
"""Names that no text of a file may become, wherever a vocabulary has them."""
