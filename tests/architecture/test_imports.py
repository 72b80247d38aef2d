"""Which module may import which library. The layers among our own are import contracts in pyproject.toml."""

from __future__ import annotations

import pytest

from tests.architecture.source import imported, modules

ONLY_IN = {
    "lsprotocol": ("lsp_server.handlers", "lsp_server.server", "lsp_server.session"),
    "pygls": ("lsp_server.handlers", "lsp_server.server", "lsp_server.session"),
    "sqlite3": ("lsp_server.index",),
    "tree_sitter": ("lsp_server.index", "model.lab"),
    "watchdog": ("lsp_server.index",),
    "pathspec": ("lsp_server.index", "lsp_server.completion.trigger"),
    "xllamacpp": ("model.engines.llama_cpp",),
    "ctransformers": ("model.engines.ctransformers",),
    "starlette": ("model.engines.ctransformers",),
    "uvicorn": ("model.engines.ctransformers",),
    "h11": ("model.transport",),
    "httpx2": ("model.pull", "model.full_transport", "model.engines.remote", "model.lab"),
    "huggingface_hub": ("model.pull",),
    "requests": (),
    "urllib": ("lsp_server.text", "lsp_server.assist"),
    "torch": ("model.lab",),
    "sentencepiece": ("model.lab",),
    "numpy": ("model.lab", "model.quantize"),
    "lsp_server": ("lsp_server",),
}


def test_libraries_stay_where_they_belong() -> None:
    broken = [
        f"{module.name} imports {name}"
        for module in modules()
        for name in imported(module)
        if (home := ONLY_IN.get(name.split(".")[0])) is not None and not module.is_in(*home)
    ]
    assert not broken, "\n".join(sorted(set(broken)))


def test_session_meets_the_model_in_five_modules_only() -> None:
    doors = ("model.adapters", "model.client", "model.protocol", "model.supervisor", "model.store")
    offline = ("lsp_server.bench", "lsp_server.cli", "lsp_server.commands", "lsp_server.doctor")
    broken = [
        f"{module.name} imports {name}"
        for module in modules()
        if module.is_in("lsp_server") and not module.is_in(*offline)
        for name in imported(module)
        if name.startswith("model.") and not name.startswith(doors)
    ]
    assert not broken, "\n".join(sorted(set(broken)))


@pytest.mark.parametrize("package", ["lsp_server.completion", "lsp_server.text", "lsp_server.types"])
def test_pure_modules_do_no_input_or_output(package: str) -> None:
    forbidden = {
        "os",
        "socket",
        "subprocess",
        "pathlib",
        "shutil",
        "tempfile",
        "io",
        "threading",
        "multiprocessing",
    }
    broken = [
        f"{module.name} imports {name}"
        for module in modules()
        if module.is_in(package)
        for name in imported(module)
        if name.split(".")[0] in forbidden
    ]
    assert not broken, "\n".join(broken)
