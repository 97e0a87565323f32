# The one door. `make` lists what is behind it; each target brings what it needs first, from a clean clone on.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
# Each step uses all cores itself, and two Swift builds of one folder would only wait for each other: -j changes nothing.
.NOTPARALLEL:

SWIFT ?= swift
PYTHON := .venv/bin/python
# One release build serves the tests and the product alike, so what is tested is what is shipped.
# No check at run time that accesses to a variable do not overlap, in no module: 4 % of a lookup's processor time in ours, 4 %
# in NIO (decision 0020). The compiler still proves what it can, and what threads share has locks.
BUILD_FLAGS := -c release -Xswiftc -enforce-exclusivity=unchecked
STRANDLINE := .build/release/strandline
SWIFT_SOURCES := Package.swift Sources Tests Benchmarks Fuzz

# Both runners always run, so that one report shows all failures; the status is that of the first that failed.
define run_tests
@status=0; \
$(SWIFT) test $(BUILD_FLAGS) --skip-build --disable-xctest || status=$$?; \
$(PYTHON) -m pytest python/tests || { code=$$?; ((status)) || status=$$code; }; \
exit $$status
endef

.PHONY: help
help:
	@echo "Strandline. make TARGET, where TARGET is one of:"
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-14s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

.PHONY: setup
setup: ## install what is missing: system packages, .venv, the Arrow libraries
	@bash .ci/setup.sh

.PHONY: build
build: setup ## build the server, the libraries and the tests (release)
	$(SWIFT) build $(BUILD_FLAGS) --build-tests

.PHONY: test
test: build setup-demo ## run the Swift tests and the Python tests
	$(run_tests)

.PHONY: test-long
test-long: export STRANDLINE_LONG_TESTS := 1
test-long: build setup-demo ## the same with the long ones: more seeds, crash loops
	$(run_tests)

# Findings are written to Fuzz/findings, new inputs to .build-fuzz/corpus; FUZZ_FLAGS are libFuzzer's.
.PHONY: fuzz
fuzz: SECONDS := $(or $(SECONDS),60)
fuzz: setup ## send the server what no client would, for SECONDS=60
	$(SWIFT) build --scratch-path .build-fuzz -c release --product StrandlineFuzz \
	    -Xswiftc -sanitize=fuzzer -Xswiftc -DFUZZING -Xswiftc -use-ld=lld
	mkdir -p .build-fuzz/corpus Fuzz/findings
	.build-fuzz/release/StrandlineFuzz -max_total_time=$(SECONDS) -max_len=8192 -timeout=10 -rss_limit_mb=4096 \
	    -artifact_prefix=Fuzz/findings/ $(FUZZ_FLAGS) .build-fuzz/corpus Fuzz/corpus

.PHONY: test-feast
test-feast: build setup-feast ## run Feast's own clients, two versions of them, against a live server
	@set -e; for python in .venv-feast-*/bin/python; do $$python -m pytest python/tests/feast; done

.PHONY: setup-feast
setup-feast: ## install Feast, each version in an environment of its own
	@bash .ci/setup.sh feast

.PHONY: parity
parity: build ## compare a million cells of a live server with an independent computation
	PYTHONPATH=python $(PYTHON) -m parity $(ARGS)

.PHONY: demo
demo: build setup-demo ## the guided tour on real purchases (CDNOW): serve, look up, train
	$(PYTHON) python/demo/demo.py

.PHONY: setup-demo
setup-demo: setup
	@bash .ci/setup.sh demo

.PHONY: serve
serve: build ## start a server on feature_repo/ with its own broker; ARGS="..." is passed on
	$(STRANDLINE) serve --repo feature_repo --embedded-broker $(ARGS)

.PHONY: bench-ingest
bench-ingest: build ## measure events per second from the broker to durable state
	bash Benchmarks/bench_ingest.sh $(ARGS)

.PHONY: bench-windows
bench-windows: build ## measure updates and reads of one entity's windows, and bytes an event takes
	bash Benchmarks/bench_windows.sh $(ARGS)

.PHONY: bench-lookup
bench-lookup: build ## measure lookups per second and their latency
	bash Benchmarks/bench_lookup.sh $(ARGS)

.PHONY: bench-training
bench-training: build ## measure training sets beside Polars and DuckDB
	bash Benchmarks/bench_training.sh $(ARGS)

.PHONY: bench-abuse
bench-abuse: build ## measure latency of good clients beside bad ones
	bash Benchmarks/bench_abuse.sh $(ARGS)

.PHONY: wheel
wheel: setup ## build the Python client's wheel into python/dist
	$(PYTHON) -m pip wheel --quiet --no-deps --no-build-isolation --no-index --wheel-dir python/dist ./python
	@rm -rf python/build python/src/strandline.egg-info
	@ls python/dist/*.whl

.PHONY: format
format: ## format the Swift sources in place
	$(SWIFT) format format --in-place --recursive --parallel $(SWIFT_SOURCES)

.PHONY: lint
lint: ## check the Swift sources' format and style
	$(SWIFT) format lint --strict --recursive --parallel $(SWIFT_SOURCES)

.PHONY: clean
clean: ## remove what was built; .venv and .deps stay
	rm -rf .build .demo .bench
