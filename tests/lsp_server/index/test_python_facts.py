"""What a Python file says about types, whatever state its text is in."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lsp_server.index.fact_readers import read_facts
from lsp_server.index.facts import Facts, parse_facts, write_facts
from lsp_server.index.live import LiveTexts

TEXT = '''
import store
from cache import Cache, open_cache

default = Cache()

class Shop(store.Base, Generic[T]):
    """Sells.

    x = Wrong()
    """
    shelf: list["Shelf"] = field(default_factory=list)
    limits = Limits()

    def __init__(self, cache: Cache | None, clerk, door=Door()):
        self._cache = cache or open_cache()
        self.clerk = clerk
        self.door = self._door = door
        found = self.find("a")
        self.first = found

    @property
    def owner(self) -> "Person":
        return self._owner

    def find(self, name):
        for shelf in self.shelf:
            with shelf.locked() as lock, open(name) as file:
                if isinstance(name, Label):
                    return shelf.take(name)
        return None

    async def walk(self):
        yield Step()

def make(kind):
    shop = Shop(None, kind)
    return shop
'''


def read(text: str = TEXT) -> Facts:
    return read_facts("python", text)


def test_classes_and_their_attributes() -> None:
    facts = read()
    assert facts.bases == {"Shop": ("store.Base", "Generic")}
    shop = facts.values["Shop"]
    assert shop["shelf"] == ("*Shelf()",)
    assert shop["limits"] == ("Limits()",)
    assert shop["_cache"] == ("Cache()", "open_cache()")
    assert shop["clerk"] == ("?clerk",)
    assert shop["door"] == shop["_door"] == ("Door()",)
    assert shop["first"] == ("self.find()",)
    assert shop["owner"] == ("Person()",)


def test_functions() -> None:
    facts = read()
    assert facts.results["make"] == ("Shop()",)
    assert facts.results["Shop.find"] == ("self.shelf[].take()",)
    assert facts.results["Shop.walk"] == ("*Step()",)
    assert facts.locals["Shop.find"]["shelf"] == ("self.shelf[]",)
    assert facts.locals["Shop.find"]["lock"] == ("self.shelf[].locked().__enter__()",)
    assert facts.locals["Shop.find"]["name"][0] == "Label()"
    assert facts.values[""]["default"] == ("Cache()",)
    assert "x" not in facts.locals.get("Shop", {})


def test_uses_are_by_function_and_leave_strings_and_imports_out() -> None:
    uses = {scope: names.split() for scope, names in read().uses.items()}
    assert "shelf.locked" in uses["Shop.find"]
    assert "shop" in uses["make"]
    assert not any("Wrong" in names or "store.Cache" in names for names in uses.values())


def test_scopes_are_by_indentation() -> None:
    names = [(scope.name, TEXT[scope.start : scope.start + 9].strip()) for scope in read().scopes]
    assert names[0] == ("Shop", "class Sho")
    assert [name for name, _ in names][-1] == "make"


def test_an_open_bracket_hides_nothing_below_it() -> None:
    cut = TEXT.replace("open_cache()\n", "open_cache(\n", 1)
    assert read(cut).values["Shop"]["owner"] == ("Person()",)
    assert read(cut).results["make"] == ("Shop()",)


def test_facts_are_stored_as_they_are() -> None:
    facts = read()
    again = parse_facts(write_facts(facts))
    assert (again.bases, again.values, again.results, again.uses) == (
        facts.bases,
        facts.values,
        facts.results,
        facts.uses,
    )


def test_facts_that_nobody_wrote_are_none() -> None:
    for stored in ("", "[]", "{", "[1,2,3,4]", '[{},{"a":1},{},{}]', "null"):
        assert parse_facts(stored) == Facts()


def test_other_languages_have_uses_only() -> None:
    facts = read_facts("lua", "func f() { s.Write(x) }")
    assert facts.uses[""].split() == ["func", "s.Write"]
    assert not facts.bases


@given(st.text(alphabet="adefclss():=.,[]'\"#@\n \tselfreturn|*", max_size=300))
def test_any_text_is_read(text: str) -> None:
    facts = read(text)
    assert all(0 <= scope.start <= scope.end <= len(text) for scope in facts.scopes)


def test_typing_in_one_function_reads_that_one_again() -> None:
    live = LiveTexts()
    live.read("python", TEXT)
    n_read = live.n_read
    changed = TEXT.replace("return shop", "return shop.")
    facts = live.read("python", changed).facts
    assert live.n_read == n_read + 1
    whole = read(changed)
    assert (facts.bases, facts.values, facts.results) == (whole.bases, whole.values, whole.results)
    assert facts.scopes == whole.scopes


def test_blocks_that_are_out_of_use_are_forgotten() -> None:
    live = LiveTexts(max_chars=2000)
    for number in range(50):
        live.read("python", f"def f{number}():\n    return {'x' * 100}\n")
    n_read = live.n_read
    live.read("python", f"def f0():\n    return {'x' * 100}\n")
    assert live.n_read == n_read + 1


def test_words_of_a_range() -> None:
    live = LiveTexts().read("python", TEXT)
    assert "make" in live.words(0, len(TEXT))
    assert "Wrong" not in live.words(0, len(TEXT))
    assert "make" not in live.words(0, TEXT.index("def make"))
