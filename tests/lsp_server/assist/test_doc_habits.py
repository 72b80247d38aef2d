"""What a file says of its parameters already, in each style."""

from __future__ import annotations

import pytest

from lsp_server.assist.doc_habits import known_words

GOOGLE = '''"""Reads.

    Args:
        path: The file to read.
        limit (int): How many lines.
        mode: How it is opened,
            as for open().

    Returns:
        bytes: What was read.
    """'''
NUMPY = '''"""
    Reads.

    Parameters
    ----------
    path : str
        The file to read.
    mode
        How it is opened,
        as for open().
    """'''
SPHINX = '''"""Reads.

    :param path: The file to read.
    :param int limit: How many lines.
    """'''
JSDOC = """/**
 * Reads.
 * @param {string} path - The file to read.
 * @param limit How many lines,
 *   at most.
 * @param mode It.
 */"""
XML = '/// <summary>Reads.</summary>\n/// <param name="path">The file to read.</param>'
SWIFT = """/// Reads.
///
/// - Parameters:
///   - path: The file to read.
/// - Parameter limit: How many lines."""


@pytest.mark.parametrize(
    ("doc", "known"),
    [
        (GOOGLE, {"path": "The file to read.", "limit": "How many lines.", "bytes": "What was read."}),
        (NUMPY, {"path": "The file to read."}),
        (SPHINX, {"path": "The file to read.", "limit": "How many lines."}),
        (JSDOC, {"path": "The file to read."}),
        (XML, {"path": "The file to read."}),
        (SWIFT, {"path": "The file to read.", "limit": "How many lines."}),
        ("// Reads: a file.", {}),
    ],
)
def test_known_words(doc: str, known: dict[str, str]) -> None:
    """What goes on below its line, and a single word, are left out."""
    found = known_words([doc])
    assert {name: text for name, text in found.items() if name in known} == known
    assert not {"mode"} & found.keys()


def test_what_most_say_is_said_again() -> None:
    others = [f":param path: {text}" for text in ("The file.", "The file.", "The folder.")]
    assert known_words(others) == {"path": "The file."}
    assert known_words(others[1:]) == {}, "they differ evenly"
