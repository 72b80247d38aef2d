# make demo: the main job, shown. make test: every check. Each works alone on a fresh clone with Python 3.11+.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test vscode test-editors check lab-smoke bench clean

demo: $(VENV)/.installed
	$(BIN)/edgewise demo

test: $(VENV)/.installed-dev
	$(MAKE) --no-print-directory check
	$(BIN)/python -m pytest

# The extension for VS Code, with the server's wheel inside. Needs npm with Node 22 or newer.
vscode: $(VENV)/.installed-dev
	rm -rf editors/vscode/server
	$(BIN)/python -m pip wheel --quiet --no-deps --wheel-dir editors/vscode/server .
	cd editors/vscode && npm ci --loglevel=error && npm run --silent package

# The real editors: sets up what is missing (kept in ~/.cache/edgewise-editors), then drives them. Debian, as root.
test-editors: $(VENV)/.installed-dev
	PYTHON="$(CURDIR)/$(BIN)/python" bash tests/editors/vscode/setup.sh
	bash tests/editors/neovim/setup.sh
	bash tests/editors/others/setup.sh
	$(BIN)/python -m tests.editors.neovim.latency
	$(BIN)/python -m pytest tests/editors/others tests/editors/neovim tests/editors/vscode

check: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/.installed-dev
	$(BIN)/edgewise bench

lab-smoke: $(VENV)/.installed-dev
	PATH="$(CURDIR)/$(BIN):$$PATH" bash model/lab/runs/smoke.sh

# With only a range, pip takes the newest torch and gigabytes of CUDA with it: the CPU build of this version is enough.
TORCH ?= torch==2.13.0

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --editable .
	@touch $@

$(VENV)/.installed-dev: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet "$(TORCH)" --editable ".[dev,train]"
	@touch $@ $(VENV)/.installed

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache
