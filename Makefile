# What a newcomer types: `make demo`, then `make test`. Needs python3.11 or newer.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip -qq --disable-pip-version-check
HOME_OF_DAGSTER := $(CURDIR)/var/dagster
LOCK := $(wildcard requirements.lock)

.PHONY: demo refresh show dev sample test lint types format install clean help
.DEFAULT_GOAL := help

help: ## list the targets
	@grep -E '^[a-z]+:.*##' Makefile | sed -E 's/:[^#]*## /\t/' | expand -t 12

demo: refresh ## run the job on the data that lydite.toml names, and show the verdict
	@$(BIN)/python -m pipelines.show

refresh: $(VENV)/.installed var/dagster/dagster.yaml ## run the job `refresh` headless
	@echo "Putting the rivals on trial ..."
	@DAGSTER_HOME=$(HOME_OF_DAGSTER) $(BIN)/python -m pipelines.refresh

show: $(VENV)/.installed ## show what the last run found
	@$(BIN)/python -m pipelines.show

dev: $(VENV)/.installed var/dagster/dagster.yaml ## open Dagster's pages at http://localhost:3000
	DAGSTER_HOME=$(HOME_OF_DAGSTER) $(BIN)/dagster dev -w workspace.yaml

sample: $(VENV)/.installed ## make data_samples again, byte for byte
	$(BIN)/lydite simulate --world storefront --users 20000 --seed 7 --out data_samples

test: $(VENV)/.installed-dev ## run all tests but the long statistical studies
	$(BIN)/python -m pytest -n auto

lint: $(VENV)/.installed-dev ## check rules and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(VENV)/.installed-dev ## mend format, and what rules can mend
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: $(VENV)/.installed-dev ## check types
	$(BIN)/mypy

install: $(VENV)/.installed-dev ## make the environment with all that developers need

clean: ## remove the environment, results and caches
	rm -rf $(VENV) var .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist

# --- files ----------------------------------------------------------------------------------------

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	    echo "Lydite needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version 2>&1)." \
	         "Name another one: make $(MAKECMDGOALS) PYTHON=python3.13" >&2; exit 1; }
	@echo "Making the environment $(VENV) ..."
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml $(LOCK) | $(BIN)/python
	@echo "Installing ..."
	@$(PIP) install 'pip>=25.1'
	@$(PIP) install $(addprefix --constraint ,$(LOCK)) --editable '.[pipelines]'
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	@$(PIP) install $(addprefix --constraint ,$(LOCK)) --group dev
	@touch $@

var/dagster/dagster.yaml: dagster.yaml
	@mkdir -p var/dagster
	@cp dagster.yaml $@
