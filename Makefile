.DEFAULT_GOAL := help
.PHONY: help setup check test test-slow run bench bench-quick bench-growth bench-processes reference lock clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## Set up .venv with the development tools
	scripts/setup dev

check: ## Check format, lint, types and import contracts
	scripts/check

test: ## Run the tests on servers of their own, but the slow ones (a part: ./test tests/domain)
	./test

test-slow: ## Run the tests of whole processes, of many rounds and of many queries (twenty minutes)
	./test -m slow

run: ## Serve on http://127.0.0.1:8000 with a demo workspace
	./run

bench: ## Run the benchmarks and their peers (ten minutes), into bench/results/latest.json
	scripts/setup
	scripts/setup bench
	bench/.venv/bin/python -m bench

bench-quick: ## Run a selection of the benchmarks (100 seconds)
	scripts/setup
	scripts/setup bench
	bench/.venv/bin/python -m bench quick

bench-growth: ## Benchmark a log of a million events and streams of ten thousand (ten minutes)
	scripts/setup
	scripts/setup bench
	bench/.venv/bin/python -m bench growth

bench-processes: ## Count what a create asks of the log by the number of deciding processes (a minute)
	scripts/setup
	scripts/setup bench
	bench/.venv/bin/python -m bench processes

reference: ## Generate docs/reference.md and docs/openapi.json from the code
	scripts/setup dev
	.venv/bin/python -m scripts.reference
	.venv/bin/python -m scripts.openapi

lock: ## Update uv.lock from pyproject.toml
	uv lock

clean: ## Remove virtual environments and caches, but not the data in .taskledger
	rm -rf .venv bench/.venv .uv tests/clients/node_modules .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
