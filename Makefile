PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test lint docs bench clean

# every experiment of the paper on scikit-learn's digits; ends by naming the report it wrote
demo: .venv/.installed
	@$(BIN)/easiness paper --preset smoke --out demo

# a process for each core, four at the most: each comes to take a gigabyte, and starts others;
# LONG=1 runs the long tests as well
test: lint
	$(BIN)/python -m pytest -n auto --maxprocesses 4 --dist worksteal $(if $(LONG),,-m 'not long')

lint: .venv/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -q -p no:cacheprovider tests/layout

# the documentation as a site, strictly: a link that leads nowhere is an error; ends by naming its first page
docs: .venv/.installed-docs
	@$(BIN)/python tools/docs/build.py

# every benchmark, and docs/benchmarks.md from what they found; an hour, and only as quiet as the machine
bench: .venv/.installed-bench
	$(BIN)/python benchmarks/page.py $(if $(CIFAR10),--cifar10 $(CIFAR10)) $(if $(PHOTOS),--photos $(PHOTOS))

.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv/.installed: pyproject.toml | .venv/bin/python
	$(BIN)/python -m pip install --quiet --editable .
	@touch $@

.venv/.installed-dev: pyproject.toml | .venv/bin/python
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	@touch $@ .venv/.installed

# what the benchmarks compare with
.venv/.installed-bench: pyproject.toml | .venv/bin/python
	$(BIN)/python -m pip install --quiet --editable '.[dev,bench]'
	@touch $@ .venv/.installed-dev .venv/.installed

.venv/.installed-docs: pyproject.toml | .venv/bin/python
	$(BIN)/python -m pip install --quiet --editable '.[docs]'
	@touch $@ .venv/.installed

clean:
	rm -rf .venv demo build dist site .cache docs/reference/commands.md .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
