# Tasks. A fresh machine needs Python 3.11, make and the package index; everything else is installed here.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin

.PHONY: help setup demo test lint types walls rules unit bench quality quality-pages golden lock clean

help:  ## say what there is
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

setup: $(VENV)/.ready  ## an environment in this checkout, from the lock file

$(VENV)/.ready: requirements.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

demo: setup  ## make a demo collection, examine it, print the verdict
	$(BIN)/exopsy demo --out demo

test: setup lint types walls rules unit  ## everything that CI runs

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: setup
	$(BIN)/mypy

walls: setup
	$(BIN)/lint-imports --no-cache

rules: setup
	$(BIN)/exopsy rules lint
	$(BIN)/exopsy rules test

unit: setup
	$(BIN)/pytest -q -n auto

bench: setup  ## the figures of docs/performance.md (long)
	$(BIN)/python tools/bench.py

# ARCHIVE=FILE PASSWORD_FILE=FILE: weigh the samples in an archive, in memory, instead
quality: setup  ## hold lab cases against their truth, as docs/detection-quality.md tells (long)
	$(if $(ARCHIVE),$(WEIGH_ARCHIVE),$(BIN)/python tools/quality.py --seeds 5)

quality-pages: setup  ## weigh innocent web pages; with ARCHIVE=FILE PASSWORD_FILE=FILE samples
	$(if $(ARCHIVE),$(WEIGH_ARCHIVE),$(BIN)/python tools/quality_pages.py)

WEIGH_ARCHIVE = $(BIN)/python tools/quality_pages.py --archive "$(ARCHIVE)" \
	$(if $(PASSWORD_FILE),--password-file "$(PASSWORD_FILE)")

golden: setup  ## write the golden case again; read the difference
	$(BIN)/python tools/make_golden.py

lock: setup  ## renew requirements.lock from pyproject.toml
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile --quiet --no-header --no-annotate --universal --python-version 3.11 --generate-hashes --group dev --group build pyproject.toml -o requirements.lock

clean:
	rm -rf $(VENV) demo build dist
