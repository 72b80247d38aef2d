"""Every kind of thing that can be explained."""

import asyncio
from functools import cached_property, lru_cache

from keeper import Keeper, feed

LIMIT = 3


@lru_cache(maxsize=None)
def factorial(n: int) -> int:
    """n!"""
    return 1 if n < 2 else n * factorial(n - 1)


async def fetch(url: str, *, retries: int = LIMIT, **options: object) -> bytes:
    """Gets it.

    Tries again.
    """
    for attempt in range(retries):
        try:
            return await feed(url, attempt)
        except (OSError, ValueError) as error:
            if attempt == retries - 1 and not options:
                raise RuntimeError(url) from error
            await asyncio.sleep(1)
    raise TimeoutError


class Animal(Keeper):
    """A beast."""

    legs: int = 4
    name = "?"

    def __init__(self, name, sound="..."):
        super().__init__(name)
        self.name = name
        self.sound = sound

    @property
    def loud(self) -> str:
        return self.speak().upper()

    @cached_property
    def key(self):
        return sorted(self.name, key=lambda letter: (letter.lower(), -ord(letter)))

    def speak(self):
        def inner(times):
            return self.sound * times

        if self.legs > 2:
            return inner(2)
        return inner(1)
        print("never")

    @staticmethod
    def make(name):
        return Animal(name)

    def all_of(self):
        while True:
            yield self.make("x")


async def main():
    beast = Animal.make("cat")
    total = beast.legs + LIMIT
    text = beast.speak()
    print(total, text)


def broken(a, b:
    return a.speak() +
