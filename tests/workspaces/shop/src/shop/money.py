from __future__ import annotations

from dataclasses import dataclass

CURRENCIES = ("EUR", "USD")


@dataclass(frozen=True)
class Money:
    """An amount."""

    cents: int
    currency: str = "EUR"

    def plus(self, other: Money) -> Money:
        return Money(self.cents + other.cents, self.currency)


def parse_money(
    text: str,
    currency: str = "EUR",
) -> Money:
    """Reads `12.50`."""
    whole, _, rest = text.partition(".")
    if not whole.isdigit():
        raise ValueError(text)
    return Money(int(whole) * 100 + int(rest or 0), currency)
