"""One blocking request to an engine host, over its private socket or its loopback port.

Runs wherever a thread may wait: in the engine host, which asks itself, and in the model commands; the session
has its own asynchronous client. Must not know prompts, sessions or engines.
"""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Mapping
from typing import Any, Final

TIMEOUT_S: Final = 30.0


class WireError(Exception):
    """No answer, or one that is not good. `status` is 0 when there was none. The text holds no prompt."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class Wire:
    """Where one host listens. Opens a connection for each request."""

    def __init__(
        self,
        socket_path: str = "",
        base_url: str = "http://localhost",
        api_key: str = "",
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        self._socket_path, self._base_url, self._timeout_s = socket_path, base_url, timeout_s
        self._headers = {"Content-Type": "application/json", "Connection": "close"}
        if api_key:
            self._headers["Authorization"] = f"Bearer {api_key}"

    def get(self, path: str) -> Any:  # noqa: ANN401  (JSON)
        return self._ask("GET", path, None)

    def post(self, path: str, body: Mapping[str, object]) -> Any:  # noqa: ANN401  (JSON)
        return self._ask("POST", path, json.dumps(body))

    def _ask(self, method: str, path: str, body: str | None) -> Any:  # noqa: ANN401
        connection = _Connection(self._socket_path, self._base_url, self._timeout_s)
        try:
            connection.request(method, path, body, self._headers)
            response = connection.getresponse()
            text = response.read()
            if response.status != 200:
                raise WireError(response.status, f"HTTP {response.status}")
            return json.loads(text)
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise WireError(0, type(error).__name__) from error
        finally:
            connection.close()


class _Connection(http.client.HTTPConnection):
    """By socket or port."""

    def __init__(self, socket_path: str, base_url: str, timeout_s: float) -> None:
        super().__init__(base_url.removeprefix("http://").rstrip("/"), timeout=timeout_s)
        self._socket_path, self._timeout_s = socket_path, timeout_s

    def connect(self) -> None:
        if not self._socket_path:
            return super().connect()
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self._timeout_s)
        self.sock.connect(self._socket_path)
        return None
