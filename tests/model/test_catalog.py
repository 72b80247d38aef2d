"""The catalogue holds what it must, and its figures agree with each other."""

from __future__ import annotations

import re

import pytest

from model import catalog
from model.catalog import CatalogEntry, find_nearest
from model.fim import family
from model.memory import guess_file_bytes

ENTRIES = list(catalog.entries().values())
each = pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)


@each
def test_every_entry_says_what_a_person_needs(entry: CatalogEntry) -> None:
    assert all((entry.title, entry.licence, entry.architecture, entry.vocabulary))
    assert entry.use in ("completion", "explain", "next-edit")
    assert family(entry.family).name == entry.family
    assert re.fullmatch(r"[a-z0-9][a-z0-9.-]*", entry.name)


@each
def test_an_entry_says_when_it_was_checked_and_against_what(entry: CatalogEntry) -> None:
    assert entry.is_packaged or re.match(r"20\d\d-\d\d-\d\d: .{20}", entry.checked)


@each
def test_a_hub_file_has_a_repository_and_a_type(entry: CatalogEntry) -> None:
    assert entry.is_packaged != bool(entry.parameters)
    if entry.repository:
        assert re.fullmatch(r"[\w.-]+/[\w.-]+", entry.repository)
    if entry.hub_file:
        assert entry.repository
        assert entry.hub_file.endswith(".gguf")
        assert entry.quant.lower() in entry.hub_file.lower()


@pytest.mark.parametrize("entry", [entry for entry in ENTRIES if entry.shape], ids=lambda entry: entry.name)
def test_a_shape_has_the_parameters_that_its_card_states(entry: CatalogEntry) -> None:
    assert entry.shape
    assert entry.shape.count_parameters() == pytest.approx(entry.parameters, rel=0.01)
    assert entry.shape.n_head % entry.shape.n_head_kv == 0


@pytest.mark.parametrize(
    "entry", [entry for entry in ENTRIES if entry.about_bytes], ids=lambda entry: entry.name
)
def test_a_size_agrees_with_the_weights_and_their_type(entry: CatalogEntry) -> None:
    bits = 8 * entry.about_bytes / entry.parameters
    assert (8.4 < bits < 8.7) if entry.quant == "Q8_0" else (4.7 < bits < 5.3)
    assert guess_file_bytes(entry) == entry.about_bytes


def test_a_size_that_was_not_looked_up_follows_from_the_type() -> None:
    entry = catalog.entries()["qwen2.5-coder-0.5b"]
    assert entry.about_bytes == 0
    assert guess_file_bytes(entry) == pytest.approx(entry.parameters * 8.5 / 8, rel=1e-6)


def test_the_models_that_were_promised_are_there() -> None:
    needed = {
        "builtin", "qwen2.5-coder-0.5b", "qwen2.5-coder-1.5b", "qwen2.5-coder-3b", "qwen2.5-coder-7b",
        "qwen3-coder-30b-a3b-instruct", "starcoder2-3b", "deepseek-coder-1.3b", "deepseek-coder-6.7b",
        "codegemma-2b", "granite-code-3b", "granite-code-8b", "seed-coder-8b", "mellum-4b", "codellama-7b",
        "zeta", "sweep-next-edit-0.5b", "sweep-next-edit-1.5b",
    }  # fmt: skip
    assert needed <= set(catalog.entries())
    assert {entry.use for entry in ENTRIES} == {"completion", "explain", "next-edit"}


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("Qwen2.5-coder-1.5", "qwen2.5-coder-1.5b"), ("starcoder", "starcoder2-3b"), ("zzzzzz", "")],
)
def test_the_nearest_name(typed: str, meant: str) -> None:
    assert find_nearest(typed, catalog.entries()) == meant
