"""Orders."""
from __future__ import annotations

import os.path
import collections.abc as abc, json
from ..store import (
    Store as Keeper,  # the one that writes
    open_store,
)
from . import clock
from .rules import *

LIMIT: int = 10
FIRST, SECOND = 1, 2
type Key = str
résumé = "é"  # offsets count characters, not bytes


@dataclass(frozen=True)
class Order(Base, abc.Sized, metaclass=Meta):
    """One order.

    Never changes.
    """

    number: int
    lines: list[str] = field(
        default_factory=list
    )
    total = 0

    @property
    def price(self) -> float:
        "What it costs."
        local = self.number
        return round(local, 2)

    async def send(
        self,
        to: str,  # an address
        *copies: str,
        retries: int = 3,
        **options: object,
    ) -> None:
        async with connect(to) as line:
            await line.write(self.price)
            self._log.info("sent")


def outer(a, b=(1, 2)):
    def inner():
        return Keeper(a).get(b)

    return inner


handler = lambda event: outer(event)
if LIMIT:
    def later(): pass
