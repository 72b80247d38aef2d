"""Makes a net smaller by leaving parts out: the layers and the feed-forward units that it misses least.

What a layer is worth is measured: how much the loss on some rows grows when the layer is skipped (Men et
al. 2024, "ShortGPT", found that many layers are hardly missed). What a feed-forward unit is worth: how
strongly it is active on those rows times how strongly it is heard. The result is a checkpoint to heal with a
short run of `train.py --begin-with`.

Run: `python -m model.lab.prune --checkpoint IN --rows ROWS --layers N --out OUT`.
"""

from __future__ import annotations

import argparse
import copy
import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.lab.export import load_net
from model.lab.held_out import mean_loss
from model.lab.net import Block, Net
from model.lab.rows import Rows


def keep_layers(net: Net, kept: Sequence[int]) -> Net:
    """A net of only these layers; it shares no weights with the first."""
    smaller = copy.deepcopy(net)
    smaller.blocks = nn.ModuleList(smaller.blocks[i] for i in kept)
    smaller.shape = dataclasses.replace(net.shape, n_layers=len(kept))
    return smaller


def pick_layers(net: Net, rows: Rows, n_layers: int, n_rows: int = 16) -> list[int]:
    """The layers that stay, one left out after the other, each time the one whose loss is least."""
    kept = list(range(net.shape.n_layers))
    while len(kept) > n_layers:
        without = [[i for i in kept if i != left_out] for left_out in kept]
        kept = min(without, key=lambda candidate: mean_loss(keep_layers(net, candidate), rows, n_rows))
    return kept


@torch.no_grad()
def ffn_worth(net: Net, rows: Rows, n_rows: int = 16) -> list[Tensor]:
    """For each layer, for each feed-forward unit: mean absolute activation times the norm of its output."""
    sums = [torch.zeros(net.shape.d_ffn) for _ in net.blocks]
    ids, _, _ = rows.batch(0, n_rows)
    x = net.embedding(ids)
    cos, sin = net.cos[: ids.shape[1]], net.sin[: ids.shape[1]]
    for total, block in zip(sums, net.blocks, strict=True):
        assert isinstance(block, Block)
        inner = block.ffn_norm(x + block.attention(block.attention_norm(x), cos, sin))
        active = F.silu(block.ffn.gate(inner)) * block.ffn.up(inner)
        total += active.abs().mean((0, 1)) * block.ffn.down.weight.norm(dim=0)
        x = block(x, cos, sin)
    return sums


@torch.no_grad()
def keep_ffn(net: Net, worth: Sequence[Tensor], d_ffn: int) -> Net:
    """A net with the `d_ffn` worthiest units of each layer, in their old order."""
    smaller = Net(dataclasses.replace(net.shape, d_ffn=d_ffn))
    kept = [scores.topk(d_ffn).indices.sort().values for scores in worth]
    weights = net.state_dict()
    for i, units in enumerate(kept):
        for name, dim in (("gate", 0), ("up", 0), ("down", 1)):
            key = f"blocks.{i}.ffn.{name}.weight"
            weights[key] = weights[key].index_select(dim, units)
    smaller.load_state_dict(weights)
    return smaller


def save_net(net: Net, path: Path) -> None:
    """A checkpoint to begin with: weights and shape, no optimizer."""
    torch.save({"net": net.state_dict(), "shape": dataclasses.asdict(net.shape)}, path)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoint", type=Path, required=True, help="or a .gguf written by `export.py`")
    parser.add_argument("--rows", type=Path, required=True, help="to measure on: training rows, not held-out")
    parser.add_argument("--layers", type=int, default=0, help="how many stay; 0: all")
    parser.add_argument("--d-ffn", type=int, default=0, help="how many units stay in each layer; 0: all")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    net, rows = load_net(args.checkpoint), Rows(args.rows, seed=1)
    report: dict[str, object] = {"parameters": net.n_parameters(), "loss": round(mean_loss(net, rows, 16), 3)}
    if args.layers:
        kept = pick_layers(net, rows, args.layers)
        net = keep_layers(net, kept)
        report["layers_kept"] = kept
    if args.d_ffn:
        net = keep_ffn(net, ffn_worth(net, rows), args.d_ffn)
    save_net(net, args.out)
    report |= {"parameters_after": net.n_parameters(), "loss_after": round(mean_loss(net, rows, 16), 3)}
    print(json.dumps(report))


if __name__ == "__main__":
    main()
