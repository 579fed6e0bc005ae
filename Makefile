# Everything a fresh machine needs is Python >= 3.11 and make.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV ?= .venv
BIN := $(VENV)/bin
export HF_HUB_OFFLINE ?= 1

.PHONY: install system demo test quick lint types boards check-boards readme clean

install: $(VENV)/.installed  ## the environment, with pinned versions

$(VENV)/.installed: pyproject.toml setup.py constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet -c constraints.txt torch
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[dev]'
	touch $@

# Of the system some tests need more than Python: a browser for the page, LaTeX for exported tables,
# WordNet for METEOR. Without them these tests are skipped, and say so.
SYSTEM := chromium texlive-latex-base texlive-latex-recommended wordnet-base wordnet-sense-index

system:  ## what some tests need beside Python, on Debian as root
	dpkg -s $(SYSTEM) > /dev/null 2>&1 || { apt-get update -qq && \
	  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $(SYSTEM); }

# The demo leaves out what trains again in every cell; `--tasks sim-sub` runs that too, in hours.
DEMO := sim-sub/linear-probe,sim-sub/shuffled-labels,sim-sub/zero-shot,sim-sub/lead-loss

demo: install  ## every method on simulated ECGs, and the leaderboard
	$(BIN)/ecgbench run --methods all --tasks '$(DEMO)' --profile demo --out runs/demo

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
ON_BOARD := $(BIN)/ecgbench run --methods all --profile mini --out $(BOARD)/results
CHEAP := linear-probe,shuffled-labels,zero-shot,retrieval,corruption,lead-loss,population

boards: install  ## run what the committed leaderboards lack, and build them (hours; resumable)
	$(BIN)/ecgbench data prepare ptbxl-mini --source $(MINI_SOURCE)
	$(ON_BOARD) --data sim --tasks '$(CHEAP)' --seeds 3
	$(ON_BOARD) --data ptbxl-mini --tasks '$(CHEAP)' --seeds 3
	$(ON_BOARD) --tasks 'sim-sub/fine-tune,sim-sub/report-generation'
	$(ON_BOARD) --tasks 'ptbxl-mini-sub/fine-tune,ptbxl-mini-sub/report-generation'
	$(BIN)/ecgbench leaderboard build
	$(BIN)/ecgbench leaderboard page

check-boards: install  ## the committed tables are what their results make
	$(BIN)/ecgbench leaderboard build --check

readme: install  ## the README's own commands
	$(BIN)/ecgbench list methods
	$(BIN)/ecgbench doctor
	$(BIN)/ecgbench run --methods all --tasks sim-sub --profile demo --dry-run
	$(BIN)/ecgbench data info ptbxl
	$(BIN)/ecgbench inspect random_init --data sim --profile demo

clean:
	rm -rf $(VENV) build dist *.egg-info runs
