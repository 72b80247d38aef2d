"""A small tokenizer trained in a second, and a small net: what the lab's tests share."""

from __future__ import annotations

import inspect
import json
import textwrap
from pathlib import Path

import pytest
import torch

from model.lab.net import Net, Shape
from model.lab.tokenizer import Tokenizer, train_tokenizer


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    """Matrices this small are slower on two."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def tokenizer_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Trained on the source of a few modules of the standard library."""
    folder = tmp_path_factory.mktemp("tokenizer")
    texts = [inspect.getsource(module) for module in (json, json.decoder, textwrap, inspect)]
    corpus = folder / "train.jsonl"
    corpus.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    train_tokenizer(corpus, folder / "tokenizer.model", n_pieces=640, n_threads=1)
    return folder / "tokenizer.model"


@pytest.fixture(scope="session")
def tokenizer(tokenizer_path: Path) -> Tokenizer:
    return Tokenizer(tokenizer_path)


@pytest.fixture(scope="session")
def small_net(tokenizer: Tokenizer) -> Net:
    """Random weights, two layers, sizes that Q8_0 can hold."""
    torch.manual_seed(3)
    net = Net(Shape(tokenizer.n_pieces, d_model=64, n_layers=2, n_heads=2, d_ffn=96, n_ctx=256))
    for parameter in net.parameters():
        torch.nn.init.normal_(parameter, mean=float(parameter.ndim == 1), std=0.15)
    return net.eval()


@pytest.fixture(scope="session")
def held_out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("held") / "heldout.jsonl"
    lines = []
    for package in ("one", "two"):
        user = (
            "from one.wrap import wrap\n\n\ndef show(text):\n    for line in wrap(text):\n        print()\n"
        )
        for name, text in (("wrap", inspect.getsource(textwrap)), ("use", user)):
            lines.append(
                json.dumps(
                    {"package": package, "path": f"{package}/{name}.py", "language": "python", "text": text}
                )
            )
    path.write_text("\n".join(lines) + "\n")
    return path
