"""What is found for a place: on small workspaces, through the real worker and store."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from lsp_server.index.catalogue import Catalogue, Late
from lsp_server.index.patterns import REASON_CALLS, REASON_TWIN
from lsp_server.index.service import IndexService
from lsp_server.types import DocumentSnapshot, Retrieval
from tests.lsp_server.index.conftest import StartService, write_files

STORE = """
class Base:
    def flush_all(self): ...

class Store(Base):
    limit: int
    def write_row(self, row) -> "Receipt": ...
    def read_row(self, key): ...
    def _hidden(self): ...

class Receipt:
    def print_out(self): ...

def open_store(path) -> Store:
    return Store(path)

def unused_helper(a, b): ...
"""
PACKAGE = {
    "shop/__init__.py": "from shop.store import Store, open_store as open_it\nfrom .deep import *\n",
    "shop/store.py": STORE,
    "shop/deep/__init__.py": "from .inner import *\n",
    "shop/deep/inner.py": "class Inner:\n    def reach(self): ...\n\ndef make_inner() -> Inner: ...\n",
    "shop/clerk.py": "def serve(store):\n    store.write_row(1)\n    store.read_row(2)\n",
}


async def ask(
    service: IndexService, root: Path, marked: str, file: str = "shop/main.py", budget_chars: int = 4000
) -> Retrieval:
    """`marked` holds the cursor as `|`."""
    offset = marked.index("|")
    path = root / file
    text = marked[:offset] + marked[offset + 1 :]
    snapshot = DocumentSnapshot(path.as_uri(), str(path), file, str(root), "python", 1, text)
    return await service.retrieve(snapshot, offset, budget_chars)


def order_of(found: Retrieval, *names: str) -> list[int]:
    """Where the definitions stand in the context; -1 for what is not there."""
    context = "\n".join(snippet.text for snippet in found.snippets)
    return [context.find(name) for name in names]


@pytest.fixture
async def shop(start_service: StartService, root: Path) -> IndexService:
    write_files(root, PACKAGE)
    return await start_service()


MEMBERS: Mapping[str, str] = {
    "constructor": "from shop.store import Store\ndef f():\n    s = Store(1)\n    s.|",
    "factory": "from shop.store import open_store\ndef f():\n    s = open_store(1)\n    s.|",
    "renamed in the package": "from shop import open_it\ndef f():\n    s = open_it(1)\n    s.|",
    "annotation": "from shop.store import Store\ndef f(s: Store | None):\n    s.|",
    "string annotation": "from shop import store\ndef f(s: 'store.Store'):\n    s.|",
    "default": "from shop.store import Store\ndef f(s=Store(1)):\n    s.|",
    "attribute": (
        "from shop.store import Store\nclass C:\n    def __init__(self, given: Store):\n"
        "        self._s = given\n\n    def m(self):\n        self._s.|"
    ),
    "field": "from shop.store import Store\nclass C:\n    s: Store\n    def m(self):\n        self.s.|",
    "base class": "from shop.store import Store\nclass C(Store):\n    def m(self):\n        self.|",
    "super": "from shop.store import Store\nclass C(Store):\n    def m(self):\n        super().|",
    "self set again": (
        "from shop.store import Store\nclass C(Store):\n    def __new__(cls, self=None):\n"
        "        self = not self\n        self.|"
    ),
    "with": "from shop.store import open_store\ndef f():\n    with open_store(1) as s:\n        s.|",
    "for": "from shop.store import Store\ndef f(all: list[Store]):\n    for s in all:\n        s.|",
    "module alias": "import shop.store as st\ndef f():\n    st.open_store(1).|",
    "module instance": "from shop.store import Store\ns = Store(1)\ndef f():\n    s.|",
    "isinstance": "from shop.store import Store\ndef f(s):\n    if isinstance(s, Store):\n        s.|",
}


@pytest.mark.parametrize("name", MEMBERS)
async def test_members_of_the_receiver_come_first(shop: IndexService, root: Path, name: str) -> None:
    found = await ask(shop, root, MEMBERS[name])
    written, flushed, hidden = order_of(found, "def write_row", "def flush_all", "def _hidden")
    assert written >= 0 and flushed >= 0, "its own members, and those that it inherits"
    assert hidden < 0 or written < hidden, "what is private comes later"
    assert found.snippets[0].path == "shop/store.py"


async def test_one_hop_through_a_call(shop: IndexService, root: Path) -> None:
    text = "from shop.store import Store\ndef f(s: Store):\n    s.write_row(1).|"
    assert order_of(await ask(shop, root, text), "def print_out")[0] >= 0


async def test_star_imports_of_a_package_reach_what_it_hands_on(shop: IndexService, root: Path) -> None:
    found = await ask(shop, root, "import shop\ndef f():\n    shop.|")
    assert min(order_of(found, "class Inner", "def make_inner", "def open_store")) >= 0
    starred = await ask(shop, root, "from shop.deep import *\ndef f():\n    make_inner().|")
    assert order_of(starred, "def reach")[0] >= 0


async def test_imports_that_are_not_used_yet_come_first(shop: IndexService, root: Path) -> None:
    text = "from shop.store import open_store, unused_helper\ndef f():\n    a = open_store(1)\n    b = |"
    used, unused = order_of(await ask(shop, root, text), "def open_store", "def unused_helper")
    assert unused >= 0 and (used < 0 or unused < used)


async def test_a_parameter_of_unknown_type_is_what_others_do_with_it(shop: IndexService, root: Path) -> None:
    found = await ask(shop, root, "def serve_two(store):\n    store.|")
    assert min(order_of(found, "def write_row", "def read_row")) >= 0


async def test_a_member_has_its_class_above_it(shop: IndexService, root: Path) -> None:
    found = await ask(shop, root, MEMBERS["constructor"])
    lines = found.snippets[0].text.split("\n")
    member = lines.index('    def write_row(self, row) -> "Receipt":')
    assert lines[member - 1].startswith(("class Store(Base):", "    "))
    assert "class Store(Base):" in lines[:member]


async def test_what_stands_right_of_the_cursor_is_not_looked_at(shop: IndexService, root: Path) -> None:
    text = "from shop.store import Store, open_store\ndef f(s: Store):\n    x = |{}\n    return x\n"
    found = [await ask(shop, root, text.format(rest)) for rest in ("", "open_store(unused_helper)")]
    assert found[0] == found[1]


async def test_the_budget_holds(shop: IndexService, root: Path) -> None:
    for budget_chars in (0, 50, 120, 300):
        found = await ask(shop, root, MEMBERS["constructor"], budget_chars=budget_chars)
        shown = sum(len(f"# {snippet.path}\n{snippet.text}\n") for snippet in found.snippets)
        assert shown <= budget_chars


async def test_a_name_that_only_the_file_has_asks_for_nothing(shop: IndexService, root: Path) -> None:
    text = "from shop.store import Store\ndef calculate_total(): ...\ndef f():\n    calcul|"
    found = await ask(shop, root, text)
    assert (found.snippets, found.note) == ((), "in-file")


async def test_unsaved_text_of_another_document_counts(shop: IndexService, root: Path) -> None:
    shop.overlay(str(root / "shop/store.py"), STORE.replace("write_row", "put_row"), "python")
    found = await ask(shop, root, MEMBERS["constructor"])
    written, put = order_of(found, "def write_row", "def put_row")
    assert written < 0 <= put


async def test_a_saved_file_is_seen_at_the_next_question(shop: IndexService, root: Path) -> None:
    await ask(shop, root, MEMBERS["constructor"])
    write_files(root, {"shop/store.py": STORE.replace("write_row", "put_row")})
    shop.on_files_changed([str(root / "shop/store.py")])
    await shop.wait_ready()
    written, put = order_of(await ask(shop, root, MEMBERS["constructor"]), "def write_row", "def put_row")
    assert written < 0 <= put


async def test_who_is_late_gets_nothing(shop: IndexService, root: Path) -> None:
    path = root / "shop/main.py"
    text = "from shop.store import Store\nStore()."
    snapshot = DocumentSnapshot(path.as_uri(), str(path), "shop/main.py", str(root), "python", 1, text)
    late = await shop.retrieve(snapshot, len(text), 4000, deadline_ms=-1000)
    assert (late.snippets, late.is_late) == ((), True)
    assert (await shop.retrieve(snapshot, len(text), 4000)).snippets


async def test_cycles_end(start_service: StartService, root: Path) -> None:
    write_files(
        root,
        {
            "a.py": "from b import *\nfrom b import x\nclass A(B): ...\ny = x\ndef f(): return f()\n",
            "b.py": "from a import *\nfrom a import y\nclass B(A):\n    def m(self): return self.m()\nx = y",
        },
    )
    service = await start_service()
    found = await ask(service, root, "from a import *\nfrom b import x\nf().m().x.|", file="c.py")
    assert order_of(found, "class A")[0] >= 0


async def test_a_file_that_imports_nothing_and_a_place_outside_find_nothing_wrong(
    shop: IndexService, root: Path, tmp_path: Path
) -> None:
    assert not (await ask(shop, root, "x = |", file="alone.txt")).is_late
    assert await ask(shop, tmp_path / "elsewhere", "x = |") == Retrieval()


async def test_the_same_state_gives_the_same_answer(shop: IndexService, root: Path) -> None:
    first = await ask(shop, root, MEMBERS["attribute"])
    assert await ask(shop, root, MEMBERS["attribute"]) == first


@pytest.mark.parametrize("n_checks", [0, 1, 2, 3])
async def test_who_is_late_on_the_way_gets_what_is_there(
    shop: IndexService, root: Path, monkeypatch: pytest.MonkeyPatch, n_checks: int
) -> None:
    path = root / "shop/main.py"
    text = "from shop.store import Store, open_store\nimport shop.store\ndef f():\n    s = Store(1)\n    s."
    snapshot = DocumentSnapshot(path.as_uri(), str(path), "shop/main.py", str(root), "python", 1, text)
    whole = await shop.retrieve(snapshot, len(text), 4000)
    await shop.retrieve(snapshot, 0, 4000)  # else the same place is answered from memory
    checks = iter(range(n_checks))

    def check_time(_: Catalogue) -> None:
        if next(checks, None) is None:
            raise Late

    monkeypatch.setattr(Catalogue, "check_time", check_time)
    late = await shop.retrieve(snapshot, len(text), 4000)
    assert (late.is_late, late.note) == (True, "late")
    assert late.snippets, "what stands behind the dot comes first"
    assert sum(len(item.text) for item in late.snippets) <= sum(len(item.text) for item in whole.snippets)


async def test_while_a_word_is_typed_only_the_order_changes(shop: IndexService, root: Path) -> None:
    path = root / "shop/main.py"
    text = "from shop.store import Store, open_store\ndef f():\n    s = Store(1)\n    x = "
    found = []
    for typed in ("", "o", "op"):
        whole = text + typed
        snapshot = DocumentSnapshot(path.as_uri(), str(path), "shop/main.py", str(root), "python", 1, whole)
        found.append(await shop.retrieve(snapshot, len(whole), 4000))
    lines = [sorted(line for item in one.snippets for line in item.text.splitlines()) for one in found]
    assert lines[0] == lines[1] == lines[2]
    first = found[2].snippets[0].text.splitlines()[0]
    assert "open_store" in first


async def test_calls_of_the_function_that_is_written_are_shown(shop: IndexService, root: Path) -> None:
    (root / "shop/pay.py").write_text("def settle(cart, owner):\n    pass\n")
    (root / "shop/till.py").write_text("from shop.pay import settle\n\nsettle(my_cart, owner=boss)\n")
    shop.on_files_changed([str(root / "shop/pay.py"), str(root / "shop/till.py")])
    await shop.wait_ready()
    text = "def settle(cart, owner):\n    total = "
    found = await ask_in(shop, root, "shop/pay.py", text)
    shown = [item for item in found.snippets if item.reason == REASON_CALLS]
    assert [(item.path, item.text) for item in shown] == [("shop/till.py", "settle(my_cart, owner=boss)")]


async def test_what_follows_a_line_like_the_one_above_is_shown(shop: IndexService, root: Path) -> None:
    twin = "    basket = open_basket(customer, currency=currency)\n"
    (root / "shop/one.py").write_text(f"def a(customer, currency):\n{twin}    basket.lock(seconds=3)\n")
    shop.on_files_changed([str(root / "shop/one.py")])
    await shop.wait_ready()
    found = await ask_in(shop, root, "shop/two.py", f"def b(customer, currency):\n{twin}    ")
    shown = [item for item in found.snippets if item.reason == REASON_TWIN]
    assert [item.path for item in shown] == ["shop/one.py"]
    assert "basket.lock(seconds=3)" in shown[0].text
    other = await ask_in(shop, root, "shop/two.py", "def b(customer, currency):\n    basket = 1\n    ")
    assert not [item for item in other.snippets if item.reason == REASON_TWIN]


async def test_with_a_deadline_patterns_are_read_for_the_next_question(
    shop: IndexService, root: Path
) -> None:
    (root / "shop/pay.py").write_text("def settle(cart, owner):\n    pass\n")
    (root / "shop/till.py").write_text("from shop.pay import settle\n\nsettle(my_cart, owner=boss)\n")
    shop.on_files_changed([str(root / "shop/pay.py"), str(root / "shop/till.py")])
    await shop.wait_ready()
    text = "def settle(cart, owner):\n    total = "
    first = await ask_in(shop, root, "shop/pay.py", text, deadline_ms=60_000)
    again = await ask_in(shop, root, "shop/pay.py", text + "c", deadline_ms=60_000)
    reasons = [{item.reason for item in found.snippets} for found in (first, again)]
    assert [REASON_CALLS in found for found in reasons] == [False, True]


async def test_the_last_suggestion_is_looked_up(shop: IndexService, root: Path) -> None:
    (root / "far").mkdir()
    (root / "far/away.py").write_text("def distant_total(cart):\n    return 1\n")
    shop.on_files_changed([str(root / "far/away.py")])
    await shop.wait_ready()
    text = "def f(cart):\n    return "
    before = await ask_in(shop, root, "shop/main.py", text)
    shop.note_suggestion(str(root / "shop/main.py"), "return distant_total(cart)")
    after = await ask_in(shop, root, "shop/main.py", text)
    shows = ["distant_total" in "".join(item.text for item in found.snippets) for found in (before, after)]
    assert shows == [False, True]


async def test_of_two_alike_the_one_in_a_file_edited_of_late_comes_first(
    shop: IndexService, root: Path
) -> None:
    for name in ("one", "two"):
        (root / f"shop/{name}.py").write_text(f"def build_{name}(cart):\n    return 1\n")
    shop.on_files_changed([str(root / f"shop/{name}.py") for name in ("one", "two")])
    await shop.wait_ready()
    text = "from shop.one import build_one\nfrom shop.two import build_two\ndef f(cart):\n    return "
    shop.overlay(str(root / "shop/two.py"), "def build_two(cart):\n    return 2\n", "python")
    places = order_of(await ask_in(shop, root, "shop/main.py", text), "build_two", "build_one")
    assert -1 < places[0] < places[1]
    shop.overlay(str(root / "shop/one.py"), "def build_one(cart):\n    return 2\n", "python")
    places = order_of(await ask_in(shop, root, "shop/main.py", text), "build_one", "build_two")
    assert -1 < places[0] < places[1]


async def ask_in(
    service: IndexService, root: Path, file: str, text: str, deadline_ms: int | None = None
) -> Retrieval:
    path = root / file
    snapshot = DocumentSnapshot(path.as_uri(), str(path), file, str(root), "python", 1, text)
    return await service.retrieve(snapshot, len(text), 8000, deadline_ms)
