# What one does with this repository. `make` alone lists it.
# PG_CONFIG names the PostgreSQL to build for and test with (15 to 18); default: the one on the PATH.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

export PG_CONFIG

.PHONY: help
help: ## List what can be made
	@echo 'make TARGET [PG_CONFIG=/path/to/pg_config]'
	@sed -nE 's/^([a-z-]+):.*## (.*)/\1|\2/p' Makefile | while IFS='|' read -r name text; do printf '  %-12s %s\n' "$$name" "$$text"; done

.PHONY: demo
demo: ## Synchronise a small directory on private servers and show the effective attributes
	@scripts/demo.sh

.PHONY: demo-stop
demo-stop: ## End the servers of the demo
	@scripts/demo.sh stop

.PHONY: setup
setup: ## Install the Debian packages that are missing
	@scripts/setup.sh

.PHONY: install
install: setup ## Install the extension into PostgreSQL and build target/release/syncd
	@scripts/install-extension.sh
	@scripts/build-syncd.sh

.PHONY: test
test: export SETUP_TESTS = 1
test: install ## Run the tests against real servers
	@scripts/test.sh

.PHONY: test-all
test-all: export SETUP_TESTS = 1
test-all: export SETUP_ALL = 1
test-all: install ## Run the tests, the long ones too, the soak (SOAK_SECONDS), and the fuzz targets (FUZZ_SECONDS each)
	@scripts/test.sh --include-ignored
	@scripts/fuzz.sh

.PHONY: bench
bench: install ## Measure synchronisations and reads, and compare them with ldapsearch
	@scripts/bench.sh

.PHONY: bench-peers
bench-peers: install ## Measure pg_ldap_sync and ldap2pg on the same directory (BENCH_USERS, default 10000)
	@scripts/bench-peers.sh

.PHONY: lint
lint: ## Check formatting, lints, shell scripts and licences
	@scripts/lint.sh

.PHONY: deny
deny: ## Check licences, banned crates and sources of all dependencies with cargo-deny
	@scripts/deny.sh

.PHONY: fmt
fmt: ## Format the Rust code
	@cargo fmt --all

.PHONY: clean
clean: demo-stop ## End the servers of the demo and delete what was built
	@scripts/clean.sh
