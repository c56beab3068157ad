# Two commands on a fresh clone: `make demo` and `make test`. Each sets itself up in .venv.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
export FACEPLATE_HOME ?= $(CURDIR)/.faceplate
export PIP_DISABLE_PIP_VERSION_CHECK = 1

.PHONY: setup weights demo test test-slow bench clean

setup: $(VENV)/.ready
$(VENV)/.ready: pyproject.toml constraints.txt scripts/setup
	PYTHON=$(PYTHON) scripts/setup $(VENV)

weights: setup
	$(BIN)/faceplate models fetch --defaults

demo: weights
	$(BIN)/python examples/demo.py

test: weights
	PATH="$(CURDIR)/$(BIN):$$PATH" scripts/check

test-slow: weights
	$(BIN)/python -m pytest -m slow

bench: weights
	for name in extract roundtrip train colour poisson splice warp frame tweak save seal interactive; do \
		$(BIN)/python -m benchmarks.$$name || missed="$$missed $$name"; done; \
	[ -z "$$missed" ] || { echo "missed:$$missed"; exit 1; }

clean:
	rm -rf $(VENV) .faceplate out build dist
