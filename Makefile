# One verb for each thing that one does here; `make` alone lists them. A first `make` sets up .venv by itself.

VENV := .venv
BIN := $(VENV)/bin
BENCH_VENV := .venv-bench
PIP_INSTALL := -m pip --disable-pip-version-check install --quiet
PROMPT = a paper boat sails down a rainy street at dusk, slow push in
# One process more than cores fills the moments in which a test waits for a clock; but some tests render video on
# several cores, and more than four only stand in each other's way.
WORKERS ?= $(shell cores=$$(getconf _NPROCESSORS_ONLN); echo $$((cores < 4 ? cores + 1 : 4)))

# The prompt goes to the recipe by the environment, as it was typed: neither make nor the shell reads it.
override PROMPT := $(value PROMPT)
export PROMPT

# Playwright's driver starts a third faster from code that is compiled already.
export NODE_COMPILE_CACHE := $(CURDIR)/.cache/compiled

.DEFAULT_GOAL := help
.PHONY: help demo demo-sora test browsers agents test-local campaigns lint types docs generate bench format lock clean

help: ## list the verbs
	@sed -nE 's/^([a-z-]+):.*## (.*)/  make \1	\2/p' $(MAKEFILE_LIST) | expand -t 20

demo: $(VENV)/.installed ## make a clip: make demo PROMPT="…"
	@$(BIN)/rushes create --seconds 5 -- "$$PROMPT"

demo-sora: $(VENV)/.installed ## sign in to an emulator of Sora's web app and make a clip, step by step
	@tools/browsers chromium screen certutil
	@$(BIN)/python tools/demo_sora.py

test: $(VENV)/.installed browsers agents ## run the tests, those in real browsers too (may install the browsers)
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup --ignore tests/docs

browsers: $(VENV)/.installed
	@tools/browsers

agents: $(VENV)/.installed
	@tools/agents
	@tools/mcp-clients

test-local: ## run the tests of the engine `local` with a real torch (1.5 GB, and two minutes to install)
	@tools/local-venv
	.venv-local/bin/python -m pytest -n 2 --dist loadscope tests/local

campaigns: $(VENV)/.installed ## by hand, an hour: 1,000 kills of each kind, and half an hour beside a hostile engine
	RUSHES_KILLS=1000 $(BIN)/python -m pytest -n 2 --dist load tests/jobs/test_kill.py
	$(BIN)/python -m tests.campaigns.soak

lint: $(VENV)/.installed ## style, formatting, and which room may import which
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/lint-imports

types: $(VENV)/.installed ## mypy, strict
	$(BIN)/mypy

docs: $(VENV)/.installed ## run the documents: their examples, and what is generated from the code
	$(BIN)/python -m pytest -n 2 tests/docs

generate: $(VENV)/.installed ## write the documents that are made from the code
	$(BIN)/python tools/generate_docs.py

bench: $(VENV)/.installed $(BENCH_VENV)/.installed ## measure rushes against curl, ffmpeg and others
	@tools/bench-programs
	$(BIN)/python -m bench

format: $(VENV)/.installed ## put the code into the one format
	$(BIN)/ruff check --fix-only --quiet
	$(BIN)/ruff format

lock: ## renew the pins: make lock ARGS=--upgrade for the newest
	tools/lock $(ARGS)

clean: ## remove what the verbs made
	rm -rf $(VENV) $(BENCH_VENV) .venv-local .cache .mypy_cache .ruff_cache .pytest_cache .import_linter_cache build dist
	find src tests tools -name __pycache__ -type d -prune -exec rm -rf {} +

# The stamp is touched last, so a set-up that was cut short is done again.
$(VENV)/.installed: constraints.txt pyproject.toml
	@echo "Setting up $(VENV): once, and a minute or so."
	@python=$$(tools/python) && "$$python" -m venv $(VENV)
	@$(BIN)/python $(PIP_INSTALL) --require-hashes -r constraints.txt
	@$(BIN)/python $(PIP_INSTALL) --no-deps --no-build-isolation -e .
	@touch $@

$(BENCH_VENV)/.installed: constraints-bench.txt
	@python=$$(tools/python) && "$$python" -m venv $(BENCH_VENV)
	@echo '*' > $(BENCH_VENV)/.gitignore
	@$(BENCH_VENV)/bin/python $(PIP_INSTALL) --require-hashes -r constraints-bench.txt
	@touch $@
