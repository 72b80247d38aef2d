"""Cells in order count as one file, whatever is done to them."""

from __future__ import annotations

from lsp_server.documents import open_document
from lsp_server.notebooks import Cell, Notebook, Notebooks, whole_notebook
from lsp_server.types import DocumentSnapshot

LANGUAGES = {"a": "python", "b": "python", "sql": "sql", "c": "python", "words": "markdown"}
DOCUMENTS = {uri: open_document(uri, language_id, 1, f"{uri} = 1") for uri, language_id in LANGUAGES.items()}
NOTEBOOK = Notebook(
    "file:///n.ipynb", tuple(Cell(uri, uri != "words") for uri in ("words", "a", "sql", "b", "c"))
)


def test_text_is_the_code_of_one_language_in_order() -> None:
    assert NOTEBOOK.language_id(DOCUMENTS) == "python"
    assert NOTEBOOK.text(DOCUMENTS) == "a = 1\n\nb = 1\n\nc = 1"


def test_around_a_cell_the_parts_make_the_whole() -> None:
    for uri in "abc":
        before, after = NOTEBOOK.around(uri, DOCUMENTS)
        assert f"{before}{uri} = 1{after}" == NOTEBOOK.text(DOCUMENTS)
    assert NOTEBOOK.around("sql", DOCUMENTS) == NOTEBOOK.around("words", DOCUMENTS) == ("", "")
    assert NOTEBOOK.around("elsewhere", DOCUMENTS) == ("", "")


def test_cells_are_moved_added_and_taken_out() -> None:
    moved = NOTEBOOK.spliced(3, 2, [Cell("c", True), Cell("b", True)])
    assert moved.text(DOCUMENTS) == "a = 1\n\nc = 1\n\nb = 1"
    assert NOTEBOOK.spliced(0, 99, []).text(DOCUMENTS) == ""
    assert NOTEBOOK.spliced(99, 1, [Cell("a", True)]).cells[-1] == Cell("a", True)


def test_cells_find_their_notebook_until_it_is_closed() -> None:
    notebooks = Notebooks()
    notebooks.put(NOTEBOOK)
    notebooks.put(NOTEBOOK.spliced(0, 1, []))
    assert notebooks.of_cell("words") is None
    found = notebooks.of_cell("a")
    assert found is not None
    assert notebooks.remove(found.uri) == found
    assert notebooks.of_cell("a") is notebooks.get(found.uri) is None


def test_whole_notebook_shifts_the_place() -> None:
    snapshot = DocumentSnapshot("u", "", "", "", "python", 1, "cell", before="be\n\n", after="\n\naf")
    whole, offset = whole_notebook(snapshot, 2)
    assert (whole.text, offset) == ("be\n\ncell\n\naf", 6)
