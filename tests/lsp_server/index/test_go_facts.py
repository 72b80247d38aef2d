"""What a Go file says about types."""

from __future__ import annotations

import pytest

from lsp_server.index.fact_readers import read_facts
from lsp_server.index.go_exprs import annotation, receiver

TEXT = """package shop

import (
	"fmt"
	db "example.com/shop/store"
)

type Cart struct {
	*Base
	db.Mixin
	Items, Extra []*Item `json:"items"`
	byName       map[string]db.Row // a comment
}

type Source interface {
	fmt.Stringer
	Open(name string) (*Cart, error)
}

type ID string

var Default = NewCart()

func NewCart() *Cart {
	return &Cart{}
}

func (c *Cart) Add(item *Item, rows ...db.Row) (added *Item, err error) {
	other := NewCart()
	first := c.Items[0]
	for _, each := range c.Items {
		each.Use()
	}
	copied := *item
	row, ok := x.(db.Row)
	made := make(map[string]*Item)
	go func(late *Item) {
	}(first)
	return item, nil
}
"""


def test_a_file() -> None:
    facts = read_facts("go", TEXT)
    assert facts.bases == {"Cart": ("Base", "db.Mixin"), "Source": ("fmt.Stringer",), "ID": ()}
    assert facts.values[""] == {"Default": ("NewCart()",)}
    assert facts.values["Cart"]["Items"] == facts.values["Cart"]["Extra"] == ("*Item()",)
    assert facts.values["Cart"]["byName"] == ("*db.Row()",)
    assert facts.values["Cart"]["Base"] == ("Base()",)
    assert facts.results["NewCart"] == ("Cart()",)
    assert facts.results["Source.Open"] == ("Cart()",)
    assert facts.results["Cart.Add"] == ("Item()",)


@pytest.mark.parametrize(
    ("name", "exprs"),
    [
        ("c", ("Cart()",)),
        ("item", ("Item()",)),
        ("rows", ("*db.Row()",)),
        ("added", ("Item()",)),
        ("other", ("NewCart()",)),
        ("first", ("Cart().Items[]",)),
        ("each", ("Cart().Items[]",)),
        ("copied", ("Item()",)),
        ("row", ("db.Row()",)),
        ("made", ("*Item()",)),
        ("late", ("Item()",)),
    ],
)
def test_locals(name: str, exprs: tuple[str, ...]) -> None:
    assert read_facts("go", TEXT).locals["Cart.Add"][name] == exprs


def test_scopes_end_with_their_bracket() -> None:
    scopes = {scope.name: TEXT[scope.start : scope.end] for scope in read_facts("go", TEXT).scopes}
    assert scopes["NewCart"] == "func NewCart() *Cart {\n\treturn &Cart{}\n}\n"
    assert scopes["Cart"].endswith("// a comment\n}")


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("chan *Item", ("*Item()",)),
        ("[]map[string]Item", ("**Item()",)),
        ("List[Item]", ("List()",)),
        ("string", ()),
        ("func(a A) B", ()),
        ("map[", ()),
    ],
)
def test_annotations(code: str, expected: tuple[str, ...]) -> None:
    assert annotation(code) == expected


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("\tx := store.", ("store", True)),
        ("\treturn c.items[0].Use(a, b).Na", ("c.items[].Use()", True)),
        ("\tx := (&Cart{}).", ("Cart()", True)),
        ("\tif !ok && cart.", ("cart", True)),
        ("\tx := cart", ("", False)),
    ],
)
def test_receivers(line: str, expected: tuple[str, bool]) -> None:
    assert receiver(line) == expected
