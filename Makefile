# Everything a fresh machine needs is Python >= 3.11 and make.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV ?= .venv
BIN := $(VENV)/bin
export HF_HUB_OFFLINE ?= 1

.PHONY: install demo test quick lint types docs boards check-boards clean

install: $(VENV)/.installed  ## the environment, with pinned versions

$(VENV)/.installed: pyproject.toml setup.py constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet -c constraints.txt torch
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[dev]'
	touch $@

demo: install  ## every method on simulated ECGs, and the leaderboard
	$(BIN)/ecgbench run --methods all --tasks sim-sub --profile demo --out runs/demo

test: install  ## all tests
	$(BIN)/python -m pytest

quick: install  ## the tests that take seconds
	$(BIN)/python -m pytest -m 'not slow'

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: install
	$(BIN)/mypy

clean:
	rm -rf $(VENV) build dist *.egg-info runs
