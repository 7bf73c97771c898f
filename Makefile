# Every target is a short command that also stands in the README or CONTRIBUTING.md.
PYTHON ?= python3
BIN := .venv/bin
.DEFAULT_GOAL := help
.PHONY: help run engines test test-fast lint fix bench package clean

help:  ## Show this list.
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /|/' | awk -F'|' '{ printf "  make %-10s %s\n", $$1, $$2 }'

run: .venv/run  ## Start the whole service on http://127.0.0.1:8080, data in var/.
	@exec $(BIN)/angarium serve

engines: .venv/dev  ## Start real Kafka and Cassandra in the foreground and print the settings to export.
	@exec $(BIN)/python -m tests.engines

test: .venv/dev  ## Run every test, with the coverage of branches.
	$(BIN)/pytest --cov --cov-report=term

test-fast: .venv/dev  ## Run the tests that need no real Kafka and Cassandra and no long storm.
	$(BIN)/pytest -m "not engines and not storm"

lint: .venv/dev  ## Check style, types, docstrings, complexity and the direction of imports.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

fix: .venv/dev  ## Format, and mend what can be mended by itself.
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: .venv/dev  ## Measure everything, some 20 minutes; fills in docs/performance.md and docs/scale.md.
	$(BIN)/python -m bench --write
	$(BIN)/python -m bench.simulate --write

package: .venv/dev  ## Build the wheel and the source archive into dist/.
	$(BIN)/python -m build

clean:  ## Remove what was made here, but not var/.
	rm -rf .venv dist build .coverage .coverage.* .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Angarium needs Python 3.11 or newer; $(PYTHON) is `$(PYTHON) -V`. Name another with: make PYTHON=python3.12 …"; exit 1; }
	@echo "Making .venv (once) …"
	@$(PYTHON) -m venv .venv

.venv/run: .venv/bin/python pyproject.toml
	@echo "Installing angarium into .venv (once) …"
	@$(BIN)/python -m pip install --quiet --editable .
	@touch $@

.venv/dev: .venv/bin/python pyproject.toml
	@echo "Installing angarium and what its tests and benchmarks need into .venv (once) …"
	@$(BIN)/python -m pip install --quiet --editable '.[dev,bench]'
	@touch $@ .venv/run
