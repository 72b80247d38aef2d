"""Keeps an engine host at hand for one editor session: attach or spawn, watch, respawn, and tell every
change of state.

Runs in the editor session, on its event loop; what may block runs in threads. Must not know LSP, prompts or
HTTP.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from filelock import FileLock

from model.attach import Attachment, HostDied, HostSpec, Stopped, attach, find_meeting
from model.meeting import FileIdentity, Meeting, read_identity, release
from model.protocol import (
    Endpoint,
    HostState,
    HostStatus,
    HostUnavailable,
    ModelError,
    ModelRefused,
    Pace,
    Purpose,
)
from model.slots import ANY_SLOT, Seat, take_seat
from model.watch import ExitWatch, end_silent_host, is_answering

__all__ = ["HostSpec", "Supervisor"]

BACKOFF_S: Final = (0.5, 1.0, 2.0, 4.0)
DEATHS_WINDOW_S: Final = 600.0
RECHECK_S: Final = 1.0
RESTS: Final = "nobody types: the host is let go"

log = logging.getLogger("edgewise.supervisor")


class Supervisor:
    """One session's hold on a host. `on_status` is called on the event loop, once for each change. `name` is
    what a person calls the model; "": what its file says.
    """

    def __init__(
        self,
        spec: HostSpec,
        on_status: Callable[[HostStatus], None],
        *,
        name: str = "",
        runtime_root: Path | None = None,
        backoff_s: Sequence[float] = BACKOFF_S,
    ) -> None:
        self._name = name
        self._spec, self._on_status = spec, on_status
        self._root, self._backoff_s = runtime_root, tuple(backoff_s)
        self._status = HostStatus(HostState.STOPPED)
        self._endpoint: Endpoint | None = None
        self._identity: FileIdentity | None = None
        self._error: ModelError | None = None
        self._checked_at = 0.0
        self._deaths: deque[float] = deque()
        self._stop = threading.Event()
        self._keeper: asyncio.Task[None] | None = None
        self._moved = asyncio.Event()  # replaced on every change; waiters wait on the one they saw
        self._wake = asyncio.Event()  # ends what the keeper waits for
        self._suspect = False
        self._restart_message: str | None = None
        self._log_path = Path()
        self._seat: Seat | None = None
        self._used_at = time.monotonic()
        self._meeting: Meeting | None = None
        self._pace = Pace()

    @property
    def status(self) -> HostStatus:
        return self._status

    @property
    def pace(self) -> Pace:
        """How fast the host is, as it said within the last seconds of use."""
        return self._pace

    def start(self) -> None:
        """Begins at once, also before there is an event loop: then the host loads while the session still
        imports.
        """
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            threading.Thread(target=self._start_early, name="early-host", daemon=True).start()
        else:
            self._ensure_keeper()

    async def connect(self) -> Endpoint:
        """Waits for a ready host. Raises ModelError with a sentence when there will be none."""
        self._ensure_keeper()
        self._note_use()
        await self._recheck()
        while True:
            moved = self._moved
            if self._endpoint and not self._suspect:
                return self._endpoint
            if self._error:
                raise self._error
            if self._keeper is None or self._keeper.done():
                raise HostUnavailable("The engine host was stopped: this session is ending.")
            await moved.wait()

    def _note_use(self) -> None:
        was_resting, self._used_at = self._is_resting(), time.monotonic()
        if was_resting:
            self._wake.set()

    def report_failure(self, endpoint: Endpoint) -> None:
        """The client lost this host, or hears nothing from it: find out and respawn."""
        if endpoint is self._endpoint and not self._suspect:
            self._suspect = True
            self._wake.set()

    def find_slots(self, purpose: Purpose) -> Sequence[int]:
        """Where this session's requests of a kind may be computed now; -1 where it does not matter."""
        return self._seat.find_slots(purpose) if self._seat else (ANY_SLOT,)

    async def aclose(self) -> None:
        """Lets go of the host, which ends by itself when nobody else uses it."""
        self._stop.set()
        if self._keeper:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
        self._set(HostState.STOPPED)

    # what follows runs in the keeper, one task for the life of the session

    def _ensure_keeper(self) -> None:
        if self._keeper is None and not self._stop.is_set():
            self._keeper = asyncio.create_task(self._keep(), name="host-keeper")

    async def _keep(self) -> None:
        while True:
            try:
                reason = await self._serve_once()
            except ModelRefused as error:
                await self._fail(error)
            except HostDied as death:
                await self._bury(str(death))
            except Exception as error:  # whatever a spawn raises, the session goes on
                log.exception("the engine host could not be started")
                await self._bury(f"could not be started ({error})")
            else:
                log.info("%s", reason)
                if reason is RESTS:
                    await self._rest()

    async def _serve_once(self) -> str:
        """From attaching to the end of the host. Returns when another is wanted; raises HostDied when it
        died.
        """
        message = self._restart_message or f"Loading {self._called}."
        self._restart_message = self._identity = None
        self._identity = await asyncio.to_thread(read_identity, self._spec.model)
        self._checked_at = time.monotonic()
        if self._status.state is not HostState.RESTARTING:
            self._set(HostState.STARTING, message)
        meeting, lease = await asyncio.to_thread(self._enter, self._identity)
        try:
            attachment = await asyncio.to_thread(attach, meeting, self._spec, self._stop)
            n_slots = attachment.endpoint.info.n_slots
            self._seat = await asyncio.to_thread(self._sit_down, meeting, n_slots)
            self._endpoint, self._error = self._with_name(attachment.endpoint), None
            self._set(HostState.READY)
            return await self._hold(meeting, attachment)
        finally:
            self._endpoint, self._suspect = None, False
            if self._seat:
                self._seat.leave()
            self._seat = None
            release(lease)

    def _sit_down(self, meeting: Meeting, n_slots: int) -> Seat:
        """The host may have been started with other wishes: by a head start, or by another session."""
        meeting.write_idle_exit(self._spec.idle_exit_s)
        return take_seat(meeting, n_slots)

    def _enter(self, identity: FileIdentity) -> tuple[Meeting, FileLock]:
        meeting = find_meeting(self._spec, identity, self._root)
        self._meeting, self._log_path = meeting, meeting.log_path
        return meeting, meeting.take_lease()

    async def _hold(self, meeting: Meeting, attachment: Attachment) -> str:
        async with ExitWatch(meeting, attachment.pid, self._wake.set) as watch:
            while True:
                await self._sleep()
                if watch.is_gone:
                    raise HostDied("ended unexpectedly")
                if self._restart_message is not None:
                    return self._restart_message
                if self._is_resting():
                    return RESTS
                if self._suspect and await asyncio.to_thread(is_answering, attachment):
                    self._suspect = False
                    self._tell_waiters()
                elif self._suspect:
                    await asyncio.to_thread(end_silent_host, meeting, attachment)

    async def _sleep(self) -> None:
        """Until something happens, or until it is time to look whether anybody still types."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._spec.unload_after_s or None):
                await self._wake.wait()
        self._wake.clear()

    @property
    def _called(self) -> str:
        return self._name or self._spec.model.name

    def _with_name(self, endpoint: Endpoint) -> Endpoint:
        return replace(endpoint, info=replace(endpoint.info, name=self._name)) if self._name else endpoint

    def _is_resting(self) -> bool:
        limit_s = self._spec.unload_after_s
        return limit_s > 0 and time.monotonic() - self._used_at >= limit_s

    async def _rest(self) -> None:
        """The host is let go, and ends when no other session types. The next key brings it back."""
        self._set(HostState.STOPPED, f"{self._called} is unloaded until the next key.")
        while self._is_resting():
            await self._sleep()

    async def _bury(self, reason: str) -> None:
        """After a death: wait and go on, or give up."""
        self._deaths.append(time.monotonic())
        if self._count_deaths() > len(self._backoff_s):
            n_deaths, name = self._count_deaths(), self._called
            await self._fail(
                HostUnavailable(
                    f"The engine host for {name} ended {n_deaths} times in ten minutes (it last {reason}): "
                    f"read {self._log_path}, then choose another model or engine."
                )
            )
            return
        self._set(HostState.RESTARTING, f"The engine host {reason}: starting it again.")
        await asyncio.sleep(self._backoff_s[self._count_deaths() - 1])

    async def _fail(self, error: ModelError) -> None:
        """Nothing more to do until `connect` finds a reason to try again."""
        self._error = error
        self._set(HostState.FAILED, str(error))
        while self._restart_message is None:
            self._wake.clear()
            await self._wake.wait()

    def _count_deaths(self) -> int:
        while self._deaths and time.monotonic() - self._deaths[0] > DEATHS_WINDOW_S:
            self._deaths.popleft()
        return len(self._deaths)

    # what follows runs in `connect`

    async def _recheck(self) -> None:
        """Has the model file been replaced or removed, or has enough time passed since the deaths?"""
        known, identity = (self._endpoint, self._error), self._identity
        if known == (None, None) or (self._endpoint and time.monotonic() - self._checked_at < RECHECK_S):
            return
        self._checked_at = time.monotonic()
        found = await asyncio.to_thread(self._look)
        if known != (self._endpoint, self._error):
            return
        if found != identity:
            self._restart(
                f"The model file {self._spec.model} was replaced: loading the new one." if found else ""
            )
        elif isinstance(self._error, HostUnavailable) and self._count_deaths() <= len(self._backoff_s):
            self._restart("Starting the engine host again.")

    def _look(self) -> FileIdentity | None:
        if self._meeting:
            self._pace = self._meeting.read_pace()
        return self._find_identity()

    def _find_identity(self) -> FileIdentity | None:
        try:
            return read_identity(self._spec.model)
        except ModelRefused:
            return None

    def _restart(self, message: str) -> None:
        self._endpoint = self._error = None
        self._restart_message = message
        if message:
            self._set(HostState.STARTING, message)
        self._wake.set()

    def _start_early(self) -> None:
        """Only gives the host a head start: the keeper attaches to it later, and meets and tells whatever
        is wrong.
        """
        with contextlib.suppress(ModelError, HostDied, Stopped, OSError):
            meeting, lease = self._enter(read_identity(self._spec.model))
            try:
                attach(meeting, self._spec, self._stop)
            finally:
                release(lease)

    def _set(self, state: HostState, message: str = "") -> None:
        info = self._endpoint.info if self._endpoint else None
        status = HostStatus(state, message, info)
        if status != self._status:
            self._status = status
            self._on_status(status)
        self._tell_waiters()

    def _tell_waiters(self) -> None:
        self._moved.set()
        self._moved = asyncio.Event()
