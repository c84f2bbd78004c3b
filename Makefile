# What a newcomer types: `make demo`, then `make test`. Both make the environment first.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check
LOCK := $(wildcard requirements.lock)
export DAGSTER_HOME := $(CURDIR)/var/dagster

.PHONY: help demo refresh show dev test slow study bench lint format types sample lock clean
.DEFAULT_GOAL := help

help: ## list the targets
	@grep -E '^[a-z]+:.*##' Makefile | sed -E 's/:[^#]*## /\t/' | expand -t 12

demo: refresh ## run the job on the sample data, show the verdict, the page and a query
	@$(BIN)/python -m pipelines.show

refresh: .venv/installed var/dagster/dagster.yaml ## run the job `refresh` without the UI; FULL=1 lays out all users anew
	@echo "Putting the rivals on trial ..."
	@$(BIN)/python -m pipelines.refresh $(if $(FULL),--full)

show: .venv/installed ## show what the last run found
	@$(BIN)/python -m pipelines.show

dev: .venv/installed var/dagster/dagster.yaml ## open the UI: http://localhost:3000
	@$(BIN)/dagster dev -w workspace.yaml

test: .venv/installed ## every test but the long statistical studies
	@$(BIN)/python -m pytest --numprocesses auto --dist worksteal

slow: .venv/installed ## the long statistical studies
	@$(BIN)/python -m pytest --numprocesses auto -m slow

STUDIES := error_control credit_coverage worlds_and_models
study: .venv/installed ## the whole studies behind docs/calibration.md and rivals.md (hours; resumable)
	@for name in $(STUDIES); do \
		$(BIN)/python -m studies.$$name && \
		$(BIN)/python -m studies.$$name --write || exit 1; done

bench: .venv/installed ## every benchmark, and the page about them (an hour)
	@$(BIN)/python -m benchmarks

lint: .venv/installed ## check rules and format
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

format: .venv/installed ## mend the format, and what rules can mend
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

types: .venv/installed ## check types
	@$(BIN)/mypy

sample: .venv/installed ## make data_samples again, byte for byte
	@$(BIN)/lydite simulate --world storefront --users 20000 --seed 7 --out data_samples

lock: ## write requirements.lock anew from pyproject.toml
	@rm -rf var/lock && $(PYTHON) -m venv var/lock
	@var/lock/bin/python -m pip install --quiet --upgrade pip
	@var/lock/bin/python -m pip install --quiet --group dev '.[pipelines,spark]'
	@{ echo "# The exact versions that the tests pass with: make lock writes this file."; \
		var/lock/bin/python -m pip freeze --exclude lydite; } > requirements.lock
	@rm -rf var/lock

clean: ## remove the environment, results and caches
	@rm -rf .venv var .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist

# --- files ----------------------------------------------------------------------------------------

.venv/installed: pyproject.toml $(LOCK)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Lydite needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version 2>&1)." \
			"Name another: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	@echo "Making the environment in .venv (once; a few minutes) ..."
	@$(PYTHON) -m venv .venv
ifneq ($(LOCK),)
	@$(PIP) install --requirement $(LOCK)
	@$(PIP) install --no-deps --editable .
else
	@$(PIP) install --upgrade pip
	@$(PIP) install --group dev --editable '.[pipelines,spark]'
endif
	@touch $@

var/dagster/dagster.yaml: dagster.yaml
	@mkdir -p var/dagster
	@cp dagster.yaml $@
