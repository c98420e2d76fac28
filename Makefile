# Each target sets up what it needs: a virtual environment in .venv, with everything from
# constraints.txt. Run again, it is quick.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
BENCH := $(VENV)/.bench
MINUTES := 10
soak: MINUTES := 30
SEED := 1
INPUTS := 1000000
CALLS := 20000
JOBS := 300
SOURCES := client service worker proto tests benchmarks deploy docs examples

.PHONY: demo audit-demo test fuzz chaos soak monitor check proto dashboards bench docs clean
.DELETE_ON_ERROR:

demo: $(READY)  ## invert natural pictures through the whole service; look at demo/index.html
	$(BIN)/preimage demo --out demo

audit-demo: $(READY)  ## audit what codes give away, in minutes; look at audit-demo/report.html
	$(BIN)/preimage audit demo --out audit-demo

test: $(READY)  ## the whole test suite, with a real Redis and real gRPC channels
	OMP_NUM_THREADS=1 $(BIN)/pytest -n 2 --dist loadfile $(PYTEST_ARGS)

chaos: $(READY)  ## a storm of faults over a whole stack; MINUTES=10 SEED=1, CHAOS_ARGS="--json FILE"
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.chaos --minutes $(MINUTES) --seed $(SEED) $(CHAOS_ARGS)

soak: $(READY)  ## a steady load for long, and what has grown; MINUTES=30 SEED=1, SOAK_ARGS="--json FILE"
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.soak --minutes $(MINUTES) --seed $(SEED) $(SOAK_ARGS)

monitor: $(READY)  ## a stack, a load and Prometheus: do dashboards have data, what fires; MONITOR_ARGS=--kill-worker
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.monitor $(MONITOR_ARGS)

fuzz: $(READY)  ## hostile input; INPUTS=1000000 CALLS=20000 JOBS=300 SEED=1, FUZZ_ARGS="--json FILE"
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.fuzz parsers --inputs $(INPUTS) --seed $(SEED) $(FUZZ_ARGS)
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.fuzz wire --inputs $(CALLS) --seed $(SEED) $(FUZZ_ARGS)
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.fuzz jobs --inputs $(JOBS) --seed $(SEED) $(FUZZ_ARGS)
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.fuzz garbage --seed $(SEED) $(FUZZ_ARGS)

check: $(READY)  ## format, lint, types, import contracts, the wire contract
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/mypy
	$(BIN)/mypy benchmarks
	$(BIN)/mypy --package deploy.grafana.source
	$(BIN)/lint-imports
	$(BIN)/python proto/check.py

proto: $(READY)  ## generate client/preimage/v1 from proto/
	$(BIN)/python proto/generate.py

dashboards: $(READY)  ## write deploy/grafana/dashboards from deploy/grafana/source and the runbook
	$(BIN)/python -m deploy.grafana.source

bench: $(BENCH)  ## short versions of the benchmarks; the last four need PREIMAGE_WEIGHTS_DIR
	$(BIN)/python -m benchmarks.throughput --layers features.5 --lanes 1,4 --rounds 3
	$(BIN)/python -m benchmarks.table1 --side 240 --limit 1
	$(BIN)/python -m benchmarks.table3 --random-weights --layers conv1,conv3,fc8 --limit 1
	$(BIN)/python -m benchmarks.passes --layers features.5,features.12,hogb --limit 1
	$(BIN)/python -m benchmarks.peers --layers features.5 --limit 1
	$(BIN)/python -m benchmarks.figures --steps 50 --gallery $(VENV)/figures
	$(BIN)/python -m benchmarks.audit --parts bounds,controls --targets 4

docs: $(READY)  ## the documentation as a site: site/index.html
	$(BIN)/sphinx-build -q -W --keep-going -b html docs site

clean:  ## forget the virtual environment and what tools left
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "preimage needs Python 3.11 or newer: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $@

$(BENCH): $(READY)  # what the benchmarks compare with
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev,bench]'
	touch $@
