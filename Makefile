# make checks   derive, measure and attack the claims      make test   the tests      make lint   style, types, walls
PYTHON ?= python3
BIN := .venv/bin

.PHONY: checks test lint calibrate clean

checks: .venv/base
	$(BIN)/python paper_checks.py $(ARGS)

test: .venv/development
	$(BIN)/python -m pytest $(ARGS)

lint: .venv/development
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

calibrate: .venv/base
	$(BIN)/python benchmarks/calibrate.py $(ARGS)

.venv/base: requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Fathom needs Python 3.11 or newer, this is " + sys.version.split()[0] + "; try: make PYTHON=python3.11")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements.lock
	touch $@

.venv/development: .venv/base requirements-dev.lock
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements-dev.lock
	touch $@

clean:
	rm -rf .venv build dist *.egg-info
