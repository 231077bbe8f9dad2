# Two commands are enough: `make demo` and `make test`. Each sets itself up.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ARGS ?=

.PHONY: demo test check python-check setup ui web-check openapi format lock system-packages reference pictures clean

demo: setup ## the generated shop, from raw events to a measured campaign (ARGS="--no-serve" ends after the summary)
	$(BIN)/limner demo $(ARGS)

test: setup check ## style, types, the house's import rules and every test
	$(BIN)/pytest -n auto --dist worksteal -m "not spark" $(ARGS)
	$(BIN)/pytest -m spark $(ARGS) || [ $$? -eq 5 ]  # one cluster for all of them; 5: none was asked for

check: setup
	@$(MAKE) --no-print-directory -j2 web-check python-check

python-check: $(VENV)/.ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

setup: $(VENV)/.ready ui

ui: $(VENV)/.ready ## the browser UI, built into the package when its sources changed
	@$(BIN)/python hatch_build.py

web-check: $(VENV)/.ready ## the UI's types, style and unit tests
	$(BIN)/python hatch_build.py run --silent check

openapi: $(VENV)/.ready ## web/openapi.json, from which the UI's types are made
	$(BIN)/python -m limner.api.openapi > web/openapi.json.new
	mv web/openapi.json.new web/openapi.json

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

pictures: setup ## the documentation's pictures, made by the browser tests
	rm -rf build/pictures && mkdir -p build/pictures
	LIMNER_SCREENSHOTS=$(CURDIR)/build/pictures $(BIN)/pytest -q -n auto tests/web
	for name in $$(grep -oh 'images/[a-z0-9-]*\.png' README.md docs/*.md docs/*/*.md | sort -u); do cp build/pictures/$$(basename $$name) docs/$$name; done

system-packages: ## what some tests need from the system (Debian, as root)
	apt-get update -qq
	apt-get install -y -qq --no-install-recommends strace chromium-headless-shell fonts-noto-cjk openjdk-17-jre-headless

clean:
	rm -rf $(VENV) web/node_modules web/dist src/limner/api/ui .mypy_cache .ruff_cache .pytest_cache .hypothesis dist build limner-demo
