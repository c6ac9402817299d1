# `make` sets up .venv and runs the checklist; `make test` runs all that must pass.
PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/installed

.DEFAULT_GOAL := checklist
.PHONY: checklist test lint matrix mutation pages clean

$(INSTALLED): pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet -c constraints.txt torch
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[dev]'
	touch $@

checklist: $(INSTALLED)
	$(BIN)/python -m pytest

test: $(INSTALLED) lint
	$(BIN)/python -m pytest -q
	$(BIN)/python -m pytest -q -m slow
	$(BIN)/python -m pytest -q -rfE -n 2 selftest

lint: $(INSTALLED)
	$(BIN)/python -m ruff check .
	$(BIN)/python -m ruff format --check .
	$(BIN)/python -m mypy

# Which mistakes in the suite's own code its tests notice, in a quarter of an hour; MODULES=reference takes two minutes.
mutation: $(INSTALLED)
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[mutation]'
	$(BIN)/python selftest/mutation.py $(MODULES)

# Every package of the matrix held to the specs, in some two hours; PACKAGES="mlx jax" those alone. They share an environment,
# which pip finds for all of them together; each runs in a process of its own. What XLA has compiled is kept beside them, so
# that another time takes less than one. tinygrad needs clang 15 or newer beside.
.venv-matrix/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv-matrix
	.venv-matrix/bin/python -m pip install --quiet --upgrade pip
	.venv-matrix/bin/python -m pip install --quiet -c constraints.txt torch
	.venv-matrix/bin/python -m pip install --quiet -c constraints.txt -e '.[dev,adapters]'
	touch $@

matrix: export JAX_COMPILATION_CACHE_DIR ?= $(CURDIR)/.venv-matrix/xla
matrix: export JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS ?= 0
matrix: .venv-matrix/installed
	@status=0; \
	.venv-matrix/bin/python -m harness.matrix run $(PACKAGES) || status=1; \
	.venv-matrix/bin/python -m harness.matrix render || status=1; \
	.venv-matrix/bin/python selftest/findings.py $(PACKAGES) || status=1; \
	exit $$status

# The pages of the matrix, from the records in results/.
pages: $(INSTALLED)
	$(BIN)/python -m harness.matrix render

clean:
	rm -rf .venv .venv-matrix mutants .pytest_cache .ruff_cache .mypy_cache *.egg-info
