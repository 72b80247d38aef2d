from typing import Iterator

from ..money import Money
from .line import Line


class OrderBook:
    """All orders."""

    def __init__(self, owner: str, *, limit: int = 100) -> None:
        self.owner = owner
        self.limit = limit
        self._lines: list[Line] = []

    def add(self, line: Line) -> None:
        if len(self._lines) >= self.limit:
            raise OverflowError(self.owner)
        self._lines.append(line)

    def total(self) -> Money:
        total = Money(0)
        for line in self:
            total = total.plus(line.price())
        return total

    def __iter__(self) -> Iterator[Line]:
        return iter(self._lines)


def open_book(owner: str) -> OrderBook:
    return OrderBook(owner)
