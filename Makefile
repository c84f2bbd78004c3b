# Start with `make demo`, then `make test`. Both create the environment first.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check
# For environments that few processes use: each compiles what it imports.
INSTALL := install --no-compile
LOCK := $(wildcard requirements.lock)
export DAGSTER_HOME := $(CURDIR)/var/dagster
# The groups of tests and their order: tests/helpers/workers.py
WORKERS := --numprocesses auto --dist loadscope --no-loadscope-reorder

.PHONY: help demo refresh show dev test test-lowest test-wheel coverage slow study bench lint format types docs sample \
	lock clean
.DEFAULT_GOAL := help

help: ## list the targets
	@grep -E '^[a-z-]+:.*##' Makefile | sed -E 's/:[^#]*## /\t/' | expand -t 14

demo: refresh ## run the job on the sample data, print the verdict and a query
	@$(BIN)/python -m pipelines.show

refresh: .venv/installed var/dagster/dagster.yaml ## run the job `refresh` without the UI; FULL=1 rebuilds the journeys of all users
	@echo "Comparing the models ..."
	@$(BIN)/python -m pipelines.refresh $(if $(FULL),--full)

show: .venv/installed ## print the results of the last run
	@$(BIN)/python -m pipelines.show

dev: .venv/installed var/dagster/dagster.yaml ## open the UI: http://localhost:3000
	@$(BIN)/dagster dev -w workspace.yaml

test: .venv/installed ## run all tests except the long statistical studies
	@$(BIN)/python -m pytest $(WORKERS)

# Builds the wheel and installs it in a new environment, var/$(1)/env, with extras, $(2), and other
# options of pip, $(3). Then runs an example and the command, outside of the checkout.
define run_wheel
	@$(BIN)/python -m build --wheel --outdir var/$(1) . >/dev/null
	@$(BIN)/python -m venv --clear --without-pip var/$(1)/env
	@$(PIP) --python var/$(1)/env/bin/python $(INSTALL) $(3) "$$(echo var/$(1)/*.whl)$(2)"
	@cp examples/compare_models.py var/$(1)
	@cd var/$(1) && env/bin/python compare_models.py && \
		env/bin/lydite simulate --world linear --users 3000 --out world --quiet && \
		env/bin/lydite compare --touchpoints world/touchpoints.parquet \
			--conversions world/conversions.parquet --models linear,last_touch --quiet
endef

# Tests of Dagster use this environment too: tests/end_to_end/test_wheel.py.
test-wheel: .venv/installed ## install the wheel with the newest allowed versions and run an example
	@rm -rf var/wheel
	$(call run_wheel,wheel,[dagster])

# Tests of what calls libraries: engine, frames and files, expressions, models, charts. Without the
# properties: they test what the code computes, in many examples, and not the libraries.
LOWEST := engine journeys/test_build.py journeys/test_incremental.py models attribution \
	paths/test_expressions.py quality/test_rows.py end_to_end/test_truth.py \
	$(foreach name,casting files frames landing loading pandas_frames path_table timezones writing,inputs/test_$(name).py) \
	$(foreach name,charts notebook plots queries report report_section static_charts terminal,reporting/test_$(name).py)
test-lowest: .venv/installed ## the same with the lowest allowed versions, and tests of what calls libraries
	@rm -rf var/lowest && mkdir -p var/lowest
	@$(BIN)/python -c 'import re, tomllib; project = tomllib.load(open("pyproject.toml", "rb"))["project"]; \
		print(*(re.sub(r">=([^,]+).*", r"==\1", need) for need in project["dependencies"]), sep="\n")' \
		> var/lowest/constraints.txt
	$(call run_wheel,lowest,,--constraint var/lowest/constraints.txt hypothesis pytest pytest-xdist)
	@TEST_DUCKDB_THREADS=2 var/lowest/env/bin/python -m pytest $(WORKERS) -k "not spark" \
		-m "not slow and not hypothesis" \
		$(addprefix tests/,$(LOWEST))

coverage: .venv/installed ## run all tests and print how many lines they execute
	@$(BIN)/python -m pytest $(WORKERS) --cov --cov-report=term:skip-covered

slow: .venv/installed ## run all tests with new random examples, and the long statistical studies
	@$(BIN)/python -m pytest --numprocesses auto -m "slow or not slow" --hypothesis-profile new_examples

STUDIES := error_control credit_coverage worlds_and_models fit_and_truth experiments calibrated_credit referee
study: .venv/installed ## run the studies behind docs/calibration.md, rivals.md and method.md (hours; resumable)
	@for name in $(STUDIES); do \
		$(BIN)/python -m studies.$$name && \
		$(BIN)/python -m studies.$$name --write || exit 1; done

bench: .venv/installed ## run all benchmarks and write benchmarks/README.md (an hour)
	@$(BIN)/python -m benchmarks

lint: .venv/installed ## check rules, format and the layers of imports
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/lint-imports --no-logo

format: .venv/installed ## format the code and apply automatic fixes
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

types: .venv/installed ## check types
	@$(BIN)/mypy

docs: .venv/installed ## build the documentation site in var/site
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

sample: .venv/installed ## create data_samples again, byte for byte
	@$(BIN)/lydite simulate --world storefront --users 20000 --seed 7 --experiments \
		--out data_samples

lock: ## write requirements.lock from pyproject.toml
	@rm -rf var/lock && $(PYTHON) -m venv var/lock
	@var/lock/bin/python -m pip install --quiet --upgrade pip
	@var/lock/bin/python -m pip install --quiet --group dev '.[dagster,deploy,excel,experiments,postgres,remote,spark]'
	@{ echo "# The exact versions that the tests pass with: make lock writes this file."; \
		var/lock/bin/python -m pip freeze --exclude lydite; } > requirements.lock
	@rm -rf var/lock

clean: ## remove the environment, results and caches
	@rm -rf .venv var .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage build dist

# --- files ----------------------------------------------------------------------------------------

.venv/installed: pyproject.toml $(LOCK)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Lydite needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version 2>&1)." \
			"Choose another: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	@echo "Creating the environment in .venv (once; a few minutes) ..."
	@$(PYTHON) -m venv .venv
ifneq ($(LOCK),)
	@$(PIP) install --requirement $(LOCK)
	@$(PIP) install --no-deps --editable .
else
	@$(PIP) install --upgrade pip
	@$(PIP) install --group dev --editable '.[dagster,deploy,excel,experiments,postgres,remote,spark]'
endif
	@touch $@

var/dagster/dagster.yaml: dagster.yaml
	@mkdir -p var/dagster
	@cp dagster.yaml $@
