"""A head start for the engine host: it loads the model while this process still imports the server.

Runs in the session, before there is an event loop. The editor's settings are not known yet, so the model is
the one that was used last. A wrong guess costs a host that ends by itself after half a minute; the session
attaches to the right one anyway, and says how long that is to stay.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from pydantic import ValidationError

from lsp_server.engine import build_spec
from lsp_server.settings import ModelSettings, cache_folder, load
from model.protocol import HostStatus, ModelRefused
from model.supervisor import Supervisor

UNUSED_S = 30.0  # until the session has come


def _memory_file() -> Path:
    return cache_folder() / "last-model.json"


def remember(settings: ModelSettings) -> None:
    """For the next start. That it cannot be written is no harm."""
    with suppress(OSError):
        _memory_file().parent.mkdir(parents=True, exist_ok=True)
        _memory_file().write_text(settings.model_dump_json(), "utf-8")


def recall() -> ModelSettings:
    """What was used last; when nothing was, or it cannot be read, what the user's file says."""
    try:
        return ModelSettings.model_validate_json(_memory_file().read_text("utf-8"))
    except (OSError, UnicodeDecodeError, ValidationError):
        return load()[0].model


def begin() -> None:
    """Starts the host, or finds it running, in a thread."""
    with suppress(ModelRefused):
        spec = build_spec(recall())
        Supervisor(replace(spec, idle_exit_s=min(spec.idle_exit_s, UNUSED_S)), _ignore).start()


def _ignore(_: HostStatus) -> None:
    """The session's own supervisor tells how things stand."""
