# Two commands matter: `make demo` and `make test`. Both make the environment first.
PYTHON ?= python3
BIN := .venv/bin
export DAGSTER_HOME := $(CURDIR)/var/dagster

.PHONY: demo test slow lint types dev sample lock clean
.DEFAULT_GOAL := demo

.venv/installed: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Lydite needs Python 3.11 or newer; name one: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@echo "Making the environment in .venv ..."
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@

$(DAGSTER_HOME)/dagster.yaml: dagster.yaml
	@mkdir -p $(DAGSTER_HOME)
	@cp dagster.yaml $@

demo: .venv/installed $(DAGSTER_HOME)/dagster.yaml ## run the job on the sample data, print the verdict
	@$(BIN)/python -m pipelines.refresh

test: .venv/installed ## every test but the long statistical studies
	@$(BIN)/python -m pytest --numprocesses auto

slow: .venv/installed ## the long statistical studies
	@$(BIN)/python -m pytest -m slow

lint: .venv/installed
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: .venv/installed
	@$(BIN)/mypy

dev: .venv/installed $(DAGSTER_HOME)/dagster.yaml ## the Dagster UI
	@$(BIN)/dagster dev

sample: .venv/installed ## make data_samples again, byte for byte
	@$(BIN)/lydite simulate --world storefront --users 20000 --seed 7 --out data_samples

lock: ## write requirements.lock anew from pyproject.toml
	@rm -rf var/lock && $(PYTHON) -m venv var/lock
	@var/lock/bin/python -m pip install --quiet --upgrade pip
	@var/lock/bin/python -m pip install --quiet --group dev '.[pipelines]'
	@{ echo "# The exact versions that the tests pass with: make lock writes this file."; \
		var/lock/bin/python -m pip freeze --exclude lydite; } > requirements.lock
	@rm -rf var/lock

clean: ## forget results and environment
	@rm -rf .venv var
