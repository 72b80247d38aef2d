"""What a Rust file says about types."""

from __future__ import annotations

import pytest

from lsp_server.index.rust_exprs import annotation, receiver
from lsp_server.index.rust_facts import read_code, read_types

TEXT = """use crate::store::{Row, Store};

const LIMIT: Row = Row { size: 1 };

#[derive(Debug)]
pub struct Cart<'a, T: Clone> {
    pub store: Arc<Mutex<Store>>,
    rows: Vec<Box<Row>>, // a: comment
    last: Option<&'a db::Receipt>,
    count: usize,
}

struct Pair(Row, Row);

pub trait Keeper: Base + Send {
    fn keep(&self, row: Row) -> Receipt;
    fn name(&self) -> String { String::new() }
}

impl<'a, T> Cart<'a, T> {
    pub fn new(store: Store) -> Self {
        Self { store }
    }

    pub async fn add(&mut self, item: &Item, rows: &[Row]) -> Result<Receipt, Error> {
        let made = self.store.lock().unwrap().write_row(item)?;
        let cart = Cart::new(x);
        let typed: Vec<Row> = vec![];
        let copy = item.clone();
        let literal = Row { size: '{' as u8 };
        let turbo = parse::<Row>(text).first();
        for row in rows { row.go(); }
        for (key, each) in self.rows.iter() { each.go(); }
        if let Some(found) = self.find(1) { found.go(); }
        run(|late: Late| { late.go(); });
        Ok(made)
    }
}

impl<T> Keeper for Cart<'_, T> {}

fn open(path: &str) -> Box<dyn Keeper> { todo!() }
"""
FACTS = read_types(TEXT, read_code(TEXT))


def test_a_file() -> None:
    assert FACTS.bases == {"Cart": ("Keeper",), "Pair": (), "Keeper": ("Base", "Send")}
    assert FACTS.values["Cart"] == {
        "store": ("Store()",),
        "rows": ("*Row()",),
        "last": ("db.Receipt()",),
        "count": (),
    }
    assert FACTS.values[""] == {"LIMIT": ("Row()",)}
    assert FACTS.results == {
        "Keeper.keep": ("Receipt()",),
        "Keeper.name": (),
        "Cart.new": ("Cart()",),
        "Cart.add": ("Receipt()",),
        "open": ("Keeper()",),
    }
    named = {scope.name for scope in FACTS.scopes}
    assert named == {"Cart", "Keeper", "Keeper.keep", "Keeper.name", "Cart.new", "Cart.add", "open"}


@pytest.mark.parametrize(
    ("name", "exprs"),
    [
        ("item", ("Item()",)),
        ("rows", ("*Row()",)),
        ("made", ("self.store.write_row()",)),
        ("cart", ("Cart.new()",)),
        ("typed", ("*Row()",)),
        ("copy", ("Item()",)),
        ("literal", ("Row()",)),
        ("turbo", ("parse()[]",)),
        ("row", ("Row()",)),
        ("each", ("self.rows[]",)),
        ("found", ("self.find()",)),
        ("late", ("Late()",)),
    ],
)
def test_values_of_a_method(name: str, exprs: tuple[str, ...]) -> None:
    assert FACTS.locals["Cart.add"][name] == exprs


@pytest.mark.parametrize(
    ("code", "exprs"),
    [
        ("&'a mut Store", ("Store()",)),
        ("Option<Vec<crate::db::Row>>", ("*crate.db.Row()",)),
        ("HashMap<String, Row>", ("*Row()",)),
        ("impl Iterator<Item = Row>", ("*Row()",)),
        ("[Row; 4]", ("*Row()",)),
        ("&dyn Keeper", ("Keeper()",)),
        ("u8", ()),
        ("", ()),
    ],
)
def test_annotations(code: str, exprs: tuple[str, ...]) -> None:
    assert annotation(code) == exprs


@pytest.mark.parametrize(
    ("code", "expr"),
    [
        ("let x = store.", "store"),
        ("self.store.lock().unwrap().wri", "self.store"),
        ("Store::open(a)?.", "Store.open()"),
        ("Store::", "Store"),
        ("rows[0].", "rows[]"),
        ("1.", ""),
    ],
)
def test_receivers(code: str, expr: str) -> None:
    assert receiver(code) == (expr, True)
    assert receiver("store") == ("", False)
