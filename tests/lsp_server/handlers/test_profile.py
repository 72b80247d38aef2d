"""What a client says of itself: read where it makes sense, else taken for not said."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lsp_server.handlers.profile import Profile, parse_profile
from lsp_server.text import PositionEncoding

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
KEYS = ("processId", "capabilities", "rootUri", "rootPath", "workspaceFolders", "initializationOptions")


@given(st.dictionaries(st.sampled_from(KEYS), anything))
def test_odd_parameters_never_raise(params):
    assert isinstance(parse_profile(params), Profile)


@pytest.mark.parametrize(
    ("offered", "expected"),
    [
        (["utf-8", "utf-16"], PositionEncoding.UTF8),
        (["utf-7", "utf-32"], PositionEncoding.UTF32),
        (["utf-7"], PositionEncoding.UTF16),
        ([], PositionEncoding.UTF16),
        (None, PositionEncoding.UTF16),
        ("utf-8", PositionEncoding.UTF16),
        ([5, None, ["utf-8"]], PositionEncoding.UTF16),
    ],
)
def test_the_clients_first_known_encoding(offered, expected):
    params = {"capabilities": {"general": {"positionEncodings": offered}}}
    assert parse_profile(params).encoding is expected


@pytest.mark.parametrize(
    ("params", "roots"),
    [
        (
            {"workspaceFolders": [{"uri": "file:///a"}, {"uri": "file:///b"}], "rootUri": "file:///a"},
            ("/a", "/b"),
        ),
        ({"workspaceFolders": None, "rootUri": "file:///a", "rootPath": "/b"}, ("/a",)),
        ({"workspaceFolders": [], "rootPath": "/b"}, ("/b",)),
        ({"workspaceFolders": [{"uri": "untitled:x"}, 5]}, ()),
        ({}, ()),
    ],
)
def test_workspace_folders(params, roots):
    assert parse_profile(params).roots == roots


def test_what_a_client_does_with_code_actions():
    resolve = {"dataSupport": True, "resolveSupport": {"properties": ["edit", 5]}, "disabledSupport": True}
    capabilities = {
        "window": {"showDocument": {"support": True}},
        "textDocument": {"codeAction": resolve},
        "general": {"markdown": {"parser": "marked"}},
    }
    profile = parse_profile({"capabilities": capabilities})
    assert profile.has_show_document
    assert profile.resolves_edits
    assert profile.shows_disabled
    assert profile.shows_answers
    for odd in (True, 5, [], {"codeAction": {"resolveSupport": {"properties": "edit"}}}):
        profile = parse_profile({"capabilities": {"window": odd, "textDocument": odd, "general": odd}})
        assert not (profile.has_show_document or profile.resolves_edits or profile.shows_answers)


@pytest.mark.parametrize(
    ("process_id", "watched"), [(5, 5), (None, 0), (0, 0), (-1, 0), (True, 0), ("5", 0), (10**12, 0)]
)
def test_the_process_to_watch(process_id, watched):
    assert parse_profile({"processId": process_id}).process_id == watched
