"""Models: the picker, a pull from a hub on the loopback, an explanation in a model's words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.editors.vscode.conftest import open_window
from tests.editors.vscode.studio import ROOT, Studio, open_studio
from tests.editors.vscode.workbench import Workbench
from tests.model.factory import write_gguf
from tests.model.hub import Answer, Handler, Hub, running_hub

BUILTIN = ROOT / "model" / "builtin" / "edgewise-builtin.Q8_0.gguf"
MODEL, FILE = "qwen2.5-coder-0.5b", "qwen2.5-coder-0.5b-q8_0.gguf"
REPOSITORY = "ggml-org/Qwen2.5-Coder-0.5B-Q8_0-GGUF"
TEMPLATE = "{% for m in messages %}<s>{{ m.role }}: {{ m.content }}</s>{% endfor %}<s>assistant:"
DRIP_BYTES, DRIP_S = 64, 0.2


def drip_after(n_bytes: int) -> Answer:
    """Very slow, until the test lets go; then it hangs up."""

    def answer(handler: Handler, data: bytes) -> None:
        sent = handler.start_range(len(data))
        handler.wfile.write(data[sent : sent + n_bytes])
        sent += n_bytes
        handler.hub.reached.set()
        while not handler.hub.released.wait(DRIP_S):
            handler.wfile.write(data[sent : sent + DRIP_BYTES])
            sent += DRIP_BYTES
        handler.hang_up()

    return answer


@pytest.fixture(scope="module")
def hub() -> Iterator[Hub]:
    """It has the built-in model under another's name."""
    with running_hub({FILE: BUILTIN.read_bytes(), "README.md": b"# Coder"}) as hub:
        hub.repository = REPOSITORY
        yield hub


@pytest.fixture(scope="module")
def studio(hub: Hub, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    """With that hub, and an instruct model of random weights: what it says is noise, and much of it."""
    talker = tmp_path_factory.mktemp("models") / "talker-instruct.gguf"
    metadata = {"tokenizer.chat_template": TEMPLATE}
    write_gguf(talker, n_layer=16, n_embd=256, n_ctx=4096, metadata=metadata, never_ends=True)
    words = {"edgewise.explain.model": str(talker), "edgewise.explain.max_tokens": 3000}
    with open_studio(machine=words, variables={"HF_ENDPOINT": hub.url}) as studio:
        yield studio


@pytest.fixture(scope="module")
def window(browser: Browser, studio: Studio) -> Iterator[Workbench]:
    with open_window(browser, studio) as workbench:
        workbench.open(studio.workspace / "python")
        workbench.wait_until_ready()
        workbench.command("View: Close Primary Side Bar")
        yield workbench


def pull(window: Workbench) -> None:
    window.command("edgewise: Choose Model…")
    window.choose(MODEL)


def test_the_model_picker(window: Workbench, images: Path):
    window.open_file(window.folder / "src" / "shop" / "money.py", 20, 5)
    window.command("edgewise: Choose Model…")
    rows = window.page.locator(".quick-input-list .monaco-list-row")
    expect(rows.first).to_contain_text("builtin")
    expect(rows.first).to_contain_text("12 MB")
    expect(rows.nth(1)).to_contain_text("to fetch")
    expect(rows.nth(1)).to_contain_text("fits here")
    window.picture(images / "vscode-model-picker.png")
    window.press("Enter")  # the one that is in use: nothing changes
    expect(window.quick_input).to_be_hidden()
    window.wait_until_ready()
    expect(window.notices).to_have_count(0)


def test_the_words_of_a_model_come_one_by_one_and_stop(window: Workbench):
    window.open_file(window.folder / "src" / "shop" / "money.py", 20, 5)
    window.press("Control+Alt+e")
    text = window.reader().locator("#text")
    text.locator("hr").wait_for()  # below it are the words
    expect(text).to_have_attribute("data-done", "false")
    expect(text).not_to_have_text(text.text_content() or "")
    stop = window.reader().get_by_role("button", name="Stop")
    stop.click()
    expect(text).to_have_attribute("data-done", "true")
    expect(text).to_contain_text("Stopped.")
    expect(stop).to_be_hidden()
    window.close_reader("Explain money.py")


def test_a_pull_shows_how_far_it_is_and_is_cancelled(window: Workbench, hub: Hub, studio: Studio):
    hub.answers.append(drip_after(6_000_000))
    pull(window)
    expect(window.notices).to_have_count(1)
    expect(window.notices).to_contain_text(f"fetching {MODEL}")
    expect(window.notices).to_contain_text(re.compile(r"\b1 %"))  # of what the real one has
    window.wait_for_status("^edgewise, loading: fetching 1 %")
    window.press_button("Cancel")
    expect(window.notices).to_have_count(0)
    window.wait_until_ready()
    assert not list(studio.home.rglob(f"{MODEL}.gguf"))


def test_the_next_pull_goes_on_from_there_and_the_model_is_used(window: Workbench, hub: Hub, studio: Studio):
    hub.released.set()
    pull(window)
    config = studio.home / "config.toml"
    window.evaluate_until(config.read_text, lambda text: MODEL in text, "the choice in config.toml")
    window.wait_until_ready()
    window.command("edgewise: Choose Model…")
    row = window.page.locator(".quick-input-list .monaco-list-row", has_text=MODEL)
    expect(row).to_contain_text("12 MB")
    expect(row).not_to_contain_text("to fetch")
    expect(row.locator(".codicon-check")).to_have_count(1)
    window.press("Escape")
    last = int(re.sub(r"\D", "", hub.ranges[-1].partition("-")[0]))
    assert last >= 6_000_000
    assert list(studio.home.rglob(f"{MODEL}.gguf"))
    expect(window.notices).to_have_count(0)


def test_a_hub_that_does_not_answer_is_a_sentence(window: Workbench, hub: Hub):
    hub.info_status = 404
    window.command("edgewise: Choose Model…")
    window.choose("qwen2.5-coder-1.5b")
    expect(window.notices).to_have_count(1)
    expect(window.notices).to_contain_text("edgewise: ")
    expect(window.dialogs).to_have_count(0)
    window.wait_until_ready()
