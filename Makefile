PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test lint bench clean

# every experiment of the paper on scikit-learn's digits; ends by naming the report it wrote
demo: .venv/.installed
	@$(BIN)/easiness paper --preset smoke --out demo

test: lint
	$(BIN)/python -m pytest

lint: .venv/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# figures for docs/benchmarks.md; minutes, and only as quiet as the machine
bench: .venv/.installed-dev
	$(BIN)/python benchmarks/training.py
	$(BIN)/python benchmarks/records.py
	$(BIN)/python benchmarks/records.py --scan

.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv/.installed: pyproject.toml | .venv/bin/python
	$(BIN)/python -m pip install --quiet --editable .
	@touch $@

.venv/.installed-dev: pyproject.toml | .venv/bin/python
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	@touch $@ .venv/.installed

clean:
	rm -rf .venv demo build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
