# Every target is a short command that also stands in the README or CONTRIBUTING.md.
PYTHON ?= python3
BIN := .venv/bin
COMPOSE = $(shell docker compose version >/dev/null 2>&1 && echo docker compose || echo docker-compose)
.DEFAULT_GOAL := help
# The tests start hundreds of processes: each would compile every module, and each process of the tests every test.
unexport PYTHONDONTWRITEBYTECODE
.PHONY: help run engines up down scale demo test test-fast test-long test-compose storm lint check-deploy lock fix bench package clean

help:  ## Show this list.
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /|/' | awk -F'|' '{ printf "  make %-12s %s\n", $$1, $$2 }'

run: .venv/run  ## Start the whole service on http://127.0.0.1:8080, data in var/.
	@exec $(BIN)/angarium serve

engines: .venv/run  ## Start real Kafka and Cassandra in the foreground and print what to export; NODES=3 for three nodes.
	@exec $(BIN)/python -m tests.engines $(NODES)

up:  ## Start the service on Kafka and Cassandra in containers, behind a balancer on http://127.0.0.1:8080.
	$(COMPOSE) up --detach --build
	@$(PYTHON) -m deploy.ready

scale:  ## The same with three instances of the API and three workers.
	$(COMPOSE) up --detach --build --scale api=3 --scale worker=3
	@$(PYTHON) -m deploy.ready

demo:  ## Send through the balancer, and show which instance took and which worker stored each message.
	@$(PYTHON) -m deploy.demo

down:  ## Stop the containers; what they have stored stays in volumes.
	$(COMPOSE) down

# Three processes share the tests; two of them mostly wait for a Kafka and two Cassandra nodes that each has.
SHARED = $(BIN)/pytest --numprocesses=3 --dist=loadgroup --no-loadscope-reorder $(ONCE_MORE)

LONG = --hypothesis-profile=long --timeout=900
MARKS = $(if $(ALL),-m "not short" $(LONG),-m "not long")

# Coverage makes a test take 1.6 times the CPU time. The unit tests alone reach 93 % of lines and branches.
test: .venv/dev  ## Run the tests but for the long ones; make test ALL=1 runs them too.
	$(SHARED) $(MARKS) tests/unit --cov --cov-report=term
	$(SHARED) $(MARKS) --ignore=tests/unit

test-fast: .venv/dev  ## Run the tests that need no real Kafka and Cassandra, no browser and no storm.
	$(SHARED) -m "not engines and not browser and not storm"

test-long: .venv/dev  ## Run what `make test` leaves out: the long storms, and properties with 80 examples.
	$(SHARED) -m "long or (hypothesis and not engines)" $(LONG)

test-compose: .venv/dev  ## Start the containers for real, three of each, and kill them; needs a container engine.
	$(BIN)/pytest tests/compose

storm: .venv/dev  ## One hour of load, faults and attacks on the containers: make storm SECONDS=600 for less.
	$(BIN)/python -m tests.storm --seconds $(or $(SECONDS),3600)

lint: .venv/dev  ## Check style, types, docstrings, complexity and the direction of imports.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/interrogate -vv --omit-covered-files src
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/oxlint --deny-warnings src/angarium/api/page

check-deploy: .venv/dev  ## Check the files for Compose, HAProxy and the image; needs their programs, but no engine.
	$(COMPOSE) --env-file .env.example config --quiet
	$(COMPOSE) -f docker-compose.yml -f docker-compose.three-nodes.yml --env-file .env.example config --quiet
	cd deploy && ANGARIUM_IDLE_TIMEOUT=60 ANGARIUM_REQUEST_TIMEOUT=10 ANGARIUM_OUTER_PROXIES= haproxy -c -q -f haproxy.cfg
	$(BIN)/hadolint Dockerfile

lock: .venv/dev  ## Write the versions and hashes that the image is built from; make lock UPGRADE=--upgrade for newer ones.
	$(BIN)/uv pip compile $(UPGRADE) --output-file requirements.lock --extra fast pyproject.toml
	$(BIN)/uv pip compile $(UPGRADE) --output-file requirements-build.lock --group build

fix: .venv/dev  ## Format, and mend what can be mended by itself.
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: .venv/dev  ## Measure everything, about an hour; fills in docs/performance.md and docs/scale.md.
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
