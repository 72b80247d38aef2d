"""Workspaces made for one test, and services on them that end with it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path

import pytest

from lsp_server.index.service import IndexService
from lsp_server.settings import IndexSettings

StartService = Callable[..., Awaitable[IndexService]]


def write_files(root: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return root


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "workspace"
    folder.mkdir()
    return folder


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
async def start_service(root: Path, cache: Path) -> AsyncIterator[StartService]:
    """Makes a service on `root` (or other roots), brings it up to date, and closes it after the test."""
    services: list[IndexService] = []

    async def start(*roots: Path, watch: bool = False, settings: IndexSettings | None = None) -> IndexService:
        service = IndexService(roots or [root], cache, settings)
        services.append(service)
        await service.start(watch=watch)
        await service.wait_ready()
        return service

    yield start
    for service in services:
        await service.aclose()
