# make checks   derive, measure and attack the claims      make test   the tests      make lint   style, types, walls
# make profile  one network per depth, ARGS="residual"     (the closed form beside the measurement)
# make report   the same as a page, report.html            make figures   every picture, with its data and the gallery
# make lessons  twelve lessons in the browser                make browser   the lessons tested in a real browser
# make sweep    grids of networks, ARGS="sweep.toml"       make faults    sweeps that are killed, cut off and run out of disk
# make translate   a Transformer learns to translate, ARGS="--norm fixup --layers 8"
# make audit    your own PyTorch or Flax model, ARGS="package.module:make_model --shape 32x64"
# make fast     tests of every package, the quick ones     make attack    wrong steps, functions and sources must be caught
PYTHON ?= python3
BIN := .venv/bin

.PHONY: checks report figures lessons profile sweep translate compare audit test fast attack browser faults lint calibrate bench locks clean

checks: .venv/base
	$(BIN)/python paper_checks.py $(ARGS)

report: .venv/base
	$(BIN)/python paper_checks.py --html report.html $(ARGS)

figures: .venv/base
	$(BIN)/python -m figures $(ARGS)

# the report is made once, for the index to link
lessons: .venv/lessons
	test -e report.html || $(BIN)/python paper_checks.py --html report.html > /dev/null || test -e report.html
	$(BIN)/python -m lessons $(ARGS)

profile: .venv/base
	$(BIN)/python -m profiles $(ARGS)

sweep: .venv/sweep
	$(BIN)/python -m profiles.sweep $(ARGS)

translate: .venv/base
	$(BIN)/python -m simulations.translate $(ARGS)

# recipes of Transformers side by side; hours, and goes on where it was stopped
compare: .venv/base
	$(BIN)/python -m benchmarks.translate $(ARGS)

audit: .venv/base
	$(BIN)/python -m audit $(ARGS)

test: .venv/development
	$(BIN)/python -m pytest --numprocesses auto $(ARGS)

fast: .venv/development
	$(BIN)/python -m pytest --numprocesses auto -m "not slow" $(ARGS)

browser: .venv/development
	@command -v chromium > /dev/null || { echo "make browser needs Chromium; install it, on Debian with: apt-get install chromium" >&2; exit 2; }
	$(BIN)/python -m pytest tests/browser $(ARGS)

faults: .venv/development
	$(BIN)/python -m pytest tests/faults $(ARGS)

# what the tests try on samples: all wrong steps, random changes of sources, and a list of wrong functions that pass
attack: .venv/development
	$(BIN)/python -m pytest --numprocesses auto tests/attack/test_steps.py $(ARGS)
	$(BIN)/python -m pytest tests/attack/test_sources.py $(ARGS)
	$(BIN)/python -m tests.attack.survivors

lint: .venv/development
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

calibrate: .venv/base
	$(BIN)/python -m benchmarks.calibrate $(ARGS)

# Fathom beside PyTorch and JAX, which this alone installs, and what sweeps cost
bench: .venv/sweep
	$(BIN)/python -m pip install --quiet "torch==2.13.0" "jax==0.10.2"
	$(BIN)/python -m benchmarks.speed $(ARGS)
	$(BIN)/python -m benchmarks.training.undrawn --json benchmarks/results/undrawn_training.json
	$(BIN)/python -m benchmarks.speed.ten_thousand_layers
	$(BIN)/python -m benchmarks.training.step --json benchmarks/results/training.json
	$(BIN)/python -m benchmarks.training.transformer --growth --json benchmarks/results/transformer.json
	$(BIN)/python -m benchmarks.sweeps

.venv/base: requirements/base.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Fathom needs Python 3.11 or newer, this is " + sys.version.split()[0] + "; try: make PYTHON=python3.11")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements/base.lock
	touch $@

.venv/lessons: .venv/base requirements/lessons.lock
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements/lessons.lock
	touch $@

.venv/sweep: .venv/base requirements/sweep.lock
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements/sweep.lock
	touch $@

.venv/development: .venv/base requirements/dev.lock
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements/dev.lock
	touch $@

# The lock files anew, from pyproject.toml; uv.lock, which has addresses, goes. One lock of all as a constraints file for short
# lists would be less to keep, but pip takes no version and no hash from constraints where it requires hashes.
locks:
	uv lock --upgrade
	uv export --frozen --no-emit-project --no-header --no-annotate --extra report -o requirements/base.lock
	uv export --frozen --no-emit-project --no-header --no-annotate --extra report --extra lessons -o requirements/lessons.lock
	uv export --frozen --no-emit-project --no-header --no-annotate --extra sweep --extra dask -o requirements/sweep.lock
	uv export --frozen --no-emit-project --no-header --no-annotate --extra browser --extra lint -o requirements/dev.lock
	rm uv.lock

clean:
	rm -rf .venv build dist *.egg-info
