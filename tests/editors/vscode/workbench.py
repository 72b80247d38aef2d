"""What a person does in VS Code and sees of it: keys, ghost text, status bar, notifications, documents.

Runs in the test process; drives a headless Chromium. Waits for states, never for time.
"""

from __future__ import annotations

import io
import json
import re
import time
import urllib.parse
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import FrameLocator, Locator, Page, TimeoutError, expect

from tests.editors.vscode.places import TABLE_PY, Place, write_place
from tests.editors.vscode.studio import Studio

SLOW_MS = 90_000
N_TRIES = 40
N_OPENINGS = 6
PATIENCE_MS = SLOW_MS / N_OPENINGS
GHOST = "[class*=ghost-text-decoration], .ghost-text"
PROPOSAL = "Enter takes, Esc drops"
STATUS = '[id*="edgewise.status"]'

# The text of the cursor's line as a person sees it, ghost text and all.
SHOWN_LINE = """
  const top_ = document.querySelector('.monaco-editor.focused .cursors-layer .cursor').style.top;
  const shownLine_ = () => {
    const lines = [...document.querySelectorAll('.monaco-editor.focused .view-lines .view-line')];
    return (lines.find(e => e.style.top === top_)?.textContent ?? '').replaceAll('\\u00a0', ' '); };
"""

# One string for each painted frame.
RECORD_FRAMES = f"""() => {{ {SHOWN_LINE}
  window.frames_ = []; window.isRecording_ = true;
  const step = () => {{
    window.frames_.push(shownLine_());
    if (window.isRecording_) requestAnimationFrame(step); }};
  requestAnimationFrame(step); }}"""
STOP_FRAMES = "() => { window.isRecording_ = false; return window.frames_; }"

# When a key was pressed, as the browser says, and when the first frame with ghost text had been painted. It
# changes in an animation frame, and a message comes after the frame's painting. In ms since 1970.
TIME_KEY = """ghost => {
  window.keyTimes_ = null;
  const now = () => performance.timeOrigin + performance.now();
  document.addEventListener('keydown', event => {
    const pressed = performance.timeOrigin + event.timeStamp;
    const watch = new MutationObserver(() => {
      if (![...document.querySelectorAll(ghost)].some(e => e.textContent.trim())) return;
      watch.disconnect();
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => { window.keyTimes_ = [pressed, now()]; };
      port2.postMessage(null);
    });
    const editor = document.querySelector('.monaco-editor.focused .view-lines');
    watch.observe(editor, { subtree: true, childList: true, characterData: true });
  }, { once: true, capture: true }); }"""


