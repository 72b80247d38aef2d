"""The network: a llama-architecture decoder in plain PyTorch. Knows nothing of data, optimizers or files.

RMSNorm before each block, rotary positions (Su et al. 2021) in halves (`x1, x2 = x.chunk(2)`), SwiGLU
(Shazeer 2020), no biases, input and output embedding tied while training. GGUF's llama layout wants the
rotary pairs interleaved: `export.py` permutes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn


@dataclass(frozen=True)
class Shape:
    """The sizes of a network."""

    n_vocab: int = 12288
    d_model: int = 256
    n_layers: int = 8
    n_heads: int = 4
    d_ffn: int = 704
    n_ctx: int = 2048
    rope_base: float = 10000.0
    norm_eps: float = 1e-5

    @property
    def d_head(self) -> int:
        """Size of one attention head."""
        return self.d_model // self.n_heads


def build_rotary(shape: Shape) -> tuple[Tensor, Tensor]:
    """Cosines and sines, one row a position."""
    steps = torch.arange(0, shape.d_head, 2, dtype=torch.float32) / shape.d_head
    angles = torch.outer(torch.arange(shape.n_ctx, dtype=torch.float32), shape.rope_base**-steps)
    return angles.cos(), angles.sin()


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotary positions on `[batch, head, time, d_head]`."""
    left, right = x.chunk(2, dim=-1)
    return torch.cat((left * cos - right * sin, right * cos + left * sin), dim=-1)


class RMSNorm(nn.Module):
    """Root-mean-square norm with a gain (Zhang and Sennrich 2019)."""

    def __init__(self, size: int, eps: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(size))
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        """The mean square is taken in float32."""
        wide = x.float()
        wide = wide * torch.rsqrt(wide.square().mean(-1, keepdim=True) + self.eps)
        return (wide * self.weight).to(x.dtype)


class Attention(nn.Module):
    """Causal self-attention."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.n_heads = shape.n_heads
        self.q, self.k, self.v, self.o = (
            nn.Linear(shape.d_model, shape.d_model, bias=False) for _ in range(4)
        )

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        """`[batch, time, d_model]` to the same."""
        n_batch, n_time, d_model = x.shape
        q, k, v = (
            f(x).view(n_batch, n_time, self.n_heads, -1).transpose(1, 2) for f in (self.q, self.k, self.v)
        )
        q, k = rotate(q, cos, sin), rotate(k, cos, sin)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        out: Tensor = self.o(y.transpose(1, 2).reshape(n_batch, n_time, d_model))
        return out


class FeedForward(nn.Module):
    """SwiGLU."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.gate = nn.Linear(shape.d_model, shape.d_ffn, bias=False)
        self.up = nn.Linear(shape.d_model, shape.d_ffn, bias=False)
        self.down = nn.Linear(shape.d_ffn, shape.d_model, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """`[batch, time, d_model]` to the same."""
        out: Tensor = self.down(F.silu(self.gate(x)) * self.up(x))
        return out


class Block(nn.Module):
    """One layer."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.attention_norm, self.attention = RMSNorm(shape.d_model, shape.norm_eps), Attention(shape)
        self.ffn_norm, self.ffn = RMSNorm(shape.d_model, shape.norm_eps), FeedForward(shape)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        """Attention, then feed-forward, each added to the stream."""
        x = x + self.attention(self.attention_norm(x), cos, sin)
        out: Tensor = x + self.ffn(self.ffn_norm(x))
        return out


class Net(nn.Module):
    """The whole network."""

    cos: Tensor
    sin: Tensor

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.embedding = nn.Embedding(shape.n_vocab, shape.d_model)
        self.blocks = nn.ModuleList(Block(shape) for _ in range(shape.n_layers))
        self.norm = RMSNorm(shape.d_model, shape.norm_eps)
        cos, sin = build_rotary(shape)
        self.register_buffer("cos", cos, persistent=False)
        self.register_buffer("sin", sin, persistent=False)
        self.reset()

    def reset(self) -> None:
        """Small normal weights; what writes into the stream starts at zero, so every layer begins as the
        identity.
        """
        nn.init.normal_(self.embedding.weight, std=0.02)
        for name, weight in self.named_matrices():
            nn.init.zeros_(weight) if name.endswith(("o.weight", "down.weight")) else nn.init.normal_(
                weight, std=weight.shape[1] ** -0.5
            )

    def named_matrices(self) -> Iterator[tuple[str, nn.Parameter]]:
        """The weights of the linear layers: what Muon trains."""
        return (
            (name, p) for name, p in self.named_parameters() if name.startswith("blocks.") and p.ndim == 2
        )

    def hidden(self, ids: Tensor) -> Tensor:
        """The last hidden states, normed."""
        cos, sin = self.cos[: ids.shape[1]], self.sin[: ids.shape[1]]
        x = self.embedding(ids)
        for block in self.blocks:
            x = block(x, cos, sin)
        out: Tensor = self.norm(x)
        return out

    def forward(self, ids: Tensor) -> Tensor:
        """Logits, `[batch, time, vocab]`."""
        return F.linear(self.hidden(ids), self.embedding.weight)

    def n_parameters(self) -> int:
        """Trained numbers, the tied embedding once."""
        return sum(p.numel() for p in self.parameters())


def surprise(net: Net, ids: Tensor, targets: Tensor) -> Tensor:
    """Cross-entropy of every target, flat."""
    flat = F.linear(net.hidden(ids).flatten(0, 1), net.embedding.weight)
    return F.cross_entropy(flat.float(), targets.flatten(), reduction="none")


def weighted_sum(net: Net, ids: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
    """Cross-entropy, each target with its weight, summed."""
    return (surprise(net, ids, targets) * weights.flatten()).sum()
