# make bench   install what is missing, run the benchmark, write a report
# make test    install what is missing, check and test everything
.POSIX:
.PHONY: help setup setup-dev bench quick live doctor test check unit spark broker browser e2e long perf soak trust noise lock clean

PY = .venv/bin/python
# One Python to use instead of the first that fits: make PYTHON=python3.12
PYTHON =
ARGS =

help:
	@printf 'make bench   install what is missing, run the benchmark (8 min), write a report below results/\n'
	@printf 'make test    install what is missing, check and test everything\n'
	@printf 'make quick   two cells, under two minutes\nmake doctor  what this machine lacks, and how to mend it\n'
	@printf 'make live    broker, simulator, pipeline and dashboard, until Ctrl-C\nmake check | unit | broker | browser | spark | e2e   parts of make test\nmake long    tests that make test leaves out: a newcomer'"'"'s walk, a planted fault (half an hour)\nmake perf    the parts side by side with Kafka'"'"'s own tools (over an hour)\nmake soak    a cell of an hour: valid, and does anything grow?\nmake trust   plant faults, and see whether they are reported\nmake noise   the smallest change that this machine can show\nmake lock    resolve the locks anew\n'

setup:
	@PYTHON="$(PYTHON)" ./setup.sh requirements.lock

setup-dev:
	@PYTHON="$(PYTHON)" ./setup.sh requirements-dev.lock

bench: setup
	@$(PY) -m bench.run --sensors 1000 $(ARGS)

quick: setup
	@$(PY) -m bench.run --sensors 1000 --quick $(ARGS)

live: setup
	@$(PY) -m bench.live $(ARGS)

doctor: setup
	@$(PY) -m bench.doctor $(ARGS)

test: check unit broker browser spark e2e

check: setup-dev
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy

unit: setup-dev
	$(PY) -m pytest -n auto --dist loadfile -m "not broker and not browser and not spark and not e2e" $(ARGS)

broker: setup-dev
	$(PY) -m pytest -m "broker and not spark and not e2e" $(ARGS)

# Skipped, with the reason, where there is no Chromium.
browser: setup-dev
	$(PY) -m pytest -m "browser and not long" $(ARGS)

spark: setup-dev
	$(PY) -m pytest -m "spark and not e2e" $(ARGS)

e2e: setup-dev
	$(PY) -m pytest -m "e2e and not long" $(ARGS)

# Half an hour, and no part of make test: what README tells a newcomer, typed into a fresh clone; a planted
# fault; a pipeline in another language.
long: setup-dev
	$(PY) -m pytest -m long -s $(ARGS)

# Over an hour, and the machine for itself: figures for docs/performance.md.
perf: setup
	@$(PY) -m bench.perf publisher $(ARGS)
	@$(PY) -m bench.perf pipeline $(ARGS)

# Over an hour, and the machine for itself: the figure for docs/performance.md.
soak: setup
	@$(PY) -m bench.perf soak $(ARGS)

# Under 45 minutes, and the machine for itself: the table of docs/trust.md. An interrupted run goes on with
# ARGS="--resume results/trust-...".
trust: setup
	@$(PY) -m bench.trust $(ARGS)

noise: setup
	@$(PY) -m bench.noise $(ARGS)

# Needs uv. No index is written into the locks: pip uses the reader's own.
UV = uv pip compile --quiet --universal --generate-hashes --no-header --no-emit-index-url --no-emit-find-links --python-version 3.11
lock:
	$(UV) --extra dev pyproject.toml -o requirements-dev.lock
	$(UV) -c requirements-dev.lock pyproject.toml -o requirements.lock
	$(PY) -m base.jars --relock

clean:
	rm -rf .venv results .mypy_cache .ruff_cache .pytest_cache .hypothesis *.egg-info
