# Two commands are enough: `make demo` and `make test`. Each sets itself up.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ARGS ?=

.PHONY: demo test check setup format lock system-packages reference clean

demo: setup ## the generated shop, from raw events to a measured campaign (ARGS="--no-serve" ends after the summary)
	$(BIN)/limner demo $(ARGS)

test: setup check ## style, types, the house's import rules and every test
	$(BIN)/pytest -n auto $(ARGS)

check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

setup: $(VENV)/.ready

$(VENV)/.ready: pyproject.toml uv.lock
	@$(PYTHON) -c 'import sys; sys.exit("Limner needs Python 3.11 or newer; this is " + sys.version.split()[0] + ". Try: make PYTHON=python3.12 …" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(BIN)/uv sync --locked --inexact --quiet --compile-bytecode
	@$(BIN)/python -m compileall -q src
	@touch $@

format: setup
	$(BIN)/ruff check --fix --quiet .
	$(BIN)/ruff format --quiet .

lock:
	$(BIN)/uv lock

reference: setup ## docs/reference pages and docs/requirements.md, made from the code and the tests
	$(BIN)/python -m tests.reference
	$(BIN)/python -m tests.requirements

system-packages: ## what some tests need from the system (Debian, as root)
	apt-get update -qq
	apt-get install -y -qq --no-install-recommends strace

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis dist build limner-demo
