# Words: setup, torch, run, test, check, mutation, fuzz, soak, docs, oracles, conformance, bench. Each works alone on a fresh clone: what it needs, it makes.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
MUTATION := .venv-mutation
FUZZ := .venv-fuzz
SECONDS ?= 120
DAYS ?= 30
USUAL := BTCUSDT,ETHUSDT,SOLUSDT
SEEDS ?= 200
MODULES ?= decision risk execution
TORCH := torch==2.13.0
DATA ?=
VENUE ?= loopback
FRAMES ?= 15m,1h
SYMBOLS ?=
ARM ?= auto
FRAME ?= 15m

export OMP_NUM_THREADS = 1
export OMP_WAIT_POLICY = PASSIVE
export POLARS_MAX_THREADS ?= 2
# Bytecode is kept, whatever the caller's shell says of it: without it each of the many processes of a test run compiles all its modules from source
# (scikit-learn takes 6 s to import instead of 2).
unexport PYTHONDONTWRITEBYTECODE
export PYTHONPYCACHEPREFIX := $(CURDIR)/build/bytecode

.PHONY: help setup torch run test check mutation fuzz soak bench docs oracles conformance

help:
	@echo "make setup           the environment, from the lock, and compiled kernels"
	@echo "make torch           PyTorch, where a CPU build is offered; without it the small network sleeps"
	@echo "make run             a simulated exchange, models of its past, and trading on it; VENUE=binance trades the real market's data on paper,"
	@echo "                     DATA=folder recorded candles: it trains on their first part and trades the rest"
	@echo "make test            the whole suite"
	@echo "make bench           our speed beside other engines, whose environments are made first; docs/performance.md"
	@echo "make check           ruff, mypy --strict, the architecture test"
	@echo "make oracles         other engines play the same scenes, and are compared with ours trade for trade (docs/oracles.md); PEER=name for one"
	@echo "make conformance     independent clients of Binance trade on the loopback exchange (docs/loopback_exchange.md); CLIENT=name for one"
	@echo "make mutation        mutants of what decides, sizes and executes, tried on their own tests (docs/testing.md)"
	@echo "make fuzz            codecs and the reader of captures on bytes that nobody would send, SECONDS=120 each (docs/testing.md)"
	@echo "make soak            long runs of what the tests try briefly: killed runs, other clients, a month of network faults; SEEDS=200 DAYS=30"
	@echo "make docs            docs/coverage.md from the last test run, the reason codes of docs/explain.md, the gates of docs/gates.md,"
	@echo "                     the blocks of docs/model_input.md, every key of docs/configuration.md"

$(READY): requirements.lock requirements-uv.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --require-hashes -r requirements-uv.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	touch $(READY)

setup: $(READY)
	$(BIN)/python -m metastackerbandit.cli.warm

# Only a CPU build: the others are several gigabytes, and nothing here needs a GPU.
torch: $(READY)
	@if $(BIN)/python -c "import torch" 2>/dev/null; then :; \
	elif $(BIN)/pip install --quiet --dry-run --no-deps --report - $(TORCH) 2>/dev/null | grep -q '+cpu"\|macosx'; then \
	  $(BIN)/pip install --quiet $(TORCH); \
	else \
	  echo "no CPU build of $(TORCH) is offered for this Python: the small network sleeps, and its tests are skipped"; \
	fi

# With nothing else: the loopback exchange, a simulated market on this machine; its past is learned from, and it is traded until Ctrl-C.
run: setup
	@if [ -n "$(DATA)" ]; then \
	  $(BIN)/msb run --replay --train --preflight --data "$(DATA)" --arm $(ARM) --frame $(FRAME) $(if $(SYMBOLS),--symbols $(SYMBOLS)); \
	else \
	  $(BIN)/msb run --venue $(VENUE) --serve --train --preflight --frames $(FRAMES) --symbols $(or $(SYMBOLS),$(USUAL)) --arm $(ARM); \
	fi

test: setup
	$(BIN)/python -m pytest -n 2 --dist loadfile

