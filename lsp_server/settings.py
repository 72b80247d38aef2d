"""Every user setting once: type, default, what it is for, who may set it; and how layers of them are merged.

Runs in the session and in the commands. Must not know LSP. The editors' settings blocks and the settings page
are generated from these models. Fields marked `MACHINE` name something that executes, fetches or sends:
editors must take them from the user's own configuration only, and no file of a workspace is ever read here.
"""

from __future__ import annotations

import difflib
import json
import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from platformdirs import user_cache_dir, user_config_dir
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.fields import FieldInfo

MACHINE: dict[str, Any] = {"scope": "machine"}

CONFIG_VARIABLE = "EDGEWISE_CONFIG"
CACHE_VARIABLE = "EDGEWISE_CACHE_DIR"
MAX_DEPTH = 3  # of objects in objects that are looked into: edgewise, section, field
_CAMEL_HUMP = re.compile(r"(?<=[a-z0-9])([A-Z])")


class Section(BaseModel):
    """A group of settings. Strict, so that `"5"` or `true` is not taken for a number."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class ModelSettings(Section):
    """Which model completes, and what runs it."""

    name: Annotated[
        str,
        Field(
            min_length=1,
            description="The model that completes: `builtin`, an installed model's name, or a path.",
            json_schema_extra=MACHINE,
        ),
    ] = "builtin"
    engine: Annotated[
        Literal["auto", "llama_cpp", "ctransformers"],
        Field(
            description="The library that runs the model. `auto`: the fastest that can run the file.",
            json_schema_extra=MACHINE,
        ),
    ] = "auto"
    family: Annotated[
        str,
        Field(
            description="The FIM family, where the file is recognised wrongly. `auto`: what the file says.",
            json_schema_extra=MACHINE,
        ),
    ] = "auto"
    adapter: Annotated[
        str,
        Field(
            description="The adapter of `edgewise model tune`: `auto` (this model's), `none`, or a path.",
            json_schema_extra=MACHINE,
        ),
    ] = "auto"
    n_ctx: Annotated[
        int,
        Field(
            ge=0,
            le=1_048_576,
            description="Context in tokens: a prompt and its answer together. 0 takes what suits the model.",
            json_schema_extra=MACHINE,
        ),
    ] = 0
    n_slots: Annotated[
        int,
        Field(
            ge=1,
            le=16,
            description="Requests that the engine host works on at once, each with a KV cache of its own.",
            json_schema_extra=MACHINE,
        ),
    ] = 4
    n_threads: Annotated[
        int,
        Field(
            ge=0,
            le=256,
            description="Threads that compute. 0 picks a count that leaves room for compilers and tests.",
            json_schema_extra=MACHINE,
        ),
    ] = 0
    keep_kv: Annotated[
        bool,
        Field(
            description="Keep what the model has read on disk (for you alone, 7 days, 512 MB), so that the "
            "first suggestion after a restart comes at once. Never of files that are ignored.",
            json_schema_extra=MACHINE,
        ),
    ] = True
    max_memory_mb: Annotated[
        int,
        Field(
            ge=0,
            le=10_000_000,
            description="Memory that the model may take. Where it is too little, there are fewer slots and a "
            "shorter context, or the model is refused. 0: no limit but the machine's.",
            json_schema_extra=MACHINE,
        ),
    ] = 0
    economy: Annotated[
        Literal["auto", "never", "always"],
        Field(
            description="Fewer threads and shorter suggestions to save energy. `auto`: on battery.",
            json_schema_extra=MACHINE,
        ),
    ] = "auto"
    unload_after_minutes: Annotated[
        float,
        Field(
            ge=0,
            le=10_000,
            description="A window in which nobody types for so long lets go of the model; the next key loads "
            "it again. Its memory is freed when no window needs it. 0: never.",
            json_schema_extra=MACHINE,
        ),
    ] = 30.0
    idle_exit_s: Annotated[
        float,
        Field(
            ge=0,
            le=86_400,
            description="The engine host exits so many seconds after the last editor has gone.",
            json_schema_extra=MACHINE,
        ),
    ] = 600.0


class CompletionSettings(Section):
    """When and how ghost text is computed."""

    enabled: Annotated[bool, Field(description="Whether to suggest anything at all.")] = True
    disabled_languages: Annotated[
        tuple[str, ...],
        Field(strict=False, description="Language ids, as your editor calls them, to suggest nothing in."),
    ] = ()
    disabled_globs: Annotated[
        tuple[str, ...],
        Field(strict=False, description="Files to suggest nothing in, as gitignore patterns."),
    ] = ("**/.env", "**/.env.*", "**/*.pem", "**/*.key", "**/id_rsa*")
    max_tokens: Annotated[int, Field(ge=1, le=1024, description="Longest suggestion in tokens.")] = 64
    timeout_ms: Annotated[
        int, Field(ge=50, le=60_000, description="A request that takes longer is answered with nothing.")
    ] = 2000
    t_max_predict_ms: Annotated[
        int,
        Field(
            ge=50, le=60_000, description="Generation stops after this time; what is there by then is shown."
        ),
    ] = 600
    search_deadline_ms: Annotated[
        int,
        Field(ge=0, le=5000, description="How long a request waits for related code from the workspace."),
    ] = 30
    prompt_tokens: Annotated[
        int,
        Field(
            ge=0,
            le=131_072,
            description="Longest prompt in tokens. More context, slower first answer. 0: what suits "
            "the model, this machine and `completion.timeout_ms`.",
        ),
    ] = 0
    multi_line: Annotated[
        Literal["auto", "never", "always"],
        Field(
            description="Whether a suggestion may have several lines. `auto` decides by the cursor's place."
        ),
    ] = "auto"
    prefetch: Annotated[
        bool,
        Field(description="Whether to compute while you type and while you pause, before the editor asks."),
    ] = True
    precedents: Annotated[
        Literal["auto", "never", "always"],
        Field(description="Whether to go on as lines of the workspace do. `auto`: with the built-in model."),
    ] = "auto"
    confidence: Annotated[
        Literal["auto", "never", "always"],
        Field(description="Whether to show only what the model is sure of. `auto`: of the built-in model."),
    ] = "auto"
    in_comments: Annotated[bool, Field(description="Whether to suggest by itself inside of comments.")] = True
    max_file_bytes: Annotated[
        int, Field(ge=1000, le=8_000_000, description="Nothing is suggested in larger files.")
    ] = 2_000_000


class IndexSettings(Section):
    """What is read of the workspace to find related code."""

    enabled: Annotated[bool, Field(description="Whether the workspace is read at all.")] = True
    exclude: Annotated[
        tuple[str, ...],
        Field(
            strict=False, description="Files to leave out besides those of .gitignore, as gitignore patterns."
        ),
    ] = ()
    max_files: Annotated[int, Field(ge=0, le=1_000_000, description="At most so many files are read.")] = (
        20_000
    )
    max_file_bytes: Annotated[
        int, Field(ge=1000, le=50_000_000, description="Larger files are left out.")
    ] = 1_000_000


class ExplainSettings(Section):
    """How code is explained in words."""

    model: Annotated[
        str,
        Field(
            description="The instruct model that explains: a name or a GGUF file's path. Empty: facts alone.",
            json_schema_extra=MACHINE,
        ),
    ] = ""
    max_tokens: Annotated[int, Field(ge=16, le=4096, description="Longest explanation in tokens.")] = 400
    timeout_ms: Annotated[
        int, Field(ge=1000, le=600_000, description="An explanation that takes longer ends where it is.")
    ] = 60_000


class LogSettings(Section):
    """What is written to the server's error output. Prompts and code never are."""

    level: Annotated[
        Literal["error", "warning", "info", "debug"],
        Field(description="How much is logged. `debug` adds one line of JSON for each request."),
    ] = "warning"


