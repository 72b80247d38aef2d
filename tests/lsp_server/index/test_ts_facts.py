"""What a TypeScript file says about types."""

from __future__ import annotations

import pytest

from lsp_server.index.fact_readers import read_facts
from lsp_server.index.facts import Exprs, Facts
from lsp_server.index.ts_exprs import annotation, receiver

TEXT = """import { Store } from "./store";

export type Options = {
  store: Store;
  open(): Cart;
};
export type Loaded = Partial<Options> & Item;
export interface Source<T> extends Base<T>, Other {
  items: T[];
  find(name: string): Promise<Item>;
}
export class Cart<T extends Item> extends Base<T> implements Source<T> {
  private store: Store;
  #byName = new Map<string, Item>();
  cache: Map<string, Item> = new Map();
  onAdd?: (item: Item) => void;
  constructor(private readonly owner: Owner, options: Options) {
    super();
    this.late = options.store;
  }
  get first(): Item { return this.items[0] }
  async add(
    item: T,
    { store }: Options = {},
  ): Promise<Cart<T>> {
    const made = new Store<string>(1);
    const found = await this.store.find(`a ${item}`)?.next!.last;
    const { owner: boss } = this;
    const [one] = this.items;
    for (const each of this.items) {
      each.use();
    }
    const cast = made as Owner;
    if (found instanceof Special) {
    }
    this.items.forEach((inner: Item) => {
    });
    return this;
  }
}
export const makeCart = async (owner: Owner): Promise<Cart<Item>> => {
  const cart = new Cart(owner);
  return cart;
};
export const shared = makeCart();
"""


def test_a_file() -> None:
    facts = read_facts("typescript", TEXT)
    assert facts.bases == {"Options": (), "Source": ("Base", "Other"), "Cart": ("Base", "Source")}
    assert facts.values[""] == {"Loaded": ("Options", "Item"), "shared": ("makeCart()",)}
    assert facts.values["Options"] == {"store": ("Store()",)}
    assert facts.values["Source"] == {"items": ("*T()",)}
    cart = facts.values["Cart"]
    assert cart["store"] == ("Store()",)
    assert cart["cache"] == ("*Item()",)
    assert cart["owner"] == ("Owner()",)
    assert cart["late"] == ("Options().store",)
    assert cart["first"] == ("Item()",)
    assert facts.results["Source.find"] == ("Item()",)
    assert facts.results["Cart.add"] == facts.results["makeCart"] == ("Cart()",)


@pytest.mark.parametrize(
    ("name", "exprs"),
    [
        ("item", ("T()",)),
        ("made", ("Store()",)),
        ("boss", ("self.owner",)),
        ("one", ("self.items[]",)),
        ("each", ("self.items[]",)),
        ("cast", ("Owner()",)),
        ("found", ("Special()", "self.store.find().next.last")),
        ("inner", ("Item()",)),
    ],
)
def test_locals(name: str, exprs: tuple[str, ...]) -> None:
    assert read_facts("typescript", TEXT).locals["Cart.add"][name] == exprs


def test_scopes_end_with_their_bracket() -> None:
    scopes = {scope.name: TEXT[scope.start : scope.end] for scope in read_facts("typescript", TEXT).scopes}
    assert scopes["Cart.add"].rstrip().endswith("return this;\n  }")
    assert scopes["makeCart"].rstrip().endswith("return cart;\n};")


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("Promise<Item[]> | undefined", ("*Item()",)),
        ("A | B & C", ("A()", "B()", "C()")),
        ("Record<string, ns.Item>", ("*ns.Item()",)),
        ("typeof shared", ("shared",)),
        ("(a: A) => B", ()),
        ("item is Special", ("Special()",)),
        ("string", ()),
        ("Array<", ("Array()",)),
    ],
)
def test_annotations(code: str, expected: tuple[str, ...]) -> None:
    assert annotation(code) == expected


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("  this.store.", ("self.store", True)),
        ("  return cart?.items[0]!.fi", ("cart.items[]", True)),
        ("  const a = new Cart(b, c).", ("Cart()", True)),
        ("  (await load(x)).", ("load()", True)),
        ("  super.", ("super()", True)),
        ("  const a = cart", ("", False)),
    ],
)
def test_receivers(line: str, expected: tuple[str, bool]) -> None:
    assert receiver(line) == expected


def test_decorators_and_typed_destructuring() -> None:
    facts = read_facts(
        "typescript",
        "class A {\n"
        "  @inject(TYPES.Log) protected readonly log: Log;\n"
        "  constructor(@inject(TYPES.Store) private store: Store) {}\n"
        "  run({ cart, user: owner }: Props, ...rest: Item[]) {\n"
        "    const {\n      first,\n    } = this.store;\n"
        "    for (const [key, one] of this.items) {\n    }\n"
        "  }\n"
        "}\n",
    )
    assert facts.values["A"] == {"log": ("Log()",), "store": ("Store()",)}
    found = read_locals(facts, "A.run")
    assert found["cart"] == ("Props().cart",)
    assert found["owner"] == ("Props().user",)
    assert found["first"] == ("self.store.first",)
    assert found["one"] == ("self.items[]",)


def test_parameters_of_callbacks_are_elements() -> None:
    facts = read_facts(
        "typescript",
        "function f(items: Item[], late: Promise<Cart>) {\n"
        "  items.map((item) => item.name);\n"
        "  items.filter(Boolean).forEach(({ owner }) => {\n  });\n"
        "  late.then(cart => cart.pay());\n"
        "}\n",
    )
    found = read_locals(facts, "f")
    assert found["item"] == ("items[]",)
    assert found["owner"] == ("items.filter()[].owner",)
    assert found["cart"] == ("late",)


def test_getters_arrows_and_intersections_are_what_they_give() -> None:
    facts = read_facts(
        "typescript",
        "type Both = Left & {\n  right: Right;\n};\n"
        "const make = (name: string) => new Store(name);\n"
        "class A {\n  get store() {\n    return new Store();\n  }\n}\n",
    )
    assert facts.bases["Both"] == ("Left",)
    assert facts.values["Both"] == {"right": ("Right()",)}
    assert facts.results["make"] == ("Store()",)
    assert facts.values["A"]["store"] == ("Store()",)


def read_locals(facts: Facts, function: str) -> dict[str, Exprs]:
    return dict(facts.locals[function])
