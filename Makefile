.DEFAULT_GOAL := help
.PHONY: help setup build release test test-cluster unit integration check format demo demo-up demo-down bench chaos fuzz clean
PYTHON := .venv/tools/bin/python

help: ## what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## install what building, testing and the demo need (apt, and Python environments in .venv/)
	@./scripts/setup.sh

build: setup ## a debug build of everything, tests included
	swift build --build-tests

release: setup
	swift build -c release --product turnpike
	swift build -c release --product workload-init

test: unit integration ## all tests: Swift units, then real proxies and a real mint

# The store's tests start a real PostgreSQL and open books, which blocks: beside them other tests would wait past their deadlines.
unit: build
	swift test --skip-build --skip StoreTests
	swift test --skip-build --filter StoreTests

integration: build
	$(PYTHON) -m pytest Tests/Integration

test-cluster: ## the life of machines on the real cluster that KUBECONFIG names; TURNPIKE_TEST_IMAGE=our image there, if any
	@test -n "$$KUBECONFIG" || { echo "test-cluster: KUBECONFIG is not set. It names the cluster to try on: KUBECONFIG=~/.kube/config make test-cluster" >&2; exit 2; }
	@$(MAKE) --no-print-directory build
	TURNPIKE_TEST_CLUSTER=real swift test --skip-build --filter ClusterLifeTests

check: setup ## format, warnings, imports, generated code, counts of unchecked promises
	@./scripts/check.sh

format: ## write the house's format
	swift format --in-place --parallel --recursive Package.swift Sources Tests

chaos: build ## kill everything at random while payers pay; OPTIONS="--seed 7 --kills 200 --postgres --replicas 2"
	@$(PYTHON) Tests/Integration/chaos $(OPTIONS)

demo: release ## start everything, try every proxy, one line each, stop everything
	@$(PYTHON) demo/demo.py run

demo-up: release ## start the demo's mint, proxies, app and Turnpike; .demo/env says where they are
	@$(PYTHON) demo/demo.py up

demo-down: ## stop what demo-up started
	@if [ -x $(PYTHON) ]; then $(PYTHON) demo/demo.py down; fi

bench: setup ## a Check beside C and C++ servers, money beside bare loops, machines to their first login: tables, and bench/results/latest.json
	@./bench/run
	@$(PYTHON) bench/money
	@$(PYTHON) bench/machines

fuzz: setup ## libFuzzer on one parser: make fuzz PARSER=token SECONDS=60
	@./Tests/Fuzz/run $(PARSER) $(SECONDS)

clean: demo-down ## remove what was built; the environments stay
	rm -rf .build .demo bench/bin bench/gen