class Settings(Section):
    """All settings. The dotted name of one is `edgewise.` + section + `.` + field."""

    model: ModelSettings = ModelSettings()
    completion: CompletionSettings = CompletionSettings()
    index: IndexSettings = IndexSettings()
    explain: ExplainSettings = ExplainSettings()
    log: LogSettings = LogSettings()


SECTIONS: Mapping[str, type[Section]] = {
    "model": ModelSettings,
    "completion": CompletionSettings,
    "index": IndexSettings,
    "explain": ExplainSettings,
    "log": LogSettings,
}


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with one setting, as a sentence for a person."""

    setting: str
    sentence: str

    def __str__(self) -> str:
        return self.sentence


@dataclass(frozen=True, slots=True)
class Layer:
    """Settings from one place. `source` is what a problem's sentence calls that place."""

    source: str
    values: Mapping[str, Any]


def merge(*layers: Layer) -> tuple[Settings, tuple[Problem, ...]]:
    """Later layers win. A bad value is left out, so that the layer below it, or the default, counts."""
    problems: list[Problem] = []
    merged: dict[str, dict[str, Any]] = {name: {} for name in SECTIONS}
    for layer in layers:
        for section, field, value in _leaves(layer, problems):
            merged[section][field] = value
    sections = {name: SECTIONS[name].model_validate(values) for name, values in merged.items()}
    return Settings.model_validate(sections), tuple(problems)


