# Everything a fresh machine needs is Python >= 3.11 and make.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV ?= .venv
BIN := $(VENV)/bin
export HF_HUB_OFFLINE ?= 1

.PHONY: install demo test quick lint types boards check-boards readme clean

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

BOARD := leaderboards/2026.1
MINI_SOURCE ?= ../shared/data/ptbxl-mini

boards: install  ## run what the committed leaderboards lack, and build them (hours; resumable)
	$(BIN)/ecgbench data prepare ptbxl-mini --source $(MINI_SOURCE)
	$(BIN)/ecgbench run --methods random_init,random_init_resnet,mae,clip --tasks 'sim-sub,sim-super' \
	    --seeds 3 --profile mini --out $(BOARD)/results
	$(BIN)/ecgbench run --methods random_init,random_init_resnet,mae,clip --tasks 'ptbxl-mini-*' \
	    --seeds 3 --profile mini --out $(BOARD)/results
	$(BIN)/ecgbench leaderboard build

check-boards: install  ## the committed tables are what their results make
	$(BIN)/ecgbench leaderboard build --check

readme: install  ## the README's own commands
	$(BIN)/ecgbench list methods
	$(BIN)/ecgbench doctor
	$(BIN)/ecgbench run --methods all --tasks sim-sub --profile demo --dry-run
	$(BIN)/ecgbench data info ptbxl

clean:
	rm -rf $(VENV) build dist *.egg-info runs
