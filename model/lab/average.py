"""Averages the weights of two nets of one shape: what a short run has learned, at half the damage it did.

A net that was trained on, and the net that it came from, lie in one basin: between them what was learned last
is kept longer than what was forgotten is missed (Wortsman et al. 2022, "Robust fine-tuning of zero-shot
models"). The rotary base is given, since the two may differ in it.

Run: `python -m model.lab.average --old A --new B --out C`.
"""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path

import torch

from model.lab.export import load_net
from model.lab.net import Net
from model.lab.prune import save_net


@torch.no_grad()
def average(old: Net, new: Net, share: float, rope_base: float) -> Net:
    """`share` of the new weights, the rest of the old."""
    made = Net(dataclasses.replace(new.shape, rope_base=rope_base))
    before, after = old.state_dict(), new.state_dict()
    made.load_state_dict({name: torch.lerp(before[name], after[name], share) for name in after})
    return made


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--old", type=Path, required=True, help="checkpoint or .gguf")
    parser.add_argument("--new", type=Path, required=True, help="checkpoint or .gguf")
    parser.add_argument("--share", type=float, default=0.5, help="of the new weights")
    parser.add_argument("--rope-base", type=float, default=10000.0)
    parser.add_argument("--out", type=Path, required=True, help=".pt")
    args = parser.parse_args()
    save_net(average(load_net(args.old), load_net(args.new), args.share, args.rope_base), args.out)


if __name__ == "__main__":
    main()
