# make demo, make test, make lab create ./.venv on first use. PYTHON picks the interpreter (3.11 or later).
PYTHON ?= python3
BIN := .venv/bin
TEST_JOBS ?= 2
STAMP := .venv/.installed

.DEFAULT_GOAL := help
.PHONY: help demo test lab lint bench site notebooks clean

help: ## Say what there is
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 8

$(STAMP): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "bdlab needs Python 3.11 or later; this is " + sys.version.split()[0] + ". Try: make PYTHON=python3.12 demo")'
	$(PYTHON) -m venv .venv
	@echo "Installing bdlab and what it needs (PyTorch with its GPU libraries: about 6 GB, some minutes) ..."
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[lab,test,cluster,docs,export,search,tiff,timm]'
	@touch $@

demo: $(STAMP) ## Table IV of the paper at toy size: render, train, print, report (about five minutes)
	$(BIN)/bdlab demo

test: $(STAMP) ## All tests, the notebooks included, two at a time (TEST_JOBS=8 for more)
	$(BIN)/python -m pytest -n $(TEST_JOBS) --dist loadfile

lab: $(STAMP) ## JupyterLab at the notebooks
	$(BIN)/bdlab lab

lint: $(STAMP) ## ruff on modules and notebooks, mypy on the core
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(STAMP) ## Benchmarks, each beside a naive peer: prints and writes docs/benchmarks.md (about 15 quiet minutes)
	$(BIN)/python benchmarks/run.py

site: $(STAMP) ## The site, offline, from what is tracked: docs/_build/html (warnings are errors)
	$(BIN)/python -m sphinx -W --keep-going -q -b html docs docs/_build/html
	@echo "docs/_build/html/index.html"

notebooks: $(STAMP) ## Run every notebook and keep its outputs in it (some minutes)
	$(BIN)/python docs/execute.py

clean: ## Remove the environment and caches (data/ and runs/ stay)
	rm -rf .venv .pytest_cache .ruff_cache *.egg-info
