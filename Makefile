# wordhive: `make demo` shows it at work, `make test` checks it. Both need only python >= 3.10, make and pip.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/ready
SITE_VENV := build/docs-venv
SITE_READY := $(SITE_VENV)/ready

export HF_HUB_OFFLINE ?= 1
export OMP_WAIT_POLICY ?= passive
export WORDHIVE_DATA ?= $(abspath ../shared/data)

.DEFAULT_GOAL := help
.PHONY: help demo test test-slow lint types tree docs bench model projection clean

help:           ## show this
	@grep -hE '^[a-z-]+: .*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and "wordhive needs python 3.10 or newer; set PYTHON=...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

demo: $(READY)  ## index Python's own documentation, search it, measure it
	@$(BIN)/wordhive demo --to out/python-docs.hive

# A process for each core: threads of BLAS beside them would only wait for each other.
test: $(READY)  ## lint, types, and all tests that need no collections
	$(MAKE) --no-print-directory lint types
	OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest -m 'not slow and not gpu' -n auto --maxprocesses 4 --dist loadfile

test-slow: $(READY)  ## the long drills of crashes, and the tests on the real collections in WORDHIVE_DATA
	$(BIN)/python -m pytest -m slow -s

lint: $(READY)  ## ruff
	$(BIN)/ruff check .
	$(BIN)/ruff format --check --quiet .

types: $(READY) tree  ## mypy --strict
	$(BIN)/mypy

# mypy and zensical can't follow the package-dir mapping: they read a tree of links that has the installed shape.
tree:
	@mkdir -p build/types/wordhive
	@for file in wordhive/*; do case $$file in *__pycache__*) ;; *) ln -sfn ../../../$$file build/types/$$file;; esac; done
	@for folder in cli eval index retrieval configs; do ln -sfn ../../../$$folder build/types/wordhive/$$folder; done

# The site's programs have an environment of their own, so that wordhive's has none of their dependencies.
$(SITE_READY): site/requirements.txt
	$(PYTHON) -m venv $(SITE_VENV)
	$(SITE_VENV)/bin/python -m pip install --quiet --disable-pip-version-check -r site/requirements.txt
	@touch $@

docs: $(SITE_READY) tree  ## the documentation as a site, into build/site (its search needs a server: python3 -m http.server -d build/site)
	$(SITE_VENV)/bin/zensical build --clean --strict

bench: $(READY)  ## quality and cost on the collections in WORDHIVE_DATA, into out/
	@for name in cranfield scifact; do \
	  $(BIN)/wordhive eval $(WORDHIVE_DATA)/collections/$$name --report out/$$name || exit 1; done

model: $(READY)  ## train the default model anew, into out/minilm-32 (an hour on two cores)
	$(BIN)/wordhive train configs/train/minilm-32.yaml --light all-MiniLM-L6-v2

projection: $(READY)  ## fit the untrained model anew, into out/wordhive-minilm-128
	rm -rf out/wordhive-minilm-128
	$(BIN)/wordhive fit all-MiniLM-L6-v2 --dim 128 --summary-weight 0.8 --field positive --sample 500 --seed 0 --light \
	  $(foreach file,$(sort $(wildcard $(WORDHIVE_DATA)/train/*.jsonl.gz)),--texts $(file)) --to out/wordhive-minilm-128

clean:          ## remove what make made
	rm -rf $(VENV) build out *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
