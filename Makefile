# make demo: the main job, shown. make test: every check. Each works alone on a fresh clone with Python 3.11+.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test vscode editors test-editors soak check lab-smoke bench clean

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

# The real editors, their plugins and what drives them, kept in ~/.cache/edgewise-editors. Debian, as root.
editors: $(VENV)/.installed-dev
	PYTHON="$(CURDIR)/$(BIN)/python" bash tests/editors/vscode/setup.sh
	bash tests/editors/neovim/setup.sh
	bash tests/editors/others/setup.sh

# Sets up what is missing, then drives them. What fails is tried once more; what fails twice has failed.
test-editors: editors
	$(BIN)/python -m tests.editors.neovim.latency
	$(BIN)/python -m pytest $(EDITOR_TESTS) || $(BIN)/python -m pytest --last-failed $(EDITOR_TESTS)

EDITOR_TESTS := tests/editors/others tests/editors/neovim tests/editors/vscode

# Ten minutes of typing in windows over one engine host: nothing may grow, nothing may be left.
soak: $(VENV)/.installed-dev
	$(BIN)/python -m tests.bench.soak --minutes 10 --windows 2

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
