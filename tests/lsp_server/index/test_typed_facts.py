"""What Java and C# files say about types."""

from __future__ import annotations

import pytest

from lsp_server.index.fact_readers import read_facts
from lsp_server.index.typed_exprs import annotation, receiver

JAVA = """package shop;

import shop.store.Store;

@Component("cart")
public final class Cart<T extends Item> extends Base<T> implements Closeable, db.Keeper {
    private final Map<String, List<Row>> byName = new HashMap<>();
    @Inject Store store, other;
    static int count = 0;

    public Cart(Store store) { this.store = store; }

    @Override
    public <R> Receipt add(final Item item, Row... rows) throws IOException {
        Receipt made = store.write(item);
        var opened = Store.open("{;");
        var chained = store.open().first();
        var own = helper(item);
        for (Row row : rows) { row.use(); }
        for (var each : byName.get("a")) { each.use(); }
        try (Handle handle = open()) {
            run(late -> { Late inner = late; });
        } catch (final Broken broken) { }
        if (item instanceof Special special) { }
        return made;
    }

    abstract List<Item> all();

    class Inner { Row field; }
}

record Point(Row left, int right) implements Shape { }
interface Shape { Row area(int a); }
"""
CSHARP = """using System;
using Shop.Store;

public class Cart : Base<Item>, IKeeper
{
    private readonly Store _store = new();
    public Receipt Last { get; private set; } = null!;
    public Store Current => _store;
    [Required] public IReadOnlyList<Row> Rows { get; init; }

    public async Task<Receipt> AddAsync(Item item, params Row[] rows)
    {
        var made = await _store.WriteAsync(item);
        var row = new Row(1) { Size = 2 };
        foreach (var each in Rows) { each.Use(); }
        using (var handle = _store.Open()) { }
        using var late = Open();
        if (item is Special special) { }
        return made;
    }

    public Row First() => Rows[0];
}
"""


def test_a_java_file() -> None:
    facts = read_facts("java", JAVA)
    assert facts.bases == {
        "Cart": ("Base", "Closeable", "db.Keeper"),
        "Cart.Inner": (),
        "Point": ("Shape",),
        "Shape": (),
    }
    assert facts.values["Cart"] == {
        "byName": ("**Row()",),
        "store": ("Store()",),
        "other": ("Store()",),
        "count": (),
    }
    assert facts.values["Cart.Inner"] == {"field": ("Row()",)}
    assert facts.values["Point"]["left"] == ("Row()",)
    assert facts.results == {"Cart.add": ("Receipt()",), "Cart.all": ("*Item()",), "Shape.area": ("Row()",)}
    scopes = [scope.name for scope in facts.scopes]
    assert scopes == [
        "Cart",
        "Cart.Cart",
        "Cart.add",
        "Cart.all",
        "Cart.Inner",
        "Point",
        "Shape",
        "Shape.area",
    ]


@pytest.mark.parametrize(
    ("name", "exprs"),
    [
        ("item", ("Item()",)),
        ("rows", ("*Row()",)),
        ("made", ("Receipt()",)),
        ("opened", ("Store.open()",)),
        ("chained", ("store.open().first()",)),
        ("own", ("self.helper()",)),
        ("row", ("Row()",)),
        ("each", ("byName.get()[]",)),
        ("handle", ("Handle()",)),
        ("inner", ("Late()",)),
        ("broken", ("Broken()",)),
        ("special", ("Special()",)),
    ],
)
def test_values_of_a_java_method(name: str, exprs: tuple[str, ...]) -> None:
    assert read_facts("java", JAVA).locals["Cart.add"][name] == exprs


def test_a_csharp_file() -> None:
    facts = read_facts("csharp", CSHARP)
    assert facts.bases == {"Cart": ("Base", "IKeeper")}
    assert facts.values["Cart"] == {
        "_store": ("Store()",),
        "Last": ("Receipt()",),
        "Current": ("Store()",),
        "Rows": ("*Row()",),
    }
    assert facts.results == {"Cart.AddAsync": ("Receipt()",), "Cart.First": ("Row()",)}
    assert facts.locals["Cart.AddAsync"] == {
        "item": ("Item()",),
        "rows": ("*Row()",),
        "made": ("_store.WriteAsync()",),
        "row": ("Row()",),
        "each": ("Rows[]",),
        "handle": ("_store.Open()",),
        "late": ("self.Open()",),
        "special": ("Special()",),
    }


@pytest.mark.parametrize(
    ("code", "exprs"),
    [
        ("Store", ("Store()",)),
        ("a.b.Store", ("a.b.Store()",)),
        ("Map<String, Optional<Row>>", ("**Row()",)),
        ("List<? extends Row>", ("*Row()",)),
        ("Task<IList<Row?>>", ("*Row()",)),
        ("Row[]", ("*Row()",)),
        ("Box<Row>", ("Box()",)),
        ("int", ()),
        ("", ()),
    ],
)
def test_annotations(code: str, exprs: tuple[str, ...]) -> None:
    assert annotation(code) == exprs


@pytest.mark.parametrize(
    ("code", "expr"),
    [
        ("x = store.", "store"),
        ("this.store.wri", "self.store"),
        ("new Store(1, f(2)).", "Store()"),
        ("super.", "super()"),
        ("open(a).first().", "self.open().first()"),
        ("store?.Last!.", "store.Last"),
        ("rows[0].", "rows[]"),
        ("1.", ""),
    ],
)
def test_receivers(code: str, expr: str) -> None:
    assert receiver(code) == (expr, True)
    assert receiver("store") == ("", False)
