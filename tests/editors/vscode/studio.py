"""A real VS Code on a fresh profile: code-server with the packed extension, apart from the user's own.

Runs in the test process. Must not know the browser; that is `workbench.py`.
"""

from __future__ import annotations

import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from lsp_server.journal import journal_folder, read_records
from lsp_server.trace import REQUEST, TraceRecord
from tests.editors.vscode.places import make_projects

ROOT = Path(__file__).parents[3]
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "edgewise-editors" / "vscode"
PROGRAM = Path(os.environ.get("EDGEWISE_PROGRAM") or ROOT / ".venv" / "bin" / "edgewise")
EXTENSION = ROOT / "editors" / "vscode" / "edgewise.vsix"
START_TIMEOUT_S = 120.0
GONE_TIMEOUT_S = 30.0

QUIET: Mapping[str, Any] = {
    "workbench.startupEditor": "none",
    "workbench.tips.enabled": False,
    "workbench.hover.delay": 100_000,  # the mouse lies somewhere: a hover would cover what is clicked next
    "workbench.quickOpen.closeOnFocusLost": False,  # a web view that hands the focus over late would close it
    "workbench.enableExperiments": False,
    "workbench.secondarySideBar.defaultVisibility": "hidden",
    "workbench.colorTheme": "Default Light Modern",
    "telemetry.telemetryLevel": "off",
    "update.mode": "none",
    "extensions.autoUpdate": False,
    "extensions.autoCheckUpdates": False,
    "extensions.ignoreRecommendations": True,
    "chat.disableAIFeatures": True,
    "chat.commandCenter.enabled": False,
    "git.enabled": False,
    "git.openRepositoryInParentFolders": "never",
    "files.autoSave": "off",
    "files.hotExit": "off",
    "editor.inlineSuggest.enabled": True,
    "editor.quickSuggestions": {"other": "off", "comments": "off", "strings": "off"},
    "editor.suggestOnTriggerCharacters": False,
    "editor.parameterHints.enabled": False,
    "editor.wordBasedSuggestions": "currentDocument",
    "editor.cursorBlinking": "solid",
    "editor.accessibilitySupport": "off",
    "editor.minimap.enabled": False,
    "editor.scrollBeyondLastLine": False,  # what fits into the window is seen from its first line
    "editor.autoClosingBrackets": "never",
    "editor.autoClosingQuotes": "never",
}
MACHINE: Mapping[str, Any] = {
    "edgewise.vscode.executable": str(PROGRAM),
    "edgewise.model.idle_exit_s": 1,
    # What the tests type at is alike: as context of each other the files would make the model repeat itself.
    "edgewise.index.exclude": ["/*.py", "/*.ts"],
    "edgewise.completion.timeout_ms": 20_000,  # the machine may be busy with something else
    "edgewise.completion.t_max_predict_ms": 5_000,
}
SHORT_SNOOZE = "Control+Alt+z"
KEYS: Sequence[Mapping[str, Any]] = (
    {"key": "ctrl+alt+z", "command": "edgewise.snooze", "args": 0.1},  # minutes
)


@dataclass(frozen=True)
class Studio:
    """One code-server that listens on the loopback."""

    folder: Path
    port: int
    trusts: bool

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @property
    def workspace(self) -> Path:
        return self.folder / "workspace"

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def log(self) -> str:
        """What the extension and its server logged."""
        return "\n".join(
            path.read_text("utf-8", "replace") for path in self.data.glob("logs/**/*edgewise.log")
        )

    def records(self) -> list[TraceRecord]:
        """What the servers wrote down of their work, oldest first; half a second late."""
        return read_records(journal_folder(self.home / "cache"))

    def requests(self) -> list[TraceRecord]:
        return [record for record in self.records() if record.method == REQUEST]

    def environment(self) -> dict[str, str]:
        """Of a command that belongs to this studio."""
        return build_environment(self, "")

    @property
    def session(self) -> Path:
        """The socket that knows the windows, and the socket of each for `code FILE`."""
        return self.folder / "session.sock"

    def open_file(self, path: Path, line: int, column: int) -> None:
        """In the window that is open, as `code --reuse-window --goto` does in its terminal."""
        window = self.window_of(path)
        host = urllib.parse.urlparse(self.address).netloc
        place = f"vscode-remote://{host}{urllib.parse.quote(str(path))}:{line}:{column}"
        order = {"type": "open", "fileURIs": [place], "folderURIs": [], "forceReuseWindow": True}
        ask(Path(window), "POST", "/", {**order, "gotoLineMode": True})

    def window_of(self, path: Path) -> str:
        """The socket of the window that would open it; "" before there is one with extensions."""
        query = urllib.parse.urlencode({"filePath": str(path)})
        answer = ask(self.session, "GET", f"/session?{query}") or {}
        return str(answer.get("socketPath") or "")

    def processes(self, word: str) -> list[psutil.Process]:
        """The living processes of this studio whose command holds `word`."""
        return [process for process in psutil.process_iter() if is_of(process, self.home, word)]


