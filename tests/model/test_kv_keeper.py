"""A KV cache that outlives its host: restored and checked, never of a prompt that may not lie on disk."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from model import kv_keeper
from model.client import ModelClient
from model.kv_store import read_tokens
from model.protocol import FimPrompt, GenerationOptions, Purpose, Usage
from model.slots import Seat
from tests.model.families import FixedSource
from tests.model.hosting import BUILTIN, Host, eventually, running_host

CODE = Path(kv_keeper.__file__).read_text("utf-8")[:3000]
PROMPT = FimPrompt(prefix=CODE, suffix="", path="model/kv_keeper.py")


class Seated(FixedSource):
    """As the supervisor answers: this session's slot is the first one."""

    def find_slots(self, purpose: Purpose) -> Sequence[int]:
        return Seat(0, 4).find_slots(purpose)


@asynccontextmanager
async def open_client(host: Host, folder: Path) -> AsyncIterator[ModelClient]:
    client = ModelClient(Seated(host.endpoint), kv_folder=folder)
    yield client
    await client.aclose()


def kept(folder: Path, ending: str = "kv") -> list[Path]:
    return list(folder.rglob(f"*.{ending}"))


async def ask(client: ModelClient, prompt: FimPrompt = PROMPT, *, may_keep: bool = True) -> Usage:
    tokens = await client.build_prompt(prompt)
    options = GenerationOptions(n_predict=4, may_keep=may_keep)
    usages = [piece.usage async for piece in client.complete(tokens, options) if piece.usage]
    return usages[-1]


async def test_a_restart_costs_no_prefill(runtime_root: Path, tmp_path: Path) -> None:
    with running_host(runtime_root, BUILTIN) as host:
        async with open_client(host, tmp_path / "kv") as client:
            first = await ask(client)
    assert first.n_cached == 0
    assert kept(tmp_path)
    with running_host(runtime_root, BUILTIN) as host:
        async with open_client(host, tmp_path / "kv") as client:
            again = await ask(client)
        assert not list(host.meeting.kv_folder.iterdir())
    assert again.n_cached >= again.n_prompt - 1
    assert again.n_prompt == first.n_prompt > kv_keeper.N_LEAST


async def test_turning_back_to_a_file_costs_no_prefill(runtime_root: Path, tmp_path: Path) -> None:
    other = FimPrompt(prefix="# other\n" + CODE[::-1], suffix="", path="other.py")
    with running_host(runtime_root, BUILTIN) as host:
        async with open_client(host, tmp_path / "kv") as client:
            await ask(client)
            assert (await ask(client, other)).n_cached < 20
            again = await ask(client)
    assert again.n_cached >= again.n_prompt - 1


async def test_a_prefill_is_kept_too(runtime_root: Path, tmp_path: Path) -> None:
    with running_host(runtime_root, BUILTIN) as host:
        async with open_client(host, tmp_path / "kv") as client:
            await client.prefill(await client.build_prompt(PROMPT), may_keep=True)
    assert kept(tmp_path)


async def test_an_ignored_file_is_never_kept(runtime_root: Path, tmp_path: Path) -> None:
    """The allowed one that was asked for before it is."""
    with running_host(runtime_root, BUILTIN) as host:
        async with open_client(host, tmp_path / "kv") as client:
            allowed = (await client.build_prompt(PROMPT)).ids
            await ask(client)
            await ask(client, FimPrompt(prefix="SECRET = 1\n" + CODE, suffix=""), may_keep=False)
        assert not list(host.meeting.kv_folder.iterdir())
    (path,) = kept(tmp_path)
    assert list(read_tokens(path))[: len(allowed)] == allowed


async def test_another_sessions_prompt_in_the_slot_is_not_kept(runtime_root: Path, tmp_path: Path) -> None:
    with running_host(runtime_root, BUILTIN) as host:
        async with open_client(host, tmp_path / "kv") as client:
            await ask(client)
            host.complete(host.tokenize("SECRET = 2\n" * 60), n_predict=1, id_slot=0)
    assert not kept(tmp_path)


async def test_it_is_saved_when_the_session_rests(
    runtime_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kv_keeper, "REST_S", 0.0)
    with running_host(runtime_root, BUILTIN) as host:
        async with open_client(host, tmp_path / "kv") as client:
            await ask(client)
            await asyncio.to_thread(eventually, lambda: kept(tmp_path, "json"), "a kept KV cache")


@pytest.mark.parametrize("content", [b"PK\3\4" * 50, b""])
async def test_a_damaged_file_costs_a_prefill_and_is_deleted(
    runtime_root: Path, tmp_path: Path, content: bytes
) -> None:
    with running_host(runtime_root, BUILTIN) as host:
        async with open_client(host, tmp_path / "kv") as client:
            await ask(client)
    (path,) = kept(tmp_path)
    path.write_bytes(path.read_bytes()[:4000] + content)
    with running_host(runtime_root, BUILTIN) as host:
        async with open_client(host, tmp_path / "kv") as client:
            assert (await ask(client)).n_cached == 0
            assert not path.exists()


async def test_what_the_engine_refuses_is_deleted(runtime_root: Path, tmp_path: Path) -> None:
    """A whole file by our own note, whose inside is not what this engine expects."""
    with running_host(runtime_root, BUILTIN) as host:
        async with open_client(host, tmp_path / "kv") as client:
            await ask(client)
        (path,) = kept(tmp_path)
        note = path.with_suffix(".json")
        path.write_bytes(path.read_bytes()[:-100_000])
        note.write_text(f'{{"sha256": "{_sha256(path)}"}}')
        host.complete([1, 2, 3], n_predict=1, id_slot=0)
        async with open_client(host, tmp_path / "kv") as client:
            assert (await ask(client)).n_cached < 10
            assert not path.exists()


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


async def test_switched_off_nothing_is_kept(runtime_root: Path, tmp_path: Path) -> None:
    with running_host(runtime_root, BUILTIN) as host:
        client = ModelClient(Seated(host.endpoint))
        await ask(client)
        await client.aclose()
        assert not list(host.meeting.kv_folder.iterdir())
