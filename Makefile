# A fresh machine needs only Python >= 3.11 and make.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV ?= .venv
BIN := $(VENV)/bin
export HF_HUB_OFFLINE ?= 1

.PHONY: mutants install system demo test quick lowest lint types boards ablations check-boards readme clean

install: $(VENV)/.installed  ## create the environment with pinned versions

$(VENV)/.installed: pyproject.toml setup.py constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet -c constraints.txt torch
	PYTHONWARNINGS=ignore $(BIN)/python -m pip install --quiet -c constraints.txt -e '.[dev]'
	touch $@

# Some tests need system packages: a browser (leaderboard page), LaTeX (exported tables), WordNet (METEOR).
# Without them these tests are skipped with a reason.
SYSTEM := chromium texlive-latex-base texlive-latex-recommended wordnet-base wordnet-sense-index

system:  ## install the system packages that some tests need (Debian, as root)
	dpkg -s $(SYSTEM) > /dev/null 2>&1 || { apt-get update -qq && \
	  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $(SYSTEM); }

demo: install  ## run every method on simulated ECGs and print the tables
	$(BIN)/ecgbench run --methods all --tasks sim-sub --profile demo --out runs/demo

test: install  ## run all tests
	$(BIN)/python -m pytest

quick: install  ## run the fast tests
	$(BIN)/python -m pytest -m 'not slow'

LOWEST := .venv-lowest

lowest:  ## run the fast tests with the lowest versions that pyproject.toml allows
	$(PYTHON) -m venv $(LOWEST)
	$(LOWEST)/bin/python -m pip install --quiet uv
	$(LOWEST)/bin/uv pip install --quiet --python $(LOWEST)/bin/python --resolution lowest-direct -e '.[dev]'
	$(LOWEST)/bin/python -m pytest -m 'not slow'

lint: install  ## check style and spelling
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/codespell
	$(BIN)/validate-pyproject pyproject.toml

types: install  ## check types
	$(BIN)/mypy

BOARD := leaderboards/2026.1
MINI_SOURCE ?= ../shared/data/ptbxl-mini
ON_BOARD := $(BIN)/ecgbench run --profile mini --out $(BOARD)/results
# Protocols beside the linear probe. The shift protocols and retrieval only exist for the subclass tasks.
OTHER := zero-shot,retrieval,corruption,memorisation,lead-loss,population
CHEAP := linear-probe,$(OTHER)
# On simulated records only the subclasses and superclasses have three seeds. The other label sets have one.
SIM := sim-sub/linear-probe,sim-super/linear-probe,$(OTHER),sim-sub/shuffled-labels

boards: install  ## run the missing cells of the committed boards and build them (hours; resumable)
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

ablations: install  ## update the ablation tables of the cards (an hour; resumable)
	$(BIN)/ecgbench ablate cg_dmer --card methods/cg_dmer/README.md
	$(BIN)/ecgbench ablate merit --card methods/merit/README.md
	for method in clip merl cg_dmer merit; do $(BIN)/ecgbench ablate $$method \
		--only control --seeds 5 --tasks sim-sub/zero-shot@en || exit 1; done

check-boards: install  ## check that the committed tables match their results
	$(BIN)/ecgbench leaderboard build --check

mutants: install  ## change 150 lines, one at a time, and see that tests fail (an hour; in a clean checkout)
	$(BIN)/python tests/mutants/run.py

readme: install  ## run the README's commands
	$(BIN)/ecgbench list methods
	$(BIN)/ecgbench doctor
	$(BIN)/ecgbench run --methods all --tasks sim-sub --profile demo --dry-run
	$(BIN)/ecgbench data info ptbxl
	$(BIN)/ecgbench inspect random_init --data sim --profile demo
	$(BIN)/ecgbench show sim-sub/linear-probe --out runs/demo
	$(BIN)/ecgbench view sim/1 --out runs/ecg.png

clean:
	rm -rf $(VENV) $(LOWEST) build dist *.egg-info runs
