# Everything here works from a clean clone: each target makes the environment it needs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test test-slow check bench soak clean

$(VENV)/.installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install -q -e ".[dev]"
	touch $@

## The main job on the built-in world: runs/demo/report.html
demo: $(VENV)/.installed
	$(BIN)/keyreid demo --overwrite

## The default suite, under ten minutes on two cores
test: $(VENV)/.installed
	$(BIN)/pytest

## The minutes-long rest: whole lab run twice, memory over ten times the length
test-slow: $(VENV)/.installed
	$(BIN)/pytest -m slow --timeout 3600

## Style, types, import contracts
check: $(VENV)/.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

## Speed, side by side in one run: medians and ratios
bench: $(VENV)/.installed
	$(BIN)/python -m tests.bench

## Eight RTSP cameras for ten minutes; needs GStreamer's RTSP server
soak: $(VENV)/.installed
	$(BIN)/python -m tests.soak

clean:
	rm -rf $(VENV) runs .pytest_cache .mypy_cache .ruff_cache
