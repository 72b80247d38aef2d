"""Whether to complete here at all."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lsp_server.completion.trigger import switched_off, unwanted
from lsp_server.settings import CompletionSettings
from lsp_server.types import Reason, Trigger

from .scripted import context_at, snapshot_of


@pytest.mark.parametrize(
    ("drawn", "is_comment"), [("# what▮", True), ("x = 1  # a▮", True), ("x = '#▮", False)]
)
def test_comments_can_be_left_alone(drawn: str, is_comment: bool) -> None:
    context = context_at(drawn)
    quiet = CompletionSettings(in_comments=False)
    assert (unwanted(context, quiet) is not None) == is_comment
    assert unwanted(replace(context, trigger=Trigger.INVOKED), quiet) is None
    assert unwanted(context, CompletionSettings()) is None


def reason_at(drawn: str, trigger: Trigger = Trigger.AUTOMATIC) -> Reason | None:
    refusal = unwanted(replace(context_at(drawn), trigger=trigger), CompletionSettings())
    return refusal.reason if refusal else None


@pytest.mark.parametrize(
    "drawn",
    ["x▮", "x▮\ny", "f(▮)", "f('▮')", "f([▮]);", "x▮  ", "if (▮) {", "d = {1: ▮},", "<p▮>", "<a ▮/>", "x▮:"],
)
def test_harmless_places(drawn: str) -> None:
    assert reason_at(drawn) is None


@pytest.mark.parametrize("drawn", ["pri▮nt", "▮x", "a▮_b", "a▮é", "a▮1"])
def test_middle_of_word(drawn: str) -> None:
    assert reason_at(drawn) is Reason.MIDDLE_OF_WORD


@pytest.mark.parametrize("drawn", ["x = ▮ + 1", "f(▮, a)", "a ▮ b", "x▮ # why", "f(▮){ x"])
def test_text_after_cursor(drawn: str) -> None:
    assert reason_at(drawn) is Reason.TEXT_AFTER_CURSOR


@pytest.mark.parametrize("drawn", ["pri▮nt", "x = ▮ + 1"])
def test_who_asks_by_hand_is_answered(drawn: str) -> None:
    assert reason_at(drawn, Trigger.INVOKED) is None


def test_a_very_long_line_is_judged_at_once() -> None:
    assert reason_at("x▮" + " " * 200_000 + "y") is Reason.TEXT_AFTER_CURSOR


@pytest.mark.parametrize(
    "settings",
    [
        CompletionSettings(enabled=False),
        CompletionSettings(disabled_languages=("python",)),
        CompletionSettings(disabled_globs=("src/*",)),
        CompletionSettings(disabled_globs=("a",)),
    ],
)
def test_switches(settings: CompletionSettings) -> None:
    refusal = switched_off(snapshot_of("x"), settings)
    assert refusal is not None
    assert refusal.reason is Reason.DISABLED
    assert "completion." in refusal.detail


def test_secrets_are_off_from_the_start() -> None:
    snapshot = replace(snapshot_of("KEY="), relative_path="deploy/.env")
    assert switched_off(snapshot, CompletionSettings()) is not None
    assert switched_off(snapshot_of("x"), CompletionSettings()) is None


def test_a_document_without_a_path_matches_no_glob() -> None:
    snapshot = replace(snapshot_of("x"), relative_path="", path="")
    assert switched_off(snapshot, CompletionSettings(disabled_globs=("*",))) is None
