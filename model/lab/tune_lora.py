"""Low-rank adapters (LoRA; Hu et al. 2021) for the lab's net, and how llama.cpp reads them.

`W x` becomes `W x + (alpha / rank) B A x`, with B zero at first: training starts at the model itself. Only A
and B are trained. The file is GGUF of the type `adapter`: for each matrix NAME the tensors NAME.lora_a
`[rank, n_in]` and NAME.lora_b `[n_out, rank]`. Knows nothing of files to train on or of figures.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import gguf
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.lab.export import gguf_name, interleave_rotary
from model.lab.net import Net


@dataclass(frozen=True)
class LoraShape:
    """How large the adapter is and how strongly it counts."""

    rank: int = 32
    alpha: float = 64.0

    @property
    def scale(self) -> float:
        return self.alpha / self.rank


class LoraLinear(nn.Module):
    """A linear layer that stands still, and the low-rank change that is learned."""

    def __init__(self, base: nn.Linear, shape: LoraShape) -> None:
        super().__init__()
        self.base, self.scale = base, shape.scale
        self.a = nn.Parameter(torch.randn(shape.rank, base.in_features) * base.in_features**-0.5)
        self.b = nn.Parameter(torch.zeros(base.out_features, shape.rank))

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.base(x) + self.scale * F.linear(F.linear(x, self.a), self.b)
        return out


def add_lora(net: Net, shape: LoraShape) -> Net:
    """Puts an adapter on every matrix of every layer, in place; everything else stands still."""
    net.requires_grad_(False)
    for block in net.blocks:
        for part in (block.get_submodule("attention"), block.get_submodule("ffn")):
            for name, child in list(part.named_children()):
                assert isinstance(child, nn.Linear)
                setattr(part, name, LoraLinear(child, shape))
    return net


def lora_layers(net: Net) -> Iterator[tuple[str, LoraLinear]]:
    """The adapted layers by the names that their weights had before."""
    for name, module in net.named_modules():
        if isinstance(module, LoraLinear):
            yield f"{name}.weight", module


def read_lora(net: Net) -> dict[str, Tensor]:
    """What was learned: for a checkpoint."""
    return {
        f"{name}.{part}": getattr(layer, part).detach() for name, layer in lora_layers(net) for part in "ab"
    }


def load_lora(net: Net, stored: dict[str, Tensor]) -> None:
    with torch.no_grad():
        for name, layer in lora_layers(net):
            layer.a.copy_(stored[f"{name}.a"])
            layer.b.copy_(stored[f"{name}.b"])


def write_adapter(net: Net, shape: LoraShape, out: Path) -> None:
    """The adapter as a file. Rows of q and k stand in pairs there, as in the model file (`export`)."""
    writer = gguf.GGUFWriter(out, "llama")
    writer.add_type(gguf.GGUFType.ADAPTER)
    writer.add_string(gguf.Keys.Adapter.TYPE, "lora")
    writer.add_float32(gguf.Keys.Adapter.LORA_ALPHA, shape.alpha)
    for name, layer in lora_layers(net):
        b = layer.b.detach()
        if name.endswith(("attention.q.weight", "attention.k.weight")):
            b = interleave_rotary(b, net.shape.n_heads)
        for suffix, values in (("lora_a", layer.a.detach()), ("lora_b", b)):
            writer.add_tensor(f"{gguf_name(name)}.{suffix}", values.float().contiguous().numpy())
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
