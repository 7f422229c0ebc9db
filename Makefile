.DEFAULT_GOAL := help
.PHONY: help setup check test run bench bench-quick bench-growth reference lock clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## Make .venv with the developers' tools
	scripts/setup dev

check: ## Format, lint, types, import contracts
	scripts/check

test: ## All tests, on servers of their own (some of them: ./test tests/domain)
	./test

run: ## Serve on http://127.0.0.1:8000 with a demo
	./run

bench: ## Measure beside the peers (ten minutes), into bench/results/latest.json
	scripts/setup
	scripts/setup bench
	bench/.venv/bin/python -m bench

bench-quick: ## The most telling marks alone (100 seconds)
	scripts/setup
	scripts/setup bench
	bench/.venv/bin/python -m bench quick

bench-growth: ## What a log of a million events and streams of ten thousand cost (ten minutes)
	scripts/setup
	scripts/setup bench
	bench/.venv/bin/python -m bench growth

reference: ## Write docs/reference.md and docs/openapi.json from the code
	scripts/setup dev
	.venv/bin/python -m scripts.reference
	.venv/bin/python -m scripts.openapi

lock: ## Bring uv.lock up to date with pyproject.toml
	uv lock

clean: ## Remove virtual environments and caches; data in .taskledger stay
	rm -rf .venv bench/.venv .uv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
