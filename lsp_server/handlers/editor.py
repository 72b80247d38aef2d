"""The editor as the session sees it, spoken in LSP: status, messages, progress, configuration.

Runs in the session. Must not know the model or the index.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

from lsprotocol import types
from pygls.exceptions import JsonRpcException
from pygls.lsp.server import LanguageServer

from lsp_server.handlers.profile import Profile
from lsp_server.status import Progress, Status

STATUS_METHOD = "edgewise/status"
CONFIGURATION_TIMEOUT_S = 2.0

logger = logging.getLogger(__name__)


class SilentProgress:
    """For an editor that shows none."""

    def report(self, message: str, percentage: int | None = None) -> None:
        pass

    def end(self, message: str = "") -> None:
        pass


class TokenProgress:
    """Work-done progress under a token that the client knows."""

    def __init__(
        self, server: LanguageServer, token: types.ProgressToken, title: str, *, cancellable: bool
    ) -> None:
        self._server = server
        self._token = token
        self._send(types.WorkDoneProgressBegin(title=title, cancellable=cancellable))

    def report(self, message: str, percentage: int | None = None) -> None:
        self._send(types.WorkDoneProgressReport(message=message, percentage=percentage))

    def end(self, message: str = "") -> None:
        self._send(types.WorkDoneProgressEnd(message=message or None))

    def _send(
        self, value: types.WorkDoneProgressBegin | types.WorkDoneProgressReport | types.WorkDoneProgressEnd
    ) -> None:
        self._server.progress(types.ProgressParams(token=self._token, value=value))


class CreatedProgress:
    """Progress that the server opens: the client must agree to the token before anything is sent under it."""

    def __init__(self, editor: LspEditor, server: LanguageServer, title: str) -> None:
        self._server = server
        self._title = title
        self._progress: TokenProgress | None = None
        self._is_over = False
        editor.run(self._create())

    async def _create(self) -> None:
        token = f"edgewise-{uuid4()}"
        await self._server.window_work_done_progress_create_async(types.WorkDoneProgressCreateParams(token))
        if not self._is_over:
            self._progress = TokenProgress(self._server, token, self._title, cancellable=False)

    def report(self, message: str, percentage: int | None = None) -> None:
        if self._progress is not None:
            self._progress.report(message, percentage)

    def end(self, message: str = "") -> None:
        self._is_over = True
        if self._progress is not None:
            self._progress.end(message)
            self._progress = None


class LspEditor:
    """The session's `Editor`."""

    def __init__(self, server: LanguageServer) -> None:
        self.profile = Profile()
        self._server = server
        self._tasks: set[asyncio.Task[None]] = set()
        self._cancellable: dict[types.ProgressToken, asyncio.Task[Any]] = {}

    def show_status(self, status: Status) -> None:
        self._server.protocol.notify(STATUS_METHOD, status_json(status))

    def show_error(self, sentence: str) -> None:
        self._show(types.MessageType.Error, sentence)

    def show_warning(self, sentence: str) -> None:
        self._show(types.MessageType.Warning, sentence)

    def show_info(self, sentence: str) -> None:
        self._show(types.MessageType.Info, sentence)

    def show_document(self, uri: str, instead: str) -> None:
        """Has the client open a document; where it does not, it shows the sentence."""
        self.run(self._show_document(types.ShowDocumentParams(uri=uri, take_focus=True), instead))

    async def _show_document(self, params: types.ShowDocumentParams, instead: str) -> None:
        try:
            answer = await self._server.window_show_document_async(params)
        except JsonRpcException:
            answer = None
        if not isinstance(answer, Mapping) or answer.get("success") is not True:
            self.show_info(instead)

    def _show(self, kind: types.MessageType, sentence: str) -> None:
        self._server.window_show_message(types.ShowMessageParams(kind, f"edgewise: {sentence}"))

    def open_progress(self, title: str) -> Progress:
        if not self.profile.has_progress:
            return SilentProgress()
        return CreatedProgress(self, self._server, title)

    @contextmanager
    def cancellable_work(self, token: types.ProgressToken | None, title: str) -> Iterator[None]:
        """Shows the running task under the token that came with its request, if one came."""
        task = asyncio.current_task()
        if task is None or not isinstance(token, str | int):
            yield
            return
        progress = TokenProgress(self._server, token, title, cancellable=True)
        self._cancellable[token] = task
        try:
            yield
        finally:
            del self._cancellable[token]
            progress.end()

    def cancel_work(self, token: types.ProgressToken) -> None:
        task = self._cancellable.get(token) if isinstance(token, str | int) else None
        if task is not None:
            task.cancel()

    def send_partial(self, token: types.ProgressToken, value: Mapping[str, Any]) -> None:
        self._server.progress(types.ProgressParams(token=token, value=value))

    async def fetch_settings(self) -> Mapping[str, Any] | None:
        """The section `edgewise` of the editor's configuration. None: the editor does not say."""
        if not self.profile.has_configuration:
            return None
        item = types.ConfigurationItem(section="edgewise")
        try:
            async with asyncio.timeout(CONFIGURATION_TIMEOUT_S):
                answer = await self._server.workspace_configuration_async(types.ConfigurationParams([item]))
        except (JsonRpcException, TimeoutError) as error:
            logger.warning("The editor did not tell its settings: %s", error)
            return None
        first = answer[0] if isinstance(answer, list) and answer else None
        return first if isinstance(first, Mapping) else {}

    def register(self, method: str, options: Mapping[str, Any]) -> None:
        """Asks the client to send `method` from now on."""
        registration = types.Registration(id=f"edgewise-{method}", method=method, register_options=options)
        request = self._server.client_register_capability_async(types.RegistrationParams([registration]))
        self.run(request)

    def run(self, request: Coroutine[Any, Any, Any]) -> None:
        """Sends a request whose answer changes nothing. That the client refuses is its own affair."""
        task = asyncio.create_task(_unless_refused(request))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def status_json(status: Status) -> dict[str, Any]:
    """What `edgewise/status` and the command `edgewise.status` say."""
    return {
        "state": status.state.value,
        "message": status.message,
        "model": status.model,
        "engine": status.engine,
        "family": status.family,
        "note": status.note,
        "index": {
            "ready": status.index.is_ready,
            "files": status.index.n_files,
            "symbols": status.index.n_symbols,
            "done": status.index.n_done,
            "total": status.index.n_total,
            "doing": status.index.doing,
        },
    }


async def _unless_refused(request: Coroutine[Any, Any, Any]) -> None:
    try:
        await request
    except JsonRpcException as error:
        logger.info("The editor refused a request: %s", error)