class Workbench:
    """One window."""

    def __init__(self, page: Page, studio: Studio) -> None:
        self.page = page
        self.studio = studio
        page.set_default_timeout(SLOW_MS)
        expect.set_options(timeout=SLOW_MS)

    def open(self, folder: Path | None = None, file: Path | None = None) -> None:
        self.folder = folder
        query = {} if folder is None else {"folder": str(folder)}
        if folder is None:
            query["ew"] = "true"  # an empty window
        if file is not None:
            host = urllib.parse.urlparse(self.studio.address).netloc
            query["payload"] = json.dumps([["openFile", f"vscode-remote://{host}{file}"]])
        address = f"{self.studio.address}/?{urllib.parse.urlencode(query, quote_via=urllib.parse.quote)}"
        # The page's load event also waits for what nobody needs, and on a busy machine for too long.
        self.page.goto(address, wait_until="commit", timeout=2 * SLOW_MS)
        self.page.locator(".monaco-workbench").wait_for(timeout=2 * SLOW_MS)

    # --- files ---

    def open_file(self, path: Path, line: int = 1, column: int = 1) -> None:
        """With the cursor there. Not through the list of files, which is rebuilt while it is typed into: on a
        busy machine the row that is clicked has become another."""
        self.studio.open_file(path, line, column)
        self.page.locator(f'.tab.active[data-resource-name="{path.name}"]').first.wait_for()
        if path.suffix != ".ipynb":
            self.wait_for_place(line, column)
            self.wait_for_focus()

    def open_place(self, path: Path, place: Place) -> Path:
        """A new file, with the cursor at the place."""
        self.open_file(write_place(path, place), place.line, place.column)
        return path

    def wait_for_focus(self) -> None:
        self.page.locator(".editor-instance .monaco-editor.focused").first.wait_for()

    def wait_for_place(self, line: int, column: int) -> None:
        expect(self.cursor_place).to_have_text(f"Ln {line}, Col {column}")

    def open_list(self, keys: str, text: str) -> None:
        """One of the lists at the top of the window, with `text` in its box. A key that came while a document
        of ours was handing the focus over opened nothing: then once more."""
        for _ in range(N_OPENINGS):
            if self.quick_input.is_visible():
                self.quick_input.press("Escape")
            self.page.mouse.move(0, 0)
            self.press(keys)
            with suppress(TimeoutError):
                self.quick_input.fill(text, timeout=PATIENCE_MS)
                return
        raise AssertionError(f"{keys} opens no list")

    @property
    def quick_input(self) -> Locator:
        return self.page.locator(".quick-input-widget input").first

    def go_to(self, line: int, column: int) -> None:
        """Once more when the keys came before the editor had the focus."""
        for attempt in range(1, N_OPENINGS + 1):
            self.open_list("Control+g", f":{line}:{column}")
            self.quick_input.press("Enter")
            try:
                expect(self.cursor_place).to_have_text(f"Ln {line}, Col {column}", timeout=PATIENCE_MS)
            except AssertionError:
                if attempt == N_OPENINGS:
                    raise
            else:
                return

    def wait_for_column(self, column: int) -> None:
        expect(self.cursor_place).to_have_text(re.compile(rf"Col {column}$"))

    def wait_for_more_columns(self, column: int) -> None:
        """The cursor is behind `column`."""
        look = "([e, n]) => Number(/Col (\\d+)/.exec(e.textContent)?.[1]) > n"
        self.page.wait_for_function(look, arg=[self.cursor_place.element_handle(), column])

    def wait_for_line_change(self, place: Place) -> None:
        """The cursor is no longer where the place's typed text ended."""
        expect(self.cursor_place).not_to_have_text(f"Ln {place.line}, Col {place.column + len(place.typed)}")

    @property
    def cursor_place(self) -> Locator:
        return self.page.locator('[id="status.editor.selection"]')

    @property
    def editor(self) -> Locator:
        return self.page.locator(".editor-instance .monaco-editor")

    def focus_editor(self) -> None:
        self.command("View: Focus Active Editor Group")

    def save(self) -> None:
        """What has changed. That it has is seen a moment after the key."""
        dirty = self.page.locator(".tab.active.dirty")
        expect(dirty).to_have_count(1)
        self.page.keyboard.press("Control+s")
        expect(dirty).to_have_count(0)

    def close_editors(self) -> None:
        self.command("View: Revert and Close Editor")

    def clear_editors(self) -> None:
        """Saves and closes all, and what was told before: a picture shows one thing."""
        self.command("File: Save All Files")
        expect(self.page.locator(".tab.dirty")).to_have_count(0)
        self.command("View: Close All Editors")
        expect(self.page.locator(".tab")).to_have_count(0)
        self.clear_notices()

    def type(self, text: str) -> None:
        self.page.keyboard.type(text)

    def press(self, keys: str) -> None:
        self.page.keyboard.press(keys)

    # --- ghost text ---

    @property
    def ghost(self) -> Locator:
        return self.page.locator(GHOST)

    def ghost_text(self) -> str:
        return "".join(self.ghost.all_inner_texts()).replace("\xa0", " ")

    def wait_for_ghost(self, timeout_ms: float = SLOW_MS) -> str:
        """What is on screen, which may be what was there before: see `dismiss`."""
        seen = self.page.wait_for_function(
            "s => { const texts = [...document.querySelectorAll(s)].map(e => e.textContent);"
            " return texts.some(text => text.trim()) && texts.join(''); }",
            arg=GHOST,
            timeout=timeout_ms,
        )
        return str(seen.json_value()).replace("\xa0", " ")

    def type_for_ghost(self, text: str) -> str:
        """A new editor gets ghost text once VS Code is idle: keys before that bring none. Then by hand."""
        self.type(text)
        with suppress(TimeoutError):
            return self.wait_for_ghost(PATIENCE_MS)
        return self.ask()

    def wait_for_no_ghost(self) -> None:
        expect(self.ghost).to_have_count(0)

    def dismiss(self) -> None:
        """VS Code takes some 40 ms to clear it away."""
        self.press("Escape")
        self.wait_for_no_ghost()

    def settle(self) -> None:
        """VS Code gives a new editor its ghost text when it is idle: keys before that bring none.
        Asks by hand until there is some."""
        assert self.folder is not None
        self.open_place(self.folder / "settle.py", TABLE_PY)
        self.type(TABLE_PY.typed)
        for _ in range(N_TRIES):
            self.press("Alt+\\")
            with suppress(TimeoutError):
                self.ghost.first.wait_for(timeout=SLOW_MS / N_TRIES)
                break
        self.press("Escape")
        self.save()

    def ask(self) -> str:
        """By hand, with the extension's own key; once more when it came before the editor had the focus, or
        before what was shown had gone."""
        for _ in range(N_OPENINGS):
            self.press("Alt+\\")
            with suppress(TimeoutError):
                return self.wait_for_ghost(PATIENCE_MS)
        raise AssertionError("there is no suggestion")

    def record_frames(self) -> None:
        """Of the line that the cursor is in now."""
        self.page.evaluate(RECORD_FRAMES)

    def shown_line(self) -> str:
        text: str = self.page.evaluate(f"() => {{ {SHOWN_LINE} return shownLine_(); }}")
        return text

    def stop_frames(self) -> list[str]:
        frames: list[str] = self.page.evaluate(STOP_FRAMES)
        return frames

    def time_key(self, key: str, timeout_ms: float) -> tuple[float, float] | None:
        """When it was pressed and when ghost text was seen. None when there was none in time."""
        self.page.evaluate(TIME_KEY, GHOST)
        self.press(key)
        try:
            self.page.wait_for_function("() => window.keyTimes_ !== null", timeout=timeout_ms)
        except TimeoutError:
            return None
        pressed, seen = self.page.evaluate("() => window.keyTimes_")
        return float(pressed), float(seen)

    # --- the rest of the window ---

    @property
    def status(self) -> Locator:
        return self.page.locator(STATUS)

    def wait_for_status(self, pattern: str, timeout_ms: float = SLOW_MS) -> None:
        label = self.status.locator("[aria-label]").first
        expect(label).to_have_attribute("aria-label", re.compile(pattern), timeout=timeout_ms)

    def status_label(self) -> str:
        return self.status.locator("[aria-label]").first.get_attribute("aria-label") or ""

    def wait_until_ready(self, timeout_ms: float = SLOW_MS) -> None:
        self.wait_for_status("^edgewise, ready", timeout_ms)

    def press_button(self, title: str) -> None:
        """Of a notification."""
        self.notices.get_by_role("button", name=title, exact=True).click()

    def command(self, title: str) -> None:
        """From the command palette. Its list is filtered while it is shown: the row is picked by its whole
        name, for the first one may be another command still."""
        rows = self.page.locator(".quick-input-list .monaco-list-row")
        row = rows.filter(has=self.page.get_by_text(title, exact=True)).first
        for _ in range(N_OPENINGS):
            self.open_list("F1", f">{title}")
            with suppress(TimeoutError):
                row.click(timeout=PATIENCE_MS)
                return
        raise AssertionError(f"there is no command {title}")

    def open_menu(self) -> Locator:
        self.status.click()
        rows = self.page.locator(".quick-input-list .monaco-list-row")
        rows.first.wait_for()
        return rows

    def choose(self, text: str) -> None:
        self.page.locator(".quick-input-list .monaco-list-row", has_text=text).first.click()

    def open_code_actions(self, text: str) -> Locator:
        """The row with `text`. A key that came before the editor had the focus, or before anything was
        offered, opened nothing: then once more."""
        row = self.page.locator(".action-widget .monaco-list-row", has_text=text).first
        for _ in range(N_OPENINGS):
            self.press("Control+.")
            with suppress(TimeoutError):
                row.wait_for(timeout=PATIENCE_MS)
                return row
            self.press("Escape")
        raise AssertionError(f"no code action says {text}")

    def open_context_menu(self, menu: str, entry: str) -> None:
        """Of the editor, down to an entry of one of its menus. What takes the focus meanwhile closes it."""
        for _ in range(N_OPENINGS):
            with suppress(TimeoutError):
                line = self.page.locator(".editor-instance .view-line").nth(3)
                line.click(button="right", timeout=PATIENCE_MS)
                self.page.get_by_role("menuitem", name=menu).hover(timeout=PATIENCE_MS)
                self.page.get_by_role("menuitem", name=entry).wait_for(timeout=PATIENCE_MS)
                return
            self.close_context_menu()
        raise AssertionError(f"there is no {entry} in the context menu")

    def close_context_menu(self) -> None:
        for _ in range(N_OPENINGS):
            if not self.page.get_by_role("menuitem", name="Command Palette").is_visible():
                return
            self.press("Escape")

    @property
    def notices(self) -> Locator:
        return self.page.locator(".notifications-toasts .notification-toast")

    @property
    def unread(self) -> Locator:
        """The dot on the bell: something was told and nobody has looked. Also there while the status bar
        shows work, which VS Code keeps as a silent notification until it is done."""
        return self.page.locator('[id="status.notifications"] .codicon-bell-dot')

    def clear_notices(self) -> None:
        self.command("Notifications: Clear All Notifications")
        expect(self.notices).to_have_count(0)

    @property
    def dialogs(self) -> Locator:
        return self.page.locator(".monaco-dialog-box")

    def reader(self) -> FrameLocator:
        """The document that `explain` and the reports open."""
        return self.page.frame_locator("iframe.webview.ready").last.frame_locator("#active-frame")

    def close_reader(self, title: str) -> None:
        """It lies beside the code, which keeps the focus."""
        tab = self.page.locator(".tab.active", has_text=title)
        tab.locator(".tab-actions a").click()
        expect(tab).to_have_count(0)

    def wait_for_proposal(self, text: str) -> None:
        """A diff that shows `text` among what is new."""
        self.page.locator(".tab.active", has_text=PROPOSAL).first.wait_for()
        changed = ".monaco-diff-editor .modified :is(.char-insert, .line-insert)"
        expect(self.page.locator(changed).first).to_be_visible()
        expect(self.page.locator(".monaco-diff-editor .modified .view-lines")).to_contain_text(text)

    def wait_for_no_proposal(self, path: Path) -> None:
        """And the file is there again."""
        expect(self.page.locator(".tab", has_text=PROPOSAL)).to_have_count(0)
        self.page.locator(f'.tab.active[data-resource-name="{path.name}"]').first.wait_for()

    def picture(self, path: Path) -> None:
        """A screenshot in few colours, for the docs."""
        path.parent.mkdir(parents=True, exist_ok=True)
        picture = Image.open(io.BytesIO(self.page.screenshot(animations="disabled")))
        picture.convert("RGB").quantize(128, dither=Image.Dither.NONE).save(path, optimize=True)

    def evaluate_until(self, look: Callable[[], Any], is_good: Callable[[Any], bool], what: str) -> Any:
        """For states outside of the page: looks again at each animation frame of the page."""
        end_at = time.monotonic() + SLOW_MS / 1000
        while time.monotonic() < end_at:
            value = look()
            if is_good(value):
                return value
            self.page.evaluate("() => new Promise(done => requestAnimationFrame(() => setTimeout(done, 15)))")
        raise AssertionError(f"{what}: {look()!r}")
