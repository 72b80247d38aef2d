"""The language server on stdio: the table of handlers, the lifecycle, and the one error boundary.

Runs in the session. Must not know what any handler does. Every request is answered exactly once: by its
handler's result, by the error that it raised, or by a refusal; then the server goes on, whatever came.

A handler is a plain function. What it does before it returns happens before the next message is read, so that
is where it takes its snapshot. A coroutine that it returns runs on as a task, which `$/cancelRequest`
cancels.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import logging
import traceback
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import InvalidStateError
from enum import Enum
from functools import partial
from pathlib import Path
from typing import Any, cast

from cattrs import Converter
from cattrs.errors import BaseValidationError
from lsprotocol import types
from pygls.exceptions import (
    JsonRpcException,
    JsonRpcInternalError,
    JsonRpcInvalidParams,
    JsonRpcInvalidRequest,
    JsonRpcMethodNotFound,
    JsonRpcParseError,
    JsonRpcRequestCancelled,
    JsonRpcServerNotInitialized,
)
from pygls.lsp.server import LanguageServer
from pygls.protocol import LanguageServerProtocol, default_converter

from lsp_server.handlers import (
    code_actions,
    commands,
    documents,
    inline_completion,
    lifecycle,
    notebooks,
    workspace,
)
from lsp_server.handlers.editor import LspEditor
from lsp_server.handlers.profile import Profile
from lsp_server.handlers.window import Window
from lsp_server.parent import wait_for_death
from lsp_server.session import Session
from lsp_server.wire import BadMessage, MessageReader, MessageWriter

logger = logging.getLogger(__name__)

Handler = Callable[[Window, Any], object]
MessageId = int | str | float

HANDLERS: Mapping[str, Handler] = {
    types.INITIALIZE: lifecycle.on_initialize,
    types.INITIALIZED: lifecycle.on_initialized,
    types.SHUTDOWN: lifecycle.on_shutdown,
    types.SET_TRACE: lifecycle.on_set_trace,
    types.TEXT_DOCUMENT_DID_OPEN: documents.on_did_open,
    types.TEXT_DOCUMENT_DID_CHANGE: documents.on_did_change,
    types.TEXT_DOCUMENT_DID_SAVE: documents.on_did_save,
    types.TEXT_DOCUMENT_DID_CLOSE: documents.on_did_close,
    documents.CURSOR_MOVED: documents.on_cursor_moved,
    types.NOTEBOOK_DOCUMENT_DID_OPEN: notebooks.on_did_open,
    types.NOTEBOOK_DOCUMENT_DID_CHANGE: notebooks.on_did_change,
    types.NOTEBOOK_DOCUMENT_DID_SAVE: notebooks.on_did_save,
    types.NOTEBOOK_DOCUMENT_DID_CLOSE: notebooks.on_did_close,
    types.TEXT_DOCUMENT_INLINE_COMPLETION: inline_completion.on_inline_completion,
    types.TEXT_DOCUMENT_CODE_ACTION: code_actions.on_code_action,
    types.CODE_ACTION_RESOLVE: code_actions.on_resolve,
    types.WORKSPACE_EXECUTE_COMMAND: commands.on_execute_command,
    types.WORKSPACE_DID_CHANGE_CONFIGURATION: workspace.on_did_change_configuration,
    types.WORKSPACE_DID_CHANGE_WATCHED_FILES: workspace.on_did_change_watched_files,
    types.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS: workspace.on_did_change_workspace_folders,
    types.WINDOW_WORK_DONE_PROGRESS_CANCEL: workspace.on_work_done_progress_cancel,
}

# What older and newer clients send is made valid before it is validated.
TOLERATED: Mapping[str, Callable[[object], object]] = {
    types.TEXT_DOCUMENT_INLINE_COMPLETION: inline_completion.tolerate,
    types.TEXT_DOCUMENT_DID_CHANGE: documents.tolerate,
    types.TEXT_DOCUMENT_CODE_ACTION: code_actions.tolerate,
}

# These take the JSON as it came: a client newer than our types must still be able to start.
UNSTRUCTURED = frozenset({types.INITIALIZE, types.INITIALIZED, types.SHUTDOWN, documents.CURSOR_MOVED})

FINISH_TIMEOUT_S = 2.0

_INVALID = (BaseValidationError, ValueError, TypeError, KeyError, AttributeError, RecursionError)


class Phase(Enum):
    """Where the conversation stands."""

    NEW = "new"
    RUNNING = "running"
    SHUT_DOWN = "shut down"


_ORIGIN = {"line": 0, "character": 0}
AN_EDIT = {
    "textDocument": {"uri": "", "version": 0},
    "contentChanges": [{"range": {"start": _ORIGIN, "end": _ORIGIN}, "text": ""}],
}


class Protocol(LanguageServerProtocol):
    """pygls' protocol with its receiving half replaced: bare pygls leaves requests that do not validate
    unanswered."""

    def __init__(self, server: LanguageServer, converter: Converter) -> None:
        super().__init__(server, converter)
        editor = LspEditor(server)
        self.window = Window(Session(editor), editor)
        self.ended = asyncio.Event()
        self.phase = Phase.NEW
        self._running: dict[MessageId, asyncio.Task[Any]] = {}
        self._watch: asyncio.Task[None] | None = None

    def warm_up(self) -> None:
        """The converter writes its code for a type when it meets it first, and some of it again the second
        time: 10 and 7 ms for the first answer, 8 for the first edit, here before anybody waits."""
        for _ in range(2):
            self._converter.unstructure(lifecycle.build_result(Profile()))
            self._converter.structure(AN_EDIT, types.DidChangeTextDocumentParams)

    def _register_builtin_features(self) -> None:
        """None: HANDLERS is the whole table, and documents are the session's."""

    # --- receiving ------------------------------------------------------------------------------------------

    def receive(self, message: object) -> None:
        """One JSON value from the client; a list is a batch."""
        if isinstance(message, list) and message:
            for item in message:
                self._receive_one(item)
        else:
            self._receive_one(message)

    def _receive_one(self, message: object) -> None:
        if isinstance(message, BadMessage):
            self._refuse(None, JsonRpcParseError(message.reason))
        elif not isinstance(message, dict):
            self._refuse(None, JsonRpcInvalidRequest("A message is a JSON object."))
        elif "method" not in message and ("result" in message or "error" in message):
            self._receive_response(message)
        elif "id" in message:
            self._receive_request(message)
        elif isinstance(message.get("method"), str):
            self._receive_notification(message["method"], message.get("params"))
        else:
            self._refuse(None, JsonRpcInvalidRequest("The message has neither a method nor an id."))

    def _receive_request(self, message: dict[str, Any]) -> None:
        message_id, method = message["id"], message.get("method")
        if isinstance(message_id, bool) or not isinstance(message_id, int | str | float):
            self._refuse(None, JsonRpcInvalidRequest("The id of a request is a number or a string."))
        elif not isinstance(method, str):
            self._refuse(message_id, JsonRpcInvalidRequest("The method of a request is a string."))
        elif message_id in self._running:
            self._refuse(message_id, JsonRpcInvalidRequest("A request with this id is still running."))
        elif refusal := self._refusal(method):
            self._refuse(message_id, refusal)
        else:
            self._handle(method, message.get("params"), message_id)

    def _refusal(self, method: str) -> JsonRpcException | None:
        """Why a request of this method is not served now."""
        if self.phase is Phase.SHUT_DOWN:
            return JsonRpcInvalidRequest("The server was shut down.")
        if method == types.INITIALIZE:
            already = "The server is initialized already."
            return JsonRpcInvalidRequest(already) if self.phase is Phase.RUNNING else None
        if self.phase is Phase.NEW:
            return JsonRpcServerNotInitialized("The first request must be initialize.")
        if method not in HANDLERS:
            return JsonRpcMethodNotFound(f"There is no method {method[:80]!r}.")
        return None

    def _receive_notification(self, method: str, params: object) -> None:
        if method == types.EXIT:
            self.ended.set()
        elif self.phase is not Phase.RUNNING:
            logger.info("Dropped a notification that came while the server was %s.", self.phase.value)
        elif method == types.CANCEL_REQUEST:
            self._cancel(params)
        elif method in HANDLERS:
            self._handle(method, params, None)

    def _receive_response(self, message: dict[str, Any]) -> None:
        """The client's answer to a request of ours; anything else is none of our business."""
        message_id = message.get("id")
        future = self._request_futures.pop(message_id, None) if isinstance(message_id, str) else None
        if future is None or not isinstance(message_id, str):
            logger.info("Dropped an answer to no request.")
            return
        self._result_types.pop(message_id, None)  # pygls' note; the handlers take answers as they came
        try:
            if "error" in message:
                future.set_exception(JsonRpcException(f"The client refused: {str(message['error'])[:200]}"))
            else:
                future.set_result(message["result"])
        except InvalidStateError:
            logger.info("Dropped an answer that nobody waits for any more.")

    def _cancel(self, params: object) -> None:
        message_id = params.get("id") if isinstance(params, dict) else None
        task = self._running.get(message_id) if isinstance(message_id, int | str | float) else None
        if task is not None:
            task.cancel()

    # --- handling: the error boundary -----------------------------------------------------------------------

    def _handle(self, method: str, params: object, message_id: MessageId | None) -> None:
        """Calls the handler. With an id, the outcome, whatever it is, becomes the one answer."""
        try:
            outcome = HANDLERS[method](self.window, self._structured(method, params))
        except Exception as error:  # noqa: BLE001 - the one error boundary
            self._fail(method, message_id, error)
            return
        if method == types.INITIALIZE:
            self._begin()
        elif method == types.SHUTDOWN:
            self._begin_shutdown()
        if inspect.iscoroutine(outcome):
            self._run(method, outcome, message_id)
        elif message_id is not None:
            self._answer(message_id, outcome)

    def _structured(self, method: str, params: object) -> object:
        if method in UNSTRUCTURED:
            return params
        tolerate = TOLERATED.get(method)
        try:
            valid = tolerate(params) if tolerate else params
            return self._converter.structure(valid, cast(Any, types.METHOD_TO_TYPES[method][2]))
        except _INVALID as error:
            raise JsonRpcInvalidParams(f"The parameters of {method} are not valid.") from error

    def _run(self, method: str, work: Coroutine[Any, Any, object], message_id: MessageId | None) -> None:
        task = asyncio.create_task(work, name=method)
        key = message_id if message_id is not None else f"notification {id(task)}"
        self._running[key] = task
        task.add_done_callback(partial(self._finish, method, key, message_id))

    def _finish(
        self, method: str, key: MessageId, message_id: MessageId | None, task: asyncio.Task[object]
    ) -> None:
        del self._running[key]
        if task.cancelled():
            self._fail(method, message_id, JsonRpcRequestCancelled("The request was cancelled."))
        elif error := task.exception():
            self._fail(method, message_id, error)
        elif message_id is not None:
            self._answer(message_id, task.result())

    def _fail(self, method: str, message_id: MessageId | None, error: BaseException) -> None:
        if not isinstance(error, JsonRpcException):
            logger.error("%s failed: %s", method, _described(error))
            error = JsonRpcInternalError(f"{method} failed: {type(error).__name__}")
        elif message_id is None:
            logger.warning("Dropped a %s: %s", method, error.message)
        if message_id is not None:
            self._refuse(message_id, error)

    # --- sending --------------------------------------------------------------------------------------------

    def _answer(self, message_id: MessageId, result: object) -> None:
        self._send_data({"jsonrpc": "2.0", "id": message_id, "result": result})

    def _refuse(self, message_id: MessageId | None, error: JsonRpcException) -> None:
        """An answer with an error. Without an id it tells a client that we could not make out what it
        asked."""
        description = {"code": error.code, "message": error.message}
        self._send_data({"jsonrpc": "2.0", "id": message_id, "error": description})

    def _send_data(self, data: object) -> None:
        """pygls' own logs what it sends; code must not be logged."""
        if isinstance(self.writer, MessageWriter):
            body = json.dumps(data, default=self._serialize_message, separators=(",", ":")).encode()
            self.writer.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))

    # --- beginning and end ----------------------------------------------------------------------------------

    def _begin(self) -> None:
        self.phase = Phase.RUNNING
        if process_id := self.window.editor.profile.process_id:
            self._watch = asyncio.create_task(wait_for_death(process_id))
            self._watch.add_done_callback(lambda _: self.ended.set())

    def _begin_shutdown(self) -> None:
        self.phase = Phase.SHUT_DOWN
        for task in self._running.values():
            task.cancel()

    async def finish(self) -> None:
        """Lets what still runs come to its answer."""
        for task in self._running.values():
            if task.get_name() != types.SHUTDOWN:
                task.cancel()
        if self._running:
            await asyncio.wait(self._running.values(), timeout=FINISH_TIMEOUT_S)


def _described(error: BaseException) -> str:
    """The type and where it was raised; never the message, which may quote code."""
    frames = traceback.extract_tb(error.__traceback__)
    where = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}{where}"


def _on_loop_error(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """What a callback raised that nobody waits for. Cancelling a wait for a socket at the moment when the
    socket is ready makes anyio set the result of a cancelled future: that is no error of anybody."""
    error = context.get("exception")
    if isinstance(error, BaseException) and not isinstance(error, asyncio.InvalidStateError):
        logger.error("A callback failed: %s", _described(error))


async def serve(source: int, target: int) -> int:
    """Serves one client until it leaves. The exit status is 0 only after a `shutdown` request."""
    server = LanguageServer(
        "edgewise", lifecycle.VERSION, protocol_cls=Protocol, converter_factory=default_converter
    )
    protocol = cast(Protocol, server.protocol)
    writer = MessageWriter(target)
    protocol.set_writer(writer)
    protocol.warm_up()
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(_on_loop_error)
    reader = MessageReader(source, loop, protocol.receive, protocol.ended.set)
    reader.start()
    await protocol.ended.wait()
    await protocol.finish()
    await protocol.window.session.aclose()
    writer.close()
    return 0 if protocol.phase is Phase.SHUT_DOWN else 1
