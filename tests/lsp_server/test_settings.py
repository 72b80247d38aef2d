"""Layers of settings: what wins, and what a person is told about a bad value."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from lsp_server import settings as s
from lsp_server.settings import Layer, Settings, merge

DEFAULTS = Settings()


def sentences(*layers):
    return [problem.sentence for problem in merge(*layers)[1]]


def editor(values):
    return Layer("your editor's settings", values)


def test_later_layers_win():
    low = Layer("file", {"completion": {"max_tokens": 10, "timeout_ms": 500}})
    settings, problems = merge(low, editor({"completion": {"max_tokens": 20}}))
    assert (settings.completion.max_tokens, settings.completion.timeout_ms) == (20, 500)
    assert settings.model == DEFAULTS.model
    assert not problems


@pytest.mark.parametrize(
    "values",
    [
        {"completion": {"max_tokens": 7}},
        {"completion": {"maxTokens": 7}},
        {"completion.max_tokens": 7},
        {"edgewise.completion.maxTokens": 7},
        {"edgewise": {"completion": {"maxTokens": 7}}},
    ],
)
def test_every_way_that_editors_write_a_setting(values):
    settings, problems = merge(editor(values))
    assert settings.completion.max_tokens == 7
    assert not problems


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        (
            {"completion": {"max_tokens": "12"}},
            'edgewise.completion.max_tokens is "12", but must be a whole number from 1 to 1024; '
            "64 is used instead (your editor's settings)",
        ),
        (
            {"completion": {"max_tokens": True}},
            "edgewise.completion.max_tokens is true, but must be a whole number from 1 to 1024; "
            "64 is used instead (your editor's settings)",
        ),
        (
            {"model": {"engine": "cuda"}},
            'edgewise.model.engine is "cuda", but must be one of "auto", "llama_cpp", "ctransformers"; '
            '"auto" is used instead (your editor\'s settings)',
        ),
        (
            {"completion": {"disabled_languages": [1]}},
            "edgewise.completion.disabled_languages is [1], but must be a list of texts; "
            "[] is used instead (your editor's settings)",
        ),
        (
            {"completion": {"enabled": None}},
            "edgewise.completion.enabled is null, but must be true or false; "
            "true is used instead (your editor's settings)",
        ),
        (
            {"completion": {"max_token": 12}},
            "There is no setting edgewise.completion.max_token; did you mean "
            "edgewise.completion.max_tokens? (your editor's settings)",
        ),
        (
            {"model": 3},
            "There is no setting edgewise.model; did you mean edgewise.model.name? (your editor's settings)",
        ),
        (
            {"zzz": {"a": {"b": {"c": {}}}}},
            "There is no setting edgewise.zzz.a.b.c. (your editor's settings)",
        ),
        ({"zzz": 1}, "There is no setting edgewise.zzz. (your editor's settings)"),
    ],
)
def test_a_bad_value_is_one_sentence_and_the_default(values, sentence):
    settings, problems = merge(editor(values))
    assert [problem.sentence for problem in problems] == [sentence]
    assert settings == DEFAULTS


def test_a_bad_value_leaves_the_layer_below_in_force():
    settings, _ = merge(Layer("file", {"model": {"n_slots": 2}}), editor({"model": {"n_slots": -1}}))
    assert settings.model.n_slots == 2


def test_what_executes_or_fetches_is_the_machines():
    machine = {name for name in s.setting_names() if s.field_info(name).json_schema_extra == s.MACHINE}
    assert {"model.name", "model.engine", "explain.model"} <= machine
    assert not any(name.startswith(("completion.", "index.", "log.")) for name in machine)


def test_every_setting_is_described_and_its_allowed_values_have_words():
    for name in s.setting_names():
        section, _, field = name.partition(".")
        description = s.field_info(name).description
        assert description and description.endswith(".")
        assert s.allowed(section, field)


def test_settings_do_not_change():
    with pytest.raises(ValidationError):
        DEFAULTS.completion.max_tokens = 1


def test_the_users_file(tmp_path, monkeypatch):
    file = tmp_path / "config.toml"
    monkeypatch.setenv(s.CONFIG_VARIABLE, str(file))
    assert s.load() == (DEFAULTS, ())
    file.write_text("[model]\nidle_exit_s = 5\n[completion]\nmax_tokens = 9000\n")
    settings, problems = s.load(editor({"completion": {"timeout_ms": 100}}))
    assert (settings.model.idle_exit_s, settings.completion.timeout_ms) == (5.0, 100)
    assert [str(problem).endswith(f"({file})") for problem in problems] == [True]


@pytest.mark.parametrize("content", [b"[model", b"\xff\xfe", b"a = 1\na = 2"])
def test_a_file_that_cannot_be_read(tmp_path, monkeypatch, content):
    file = tmp_path / "config.toml"
    file.write_bytes(content)
    monkeypatch.setenv(s.CONFIG_VARIABLE, str(file))
    settings, problems = s.load()
    assert settings == DEFAULTS
    assert [str(file) in str(problem) for problem in problems] == [True]


def test_folders_can_be_moved(tmp_path, monkeypatch):
    monkeypatch.setenv(s.CACHE_VARIABLE, str(tmp_path))
    assert s.cache_folder() == tmp_path
    monkeypatch.delenv(s.CACHE_VARIABLE)
    monkeypatch.delenv(s.CONFIG_VARIABLE, raising=False)
    assert s.cache_folder().name == "edgewise"
    assert s.config_file().name == "config.toml"
