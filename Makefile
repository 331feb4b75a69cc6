# Two commands: `make demo` shows it, `make test` proves it. Both set up everything they need in
# .venv, from the package index only. Python 3.11 or newer must be on PATH (PYTHON=… chooses).

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: demo test lint types layers bench-smoke bench soak check clean setup

$(STAMP): pyproject.toml .ci/constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "kube_actors needs Python 3.11 or newer: make PYTHON=/path/to/python3.11 …" >&2; exit 2; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || \
	  { echo "this Python cannot make a virtual environment: install its venv module" >&2; exit 2; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check \
	  --constraint .ci/constraints.txt --editable '.[dev]'
	@touch $(STAMP)

setup: $(STAMP)

demo: $(STAMP)
	$(BIN)/kube-actors demo

test: $(STAMP)
	@.ci/debian
	$(BIN)/python -m pytest -m "not soak" $(ARGS)

soak: $(STAMP)
	$(BIN)/python -m pytest -m soak $(ARGS)
	HYPOTHESIS_PROFILE=explore $(BIN)/python -m pytest -m "not soak and not kubectl" $(ARGS)

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(STAMP)
	$(BIN)/mypy

layers: $(STAMP)
	$(BIN)/lint-imports

bench-smoke: $(STAMP)
	@for each in benchmarks/*_*.py; do echo "== $$each --smoke"; $(BIN)/python $$each --smoke || exit 1; done

bench: $(STAMP)
	@for each in benchmarks/*_*.py; do echo "== $$each"; $(BIN)/python $$each || exit 1; done

check: lint types layers bench-smoke

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
