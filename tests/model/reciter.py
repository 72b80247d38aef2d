"""A small instruct model that says one text, whatever it is asked: its weights hold nothing else.

For tests of what is done with a good answer. A real file, run by the real engine: each line of the text is a
token, attention and the feed-forward layers are zero, the output matrix says which token comes after which.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np

from tests.model.factory import NORMAL, Vocabulary, Weights, sentencepiece_vocabulary, write_gguf

TEMPLATE = "{% for m in messages %}<s>{{ m.role }}: {{ m.content }}</s>{% endfor %}<s>assistant:"
LAST_OF_PROMPT = ":"
N_EMBD = 64
CERTAIN = 10.0  # a logit of eight times that, where all others are 0


def write_reciter(path: Path, text: str, n_ctx: int = 4096) -> Path:
    """`text` has fewer lines than the model has dimensions."""
    pieces = split_unlike(text)
    vocabulary = with_pieces(sentencepiece_vocabulary(()), pieces)
    n_before = len(vocabulary.tokens) - len(pieces)
    chain = [
        vocabulary.id_of(LAST_OF_PROMPT),
        *range(n_before, len(vocabulary.tokens)),
        vocabulary.id_of("</s>"),
    ]
    return write_gguf(
        path,
        vocabulary=vocabulary,
        n_layer=1,
        n_embd=N_EMBD,
        n_ctx=n_ctx,
        metadata={"tokenizer.chat_template": TEMPLATE},
        weights=chain_weights(chain, len(vocabulary.tokens)),
    )


def split_unlike(text: str) -> list[str]:
    """Its lines; one that was there before goes with the line after it, because a token has one successor."""
    pieces: list[str] = []
    held = ""
    for line in text.splitlines(keepends=True):
        held += line
        if held not in pieces:
            pieces.append(held)
            held = ""
    if held:
        pieces[-1] += held
    return pieces


def with_pieces(vocabulary: Vocabulary, pieces: list[str]) -> Vocabulary:
    n = len(pieces)
    return replace(
        vocabulary,
        tokens=(*vocabulary.tokens, *(piece.replace(" ", "▁") for piece in pieces)),
        scores=(*vocabulary.scores, *[-1e6] * n),
        kinds=(*vocabulary.kinds, *[NORMAL] * n),
    )


def chain_weights(chain: list[int], n_vocab: int) -> dict[str, Weights]:
    """Each token of the chain is a direction of its own, which the output of its successor looks in."""
    assert len(chain) < N_EMBD
    embedding = np.zeros((n_vocab, N_EMBD), np.float32)
    output = np.zeros((n_vocab, N_EMBD), np.float32)
    embedding[:, N_EMBD - 1] = 1  # of all that is not in the chain
    for direction, (token, successor) in enumerate(pairwise(chain)):
        embedding[token] = 0
        embedding[token, direction] = 1
        output[successor, direction] = CERTAIN
    return {
        "token_embd.weight": embedding,
        "output.weight": output,
        "blk.0.attn_output.weight": np.zeros((N_EMBD, N_EMBD), np.float32),
        "blk.0.ffn_down.weight": np.zeros((N_EMBD, 2 * N_EMBD), np.float32),
    }
