"""Keeps a session's slot across restarts of the host: restores what fits before a prompt is posted, checks
that it was of use, and saves when the session rests.

Runs in the editor session. Saves a slot only when the last prompt in it was one that may be kept, and only
when the engine's own file names exactly its tokens: another session may have used the slot meanwhile. Must
not know HTTP; must not fail: whatever goes wrong costs one prefill.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from model.kv_store import KvFile, KvStore, find_key
from model.protocol import ModelError, ModelInfo
from model.sequences import count_common

N_LEAST: Final = 128  # tokens worth a file: fewer are evaluated in less time than reading them takes
CHECKED_SHARE: Final = 0.9  # of what was restored must be in the next answer's `cache_n`
REST_S: Final = 10.0
AGAIN_S: Final = 60.0  # an idle session does not write the same megabytes every few seconds

Post = Callable[[str, Mapping[str, object]], Awaitable[Any]]
log = logging.getLogger("edgewise.kv")


@dataclass(slots=True)
class _Slot:
    """What this session last saw of one slot."""

    ids: Sequence[int] = ()
    may_keep: bool = False
    restored: KvFile | None = None
    n_expected: int = 0
    saved: Sequence[int] = ()
    saved_at: float = -AGAIN_S


class KvKeeper:
    """For one host: another host, another keeper."""

    def __init__(self, folder: Path | None, info: ModelInfo, post: Post) -> None:
        """`folder` None: nothing is kept."""
        key = find_key(info)
        self._store = KvStore(folder, key) if folder and key else None
        self._post, self._transfer = post, Path(info.kv_folder)
        self._slots: dict[int, _Slot] = {}
        self._resting: asyncio.TimerHandle | None = None
        self._saving: asyncio.Task[None] | None = None

    async def before(self, slot: int, ids: Sequence[int]) -> None:
        """Restores, when this session has not used the slot yet or the prompt is another one altogether."""
        self._stop_resting()
        if self._store is None or slot < 0 or len(ids) < N_LEAST:
            return
        known = self._slots.setdefault(slot, _Slot())
        if known.ids and 2 * count_common(known.ids, ids) >= len(ids):
            return
        if known.may_keep and self._is_news(known):  # another file: this one may be turned back to
            await self._save(self._store, slot, known)
        file = await asyncio.to_thread(self._store.find, ids, max(N_LEAST, len(ids) // 2))
        if file is not None:
            await self._restore(self._store, slot, known, file, count_common(file.tokens, ids))

    def after(self, slot: int, ids: Sequence[int], n_cached: int, *, may_keep: bool) -> None:
        """What the host said of a prompt: the check of what was restored, and what may be saved later."""
        if self._store is None or slot < 0:
            return
        known = self._slots.setdefault(slot, _Slot())
        if known.restored and n_cached < CHECKED_SHARE * known.n_expected:
            log.warning("A restored KV cache was of no use: it is deleted.")
            self._store.drop(known.restored.path)
        known.restored, known.ids, known.may_keep = None, tuple(ids), may_keep
        self._rest()

    async def save(self) -> None:
        """Saves every slot whose prompt is new enough and may be kept."""
        self._stop_resting()
        for slot, known in self._slots.items():
            is_soon = time.monotonic() - known.saved_at < AGAIN_S
            if self._store and known.may_keep and not is_soon and self._is_news(known):
                await self._save(self._store, slot, known)

    async def aclose(self) -> None:
        """Saves a last time. What takes too long is left."""
        if self._saving:
            self._saving.cancel()
        for known in self._slots.values():
            known.saved_at = -AGAIN_S
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(2.0):
                await self.save()
        self._stop_resting()

    def forget(self) -> None:
        """The host is gone, and with it what its slots held."""
        self._stop_resting()
        self._slots.clear()

    def _is_news(self, known: _Slot) -> bool:
        if len(known.ids) < N_LEAST:
            return False
        return count_common(known.saved, known.ids) < CHECKED_SHARE * len(known.ids)

    async def _save(self, store: KvStore, slot: int, known: _Slot) -> None:
        written, ids = self._transfer / f"{secrets.token_hex(8)}.kv", known.ids
        try:
            await self._post(f"/slots/{slot}?action=save", {"filename": written.name})
            if await asyncio.to_thread(store.put, written, ids):
                known.saved, known.saved_at = ids, time.monotonic()
        except (ModelError, OSError) as error:
            log.info("A KV cache could not be kept: %s", type(error).__name__)
        finally:
            written.unlink(missing_ok=True)

    async def _restore(self, store: KvStore, slot: int, known: _Slot, file: KvFile, n_common: int) -> None:
        link = self._transfer / f"{secrets.token_hex(8)}.kv"
        try:
            link.symlink_to(file.path)
            await self._post(f"/slots/{slot}?action=restore", {"filename": link.name})
        except (ModelError, OSError):
            log.warning("A kept KV cache could not be restored: it is deleted.")
            await asyncio.to_thread(store.drop, file.path)
        else:
            known.restored, known.n_expected = file, n_common
        finally:
            link.unlink(missing_ok=True)

    def _rest(self) -> None:
        self._stop_resting()
        self._resting = asyncio.get_running_loop().call_later(REST_S, self._begin_saving)

    def _begin_saving(self) -> None:
        self._saving = asyncio.ensure_future(self.save())

    def _stop_resting(self) -> None:
        if self._resting:
            self._resting.cancel()
            self._resting = None