def _leaves(layer: Layer, problems: list[Problem]) -> Iterator[tuple[str, str, Any]]:
    """The good (section, field, value) of a layer; the bad ones become problems."""
    for name, value in _flattened(layer.values):
        section, _, field = name.partition(".")
        problem = _unknown(name) or _invalid(section, field, value)
        if problem:
            problems.append(Problem(f"edgewise.{name}", f"{problem} ({layer.source})"))
        else:
            yield section, field, value


def _flattened(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Dotted names, whether the editor sends objects or dotted names, in snake_case or camelCase."""
    for key, value in values.items():
        name = prefix + _CAMEL_HUMP.sub(r"_\1", str(key)).lower()
        if isinstance(value, Mapping) and name.count(".") < MAX_DEPTH:
            yield from _flattened(value, f"{name}.")
        else:
            yield name.removeprefix("edgewise."), value


def _unknown(name: str) -> str:
    names = setting_names()
    if name in names:
        return ""
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    hint = f"; did you mean edgewise.{near[0]}?" if near else "."
    return f"There is no setting edgewise.{name[:80]}{hint}"


def _invalid(section: str, field: str, value: object) -> str:
    try:
        SECTIONS[section].model_validate({field: value})
    except ValidationError:
        default = SECTIONS[section].model_fields[field].default
        return (
            f"edgewise.{section}.{field} is {_shown(value)}, but must be {allowed(section, field)}; "
            f"{_shown(default)} is used instead"
        )
    return ""


def _shown(value: object) -> str:
    text = json.dumps(value, default=str)
    return text if len(text) <= 60 else text[:57] + "..."


def allowed(section: str, field: str) -> str:
    """What a setting may be, in words."""
    schema = SECTIONS[section].model_json_schema()["properties"][field]
    if "enum" in schema:
        return "one of " + ", ".join(json.dumps(choice) for choice in schema["enum"])
    kind = {
        "boolean": "true or false",
        "integer": "a whole number",
        "number": "a number",
        "string": "a text",
        "array": "a list of texts",
    }[schema["type"]]
    if "minimum" in schema:
        return f"{kind} from {schema['minimum']} to {schema['maximum']}"
    return kind + (" that is not empty" if schema.get("minLength") else "")


def setting_names() -> tuple[str, ...]:
    """`section.field` of every setting, in the order of this module."""
    return tuple(f"{name}.{field}" for name, section in SECTIONS.items() for field in section.model_fields)


def field_info(name: str) -> FieldInfo:
    """The field behind `section.field`: default, description, scope."""
    section, _, field = name.partition(".")
    return SECTIONS[section].model_fields[field]


def config_file() -> Path:
    """The user's own configuration file. It need not exist."""
    override = os.environ.get(CONFIG_VARIABLE)
    return Path(override) if override else Path(user_config_dir("edgewise")) / "config.toml"


def cache_folder() -> Path:
    """Where the index of each workspace lives. Never inside of a workspace."""
    override = os.environ.get(CACHE_VARIABLE)
    return Path(override) if override else Path(user_cache_dir("edgewise"))


def read_config_file(path: Path) -> tuple[Layer, tuple[Problem, ...]]:
    """The user's file as a layer. A file that is not there is an empty layer; an unreadable one a problem."""
    source = str(path)
    try:
        return Layer(source, tomllib.loads(path.read_text("utf-8"))), ()
    except FileNotFoundError:
        return Layer(source, {}), ()
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        sentence = (
            f"The settings file {path} cannot be read ({error}): correct it or remove it; defaults are used"
        )
        return Layer(source, {}), (Problem("", sentence),)


def load(*layers: Layer) -> tuple[Settings, tuple[Problem, ...]]:
    """Defaults, then the user's file, then `layers`."""
    file_layer, file_problems = read_config_file(config_file())
    settings, problems = merge(file_layer, *layers)
    return settings, file_problems + problems
