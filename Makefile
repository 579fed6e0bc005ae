# Everything a fresh machine needs is Python >= 3.11 and make.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV ?= .venv
BIN := $(VENV)/bin
export HF_HUB_OFFLINE ?= 1

.PHONY: install system demo test quick lint types boards ablations check-boards readme clean

install: $(VENV)/.installed  ## the environment, with pinned versions

$(VENV)/.installed: pyproject.toml setup.py constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet -c constraints.txt torch
	PYTHONWARNINGS=ignore $(BIN)/python -m pip install --quiet -c constraints.txt -e '.[dev]'
	touch $@

# Of the system some tests need more than Python: a browser for the page, LaTeX for exported tables,
# WordNet for METEOR. Without them these tests are skipped, and say so.
SYSTEM := chromium texlive-latex-base texlive-latex-recommended wordnet-base wordnet-sense-index

system:  ## what some tests need beside Python, on Debian as root
	dpkg -s $(SYSTEM) > /dev/null 2>&1 || { apt-get update -qq && \
	  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $(SYSTEM); }

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
ON_BOARD := $(BIN)/ecgbench run --profile mini --out $(BOARD)/results
# On every label set; shift and retrieval are asked of the subclasses alone.
OTHER := zero-shot,retrieval,corruption,lead-loss,population
CHEAP := linear-probe,$(OTHER)
# Of simulated records the probe of the smaller label sets has one seed: they are no question of their own.
SIM := sim-sub/linear-probe,sim-super/linear-probe,$(OTHER),sim-sub/shuffled-labels

boards: install  ## run what the committed leaderboards lack, and build them (hours; resumable)
	$(BIN)/ecgbench data prepare ptbxl-mini --source $(MINI_SOURCE)
	$(ON_BOARD) --methods all --data sim --tasks linear-probe
	$(ON_BOARD) --methods all --data sim --tasks '$(SIM)' --seeds 3
	$(ON_BOARD) --methods all --data ptbxl-mini --tasks '$(CHEAP),ptbxl-mini-sub/shuffled-labels' --seeds 3
	$(ON_BOARD) --methods all --tasks 'sim-sub/fine-tune,sim-sub/report-generation'
	$(ON_BOARD) --methods all --tasks 'ptbxl-mini-sub/fine-tune,ptbxl-mini-sub/report-generation'
	$(ON_BOARD) --methods mae,clip,merl,cg_dmer,merit --data ptbxl-mini \
		--tasks linear-probe,zero-shot 'pretrain.before=[sim-20k]'
	$(BIN)/ecgbench leaderboard build
	$(BIN)/ecgbench leaderboard page

ablations: install  ## the ablation tables of the cards (an hour; resumable)
	$(BIN)/ecgbench ablate cg_dmer --card methods/cg_dmer/README.md
	$(BIN)/ecgbench ablate merit --card methods/merit/README.md
	for method in clip merl cg_dmer merit; do $(BIN)/ecgbench ablate $$method \
		--only control --seeds 5 --tasks sim-sub/zero-shot@en || exit 1; done

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
