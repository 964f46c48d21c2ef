PYTHON ?= python3
BIN := .venv/bin
# some machines ask for no .pyc files: without them every process that a test starts compiles the package again
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo paper film test tests lint axe docs wheel installed lowest newest bench clean

# the main job on scikit-learn's digits, some of them mislabelled: measured by two networks, the wrong labels found,
# the networks compared; ends by naming the page to decide in
demo: .venv/.installed
	@$(BIN)/python tools/demo.py demo

# every experiment of the paper on scikit-learn's digits; ends by naming the report it wrote
paper: .venv/.installed
	@$(BIN)/easiness paper all --preset smoke --out build/paper
	@echo build/paper/report.html

# the README's film, of the page of docs/labels.md, and the figure there
film: .venv/.installed-dev
	rm -rf build/labels
	$(BIN)/python benchmarks/science/labels_tutorial.py --out build/labels --figure docs/images/labels.svg
	$(BIN)/python tools/docs/report_film.py build/labels/report.html docs/images/deciding.webp

test: .venv/.installed-dev
	@$(MAKE) --no-print-directory -j2 lint tests

# a process more than there are cores, since tests wait for processes that they start, four at the most: each
# comes to take a gigabyte; those of the layout are a part of lint; LONG=1 runs the long tests as well
WORKERS = $(shell $(PYTHON) -c 'import os; print(min(4, (os.cpu_count() or 1) + 1))')
tests: .venv/.installed-dev
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal --ignore tests/layout $(if $(LONG),,-m 'not long')

lint: .venv/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -q -p no:cacheprovider tests/layout

# the documentation as a site, strictly: a link that leads nowhere is an error; ends by naming its first page
docs: .venv/.installed-docs
	@PYTHONPATH=src $(BIN)/python tools/docs/build.py

# the tests with the lowest versions that pyproject.toml allows, and with the newest, for PYTHON=python3.12 say. Old
# versions warn of each other, which is not ours to mend: there warnings are no errors
lowest newest:
	$(PYTHON) -m venv build/$(VERSIONS)
	build/$(VERSIONS)/bin/python -m pip install --quiet uv
	build/$(VERSIONS)/bin/python -m uv pip install --quiet --python build/$(VERSIONS)/bin/python \
		--resolution $(if $(filter lowest,$@),lowest-direct,highest) --editable '.[test]'
	build/$(VERSIONS)/bin/python -m pytest -n $(WORKERS) --dist worksteal --ignore tests/layout \
		$(if $(filter lowest,$@),-W default) $(if $(LONG),,-m 'not long')
VERSIONS = $@-$(notdir $(PYTHON))

# what can be uploaded, in dist/: the source distribution and the wheel that is built from it
wheel: .venv/.installed-release
	rm -rf dist build/lib
	$(BIN)/python -m build
	$(BIN)/python -m twine check --strict dist/*

# tests of what is uploaded, installed into an empty environment
installed: .venv/.installed-dev
	$(BIN)/python -m pytest tests/release

# what looks for barriers in the pages, from npm; the tests that need it skip where it is not
axe: build/axe/node_modules/axe-core/axe.min.js

build/axe/node_modules/axe-core/axe.min.js:
	npm install --no-save --silent --no-audit --no-fund --prefix build/axe axe-core@4

# every benchmark, and docs/benchmarks.md from what they found; an hour, and only as quiet as the machine
bench: .venv/.installed-bench
	$(BIN)/python benchmarks/page.py $(if $(CIFAR10),--cifar10 $(CIFAR10)) $(if $(PHOTOS),--photos $(PHOTOS))

.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv/.installed: pyproject.toml | .venv/bin/python
	$(BIN)/python -m pip install --quiet --editable '.[train]'
	@touch $@

.venv/.installed-dev: pyproject.toml | .venv/bin/python
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	@touch $@ .venv/.installed

# what the benchmarks compare with
.venv/.installed-bench: pyproject.toml | .venv/bin/python
	$(BIN)/python -m pip install --quiet --editable '.[dev,bench]'
	@touch $@ .venv/.installed-dev .venv/.installed

# what builds and checks distributions
.venv/.installed-release: pyproject.toml | .venv/bin/python
	$(BIN)/python -c 'import tomllib; about = tomllib.load(open("pyproject.toml", "rb"))["project"]; \
	print(*about["optional-dependencies"]["release"], sep="\n")' | $(BIN)/python -m pip install --quiet --requirement /dev/stdin
	@touch $@

# pages come from what commands and functions ask
.venv/.installed-docs: pyproject.toml | .venv/bin/python
	$(BIN)/python -m pip install --quiet --editable '.[docs]'
	@touch $@

clean:
	rm -rf .venv demo build dist site .cache docs/reference/commands.md .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
