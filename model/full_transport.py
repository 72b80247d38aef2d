"""The full HTTP client as a `Transport`: to a port of this machine or another. No proxies, no redirects.

Runs in the editor session, imported when it is needed. Must not know the API, prompts or how hosts start.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx2

from model.protocol import Endpoint
from model.transport import CONNECT_S, SEND_S, SILENCE_S, Response, TransportFailed, build_headers


class FullTransport:
    """See `model.transport.Transport`."""

    def __init__(self, endpoint: Endpoint) -> None:
        transport = httpx2.AsyncHTTPTransport(
            trust_env=False,
            verify=False,  # plain HTTP on this machine; loading the certificates would cost 60 ms
            limits=httpx2.Limits(max_connections=None, max_keepalive_connections=0),
        )
        self._http = httpx2.AsyncClient(
            transport=transport,
            base_url=endpoint.base_url,
            headers=build_headers(endpoint),
            timeout=httpx2.Timeout(SEND_S, connect=CONNECT_S, read=SILENCE_S),
            trust_env=False,
            follow_redirects=False,
        )

    @asynccontextmanager
    async def post(self, path: str, content: bytes) -> AsyncIterator[Response]:
        try:
            request = self._http.build_request("POST" if content else "GET", path, content=content)
            response = await self._http.send(request, stream=True)
        except httpx2.TransportError as error:
            raise TransportFailed("no answer") from error
        try:
            yield _FullResponse(response)
        finally:
            await response.aclose()

    async def aclose(self) -> None:
        await self._http.aclose()


class _FullResponse:
    def __init__(self, response: httpx2.Response) -> None:
        self.status = response.status_code
        self._response = response

    async def chunks(self) -> AsyncIterator[bytes]:
        try:
            async for chunk in self._response.aiter_raw():
                yield chunk
        except httpx2.TransportError as error:
            raise TransportFailed("the answer broke off") from error