# Each benchmark alone, so that one that fails does not end the others; `msb bench NAME` runs one.
bench: setup
	@for name in $$($(BIN)/msb bench --json | $(BIN)/python -c "import json, sys; print(*(one['name'] for one in json.load(sys.stdin)['benchmarks']))"); do \
	  $(BIN)/msb bench $$name --keep || failed="$$failed $$name"; \
	done; \
	$(BIN)/python tools/performance_doc.py; \
	if [ -n "$$failed" ]; then echo "failed:$$failed" >&2; exit 1; fi

check: $(READY)
	$(BIN)/ruff check src tests tools benchmarks oracles conformance
	$(BIN)/mypy --num-workers 2
	$(BIN)/python -m pytest tests/architecture

# Peers are installed on demand, each in an environment of its own below benchmarks/peers.
oracles: setup
	$(BIN)/python -m oracles $(if $(PEER),--peer $(PEER)) $(if $(KLINES),--klines "$(KLINES)")

# Clients are installed on demand too, beside the peers.
conformance: setup
	$(BIN)/python -m conformance $(if $(CLIENT),--client $(CLIENT))
	$(BIN)/python -m conformance.usdm $(if $(CLIENT),--client $(CLIENT))

$(MUTATION)/.ready: requirements.lock requirements-uv.lock tools/mutation/requirements.lock
	$(PYTHON) -m venv $(MUTATION)
	$(MUTATION)/bin/pip install --quiet --require-hashes -r requirements-uv.lock
	$(MUTATION)/bin/uv pip install --quiet --python $(MUTATION)/bin/python --require-hashes -r requirements.lock
	$(MUTATION)/bin/uv pip install --quiet --python $(MUTATION)/bin/python --require-hashes -r tools/mutation/requirements.lock
	$(MUTATION)/bin/uv pip install --quiet --python $(MUTATION)/bin/python --no-deps --no-build-isolation --editable .
	touch $@

# Goes on where it was stopped. MODULES="risk.kelly risk.tail" tries a few; survivors stand in build/mutation/.
mutation: $(MUTATION)/.ready
	$(MUTATION)/bin/python -m tools.mutation.run --functions-only $(MODULES)
	$(MUTATION)/bin/python -m tools.mutation.report

$(FUZZ)/.ready: requirements.lock requirements-uv.lock tools/fuzz/requirements.lock
	$(PYTHON) -m venv $(FUZZ)
	$(FUZZ)/bin/pip install --quiet --require-hashes -r requirements-uv.lock
	$(FUZZ)/bin/uv pip install --quiet --python $(FUZZ)/bin/python --require-hashes -r requirements.lock
	$(FUZZ)/bin/uv pip install --quiet --python $(FUZZ)/bin/python --require-hashes -r tools/fuzz/requirements.lock
	$(FUZZ)/bin/uv pip install --quiet --python $(FUZZ)/bin/python --no-deps --no-build-isolation --editable .
	touch $@

# Guided by coverage as plain Python first, then what that found and blind mutations of it on compiled kernels with bounds checked.
fuzz: $(FUZZ)/.ready
	$(FUZZ)/bin/python -m tools.fuzz --seconds $(SECONDS) $(TARGETS)
	$(FUZZ)/bin/python -m tools.fuzz --seconds $(SECONDS) --compiled $(TARGETS)

# Each suite alone, so that one that fails does not end the others.
soak: setup
	@for suite in "pytest -q tests/runtime/test_order_kills.py tests/runtime/test_recovery.py" "conformance --seconds 300" conformance.usdm \
	  "tests.soak.connections --days $(DAYS)"; do \
	  MSB_SOAK_SEEDS=$(SEEDS) $(BIN)/python -m $$suite || failed="$$failed $$suite;"; \
	done; \
	if [ -n "$$failed" ]; then echo "failed:$$failed" >&2; exit 1; fi

docs: $(READY)
	$(BIN)/python tools/reasons_doc.py
	$(BIN)/python tools/gates_doc.py
	$(BIN)/python tools/input_doc.py
	$(BIN)/python tools/config_doc.py
	$(BIN)/python tools/coverage_doc.py
	$(BIN)/python tools/performance_doc.py
