# The one list of what can be done here; each line calls something that also works without make.
.DEFAULT_GOAL := help
.PHONY: help setup run test check bench fuzz wasm interop

help: ## List these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## Install what is missing on this machine, saying what
	@scripts/setup.sh

run: ## Start relay, host, a sample business and a sample customer, and say what to try
	@scripts/run.sh

test: ## Run every test
	@scripts/test.sh

check: ## Check format, lints, docs, scripts and dependencies
	@scripts/check.sh

bench: ## Measure the protocol, and against the official library
	@scripts/bench.sh

fuzz: ## Fuzz each target for 30 seconds (longer: scripts/fuzz.sh --seconds N)
	@scripts/fuzz.sh

wasm: ## Build the protocol and the core of the web into build/wasm and build/web-core
	@scripts/setup.sh build
	@scripts/wasm.sh

interop: ## Run only the tests against the official library (another one: make interop VERSION=0.102.2)
	@scripts/interop.sh $(VERSION)