class PrivateConnection(http.client.HTTPConnection):
    """HTTP on a unix socket."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=START_TIMEOUT_S)
        self.path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self.path))


def ask(path: Path, method: str, target: str, body: Mapping[str, Any] | None = None) -> Any:
    connection = PrivateConnection(path)
    try:
        text = None if body is None else json.dumps(body)
        connection.request(method, target, text, {"Content-Type": "application/json"})
        response = connection.getresponse()
        answer = response.read()
        assert response.status == 200, (target, response.status, answer)
        return json.loads(answer or b"null")
    finally:
        connection.close()


def is_of(process: psutil.Process, home: Path, word: str) -> bool:
    try:
        is_ours = process.environ().get("HOME") == str(home)
        is_alive = process.status() != psutil.STATUS_ZOMBIE
        return is_ours and is_alive and any(word in part for part in process.cmdline())
    except psutil.Error:
        return False


def write_settings(path: Path, values: Mapping[str, Any] | Sequence[Mapping[str, Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(values, indent=1))


@contextmanager
def open_studio(
    user: Mapping[str, Any] | None = None,
    machine: Mapping[str, Any] | None = None,
    *,
    trusts: bool = True,
    path: str = "",
    variables: Mapping[str, str] | None = None,
    is_read_only: bool = False,
    extension: Path = EXTENSION,
) -> Iterator[Studio]:
    """Starts one and ends it, with everything that was started from it. `path` stands for PATH; a workspace
    that is read only is so for what runs in the studio, and for root too."""
    folder = Path(tempfile.mkdtemp(prefix="ew"))
    studio = Studio(folder, free_port(), trusts)
    studio.home.mkdir()
    studio.workspace.mkdir()
    make_projects(studio.workspace)
    write_settings(studio.data / "User" / "settings.json", {**QUIET, **(user or {})})
    write_settings(studio.data / "Machine" / "settings.json", {**MACHINE, **(machine or {})})
    write_settings(studio.data / "User" / "keybindings.json", KEYS)
    # A head start is given before the editor has told its settings.
    (studio.home / "config.toml").write_text("[model]\nidle_exit_s = 1.0\n")
    environment = {**build_environment(studio, path), **(variables or {})}
    code_server(studio, environment, "--install-extension", str(extension)).wait(START_TIMEOUT_S)
    wrapper = read_only(studio.workspace) if is_read_only else ()
    process = code_server(studio, environment, *options(studio), wrapper=wrapper)
    try:
        wait_until_healthy(studio, process)
        yield studio
    finally:
        end(studio, process)
        shutil.rmtree(folder, ignore_errors=True)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def build_environment(studio: Studio, path: str) -> dict[str, str]:
    kept = {
        name: os.environ[name] for name in ("LANG", "PIP_INDEX_URL", "PIP_CONFIG_FILE") if name in os.environ
    }
    return {
        **kept,
        "PATH": path or os.environ["PATH"],
        "HOME": str(studio.home),
        "XDG_CONFIG_HOME": str(studio.home / ".config"),
        "EDGEWISE_CONFIG": str(studio.home / "config.toml"),
        "EDGEWISE_CACHE_DIR": str(studio.home / "cache"),
        "EDGEWISE_RUNTIME_DIR": str(studio.home / "run"),
        "EXTENSIONS_GALLERY": "{}",
    }


def read_only(folder: Path) -> tuple[str, ...]:
    """What a program is started with to see `folder` on a disk that cannot be written."""
    mount = f'mount --bind "{folder}" "{folder}" && mount -o remount,ro,bind "{folder}" && exec "$@"'
    return ("unshare", "--mount", "sh", "-c", mount, "sh")


def code_server(
    studio: Studio, environment: Mapping[str, str], *arguments: str, wrapper: Sequence[str] = ()
) -> subprocess.Popen[bytes]:
    program = [str(CACHE / "node24/bin/node"), str(CACHE / "code-server/out/node/entry.js")]
    places = ["--user-data-dir", str(studio.data), "--extensions-dir", str(studio.folder / "extensions")]
    with (studio.folder / "code-server.log").open("ab") as log:
        return subprocess.Popen(
            [*wrapper, *program, *places, "--config", str(studio.folder / "config.yaml"), *arguments],
            env=dict(environment), stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip


def options(studio: Studio) -> list[str]:
    trust = ["--disable-workspace-trust"] if studio.trusts else []
    return [
        "--auth", "none", "--bind-addr", f"127.0.0.1:{studio.port}",
        "--disable-telemetry", "--disable-update-check", "--disable-getting-started-override",
        "--disable-proxy", "--ignore-last-opened", "--session-socket", str(studio.session),
        "--reconnection-grace-time", "3", *trust,
    ]  # fmt: skip


def wait_until_healthy(studio: Studio, process: subprocess.Popen[bytes]) -> None:
    end_at = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < end_at:
        with suppress(OSError):
            if urllib.request.urlopen(f"{studio.address}/healthz", timeout=5).status == 200:
                return
        with suppress(subprocess.TimeoutExpired):  # the wait for the next try ends at once when it died
            process.wait(0.2)
            break
    raise AssertionError((studio.folder / "code-server.log").read_text())


def end(studio: Studio, process: subprocess.Popen[bytes]) -> None:
    """Language servers end with their extension host, engine hosts a second after the last of them."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        process.wait(GONE_TIMEOUT_S)
    left = studio.processes("")
    _, alive = psutil.wait_procs(left, GONE_TIMEOUT_S)
    for survivor in alive:
        print("SURVIVOR", survivor.cmdline())
        with suppress(psutil.Error):
            survivor.kill()
