# `make help` lists what there is to do.

PYTHON ?= python3
# Passed on to the command, as in: make test ARGS="-k kill"
ARGS ?=
# Tests run in so many processes at once.
WORKERS ?= 3

BIN = .venv/bin
# Interpreters come from the machine, packages from the pins.
export UV_PYTHON_DOWNLOADS = never
export UV_SYSTEM_CERTS = 1
# Otherwise each Zope compiles Plone at its start, where Python must not write it down.
export UV_COMPILE_BYTECODE = 1
export VIRTUAL_ENV =
UV = $(BIN)/uv
# pyenv's python3.x only answer for versions that are switched on: switch on all.
PYENV_VERSION := $(shell pyenv versions --bare 2>/dev/null | sort --version-sort --reverse | paste -sd: -)
TOX = $(if $(PYENV_VERSION),PYENV_VERSION=$(PYENV_VERSION)) $(BIN)/tox

.DEFAULT_GOAL := help
.PHONY: help install test test-long test-soak lint format i18n sentences demo bench freshness docs screenshots volto \
    addons cdk tox buildout pins release-check clean

help: ## This list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "make %-13s %s\n", $$1, $$2}' Makefile

install: .venv/.installed ## Plone 6.2, the add-on and the tools in .venv

.venv/.installed: setup.py requirements/plone-6.2.txt requirements/tools.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || \
	    { echo "Python 3.10 or newer is needed. Name one: make PYTHON=python3.12 …" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' || \
	    { echo "$(PYTHON) cannot make a venv. On Debian: apt-get install python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet $$(grep ^uv== requirements/tools.txt)
	$(UV) pip sync --quiet --python $(BIN)/python requirements/plone-6.2.txt requirements/tools.txt
	$(UV) pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	$(UV) pip check --quiet --python $(BIN)/python
	@touch $@

test: install ## The whole test suite on Plone 6.2
	$(BIN)/pytest -n $(WORKERS) $(ARGS)

test-long: install ## The tests that repeat themselves, as often as they say
	LONG_TESTS=1 $(BIN)/pytest -n $(WORKERS) -m long $(ARGS)

test-soak: install ## Whole days and very large sites: two hours; ARGS=-s shows the figures
	SOAK_TESTS=1 $(BIN)/pytest -m soak $(ARGS)

lint: install ## Check style, templates, imports and packaging
	$(TOX) -q run -e lint

format: install ## Rewrite the sources the way lint wants them
	$(TOX) -q run -e format

i18n: install ## Rebuild the message catalogues from the sources
	$(TOX) -q run -e i18n

sentences: ## Every text that people can read, with its place, for review
	@$(PYTHON) scripts/sentences.py

demo: install ## Plone behind a local CloudFront; ARGS=--once ends after one edit
	$(BIN)/python -m collective.cloudfront.demo $(ARGS)

bench: install ## Measure: a table, and bench.json
	$(BIN)/python benchmarks/bench.py $(ARGS)

freshness: install ## Is anything stale after what editors do? ARGS="--walk 100 --seed 7"
	$(BIN)/python -m freshness.run $(ARGS)

docs: install ## Documentation in docs/_build/html
	$(TOX) -q run -e docs

screenshots: install ## The pictures of the documentation, in docs/images
	SCREENSHOTS="$(CURDIR)/docs/images" $(BIN)/pytest -k test_pictures $(ARGS)

volto: install ## Build Volto 18 in a cache, once, and run the tests of our panel in it
	scripts/volto
	$(BIN)/pytest -m volto $(ARGS)

cdk: ## The AWS CDK in .cdk, for the tests of its template in make test-long
	npm install --silent --no-audit --no-fund --prefix .cdk \
	    aws-cdk-lib@2.276.0 constructs@10.8.1 typescript@7.0.2 @types/node@26.6.7

addons: .venv-addons/.installed ## As freshness, in a site with add-ons, in .venv-addons
	.venv-addons/bin/python -m freshness.run --addons $(ARGS)

.venv-addons/.installed: .venv/.installed requirements/addons.txt
	$(PYTHON) -m venv .venv-addons
	$(UV) pip sync --quiet --python .venv-addons/bin/python requirements/plone-6.2.txt requirements/tools.txt
	$(UV) pip install --quiet --python .venv-addons/bin/python --no-deps -r requirements/addons.txt
	$(UV) pip install --quiet --python .venv-addons/bin/python --no-deps --no-build-isolation --editable .
	@touch $@

tox: install ## Lint, docs and tests with each Python found, on Plone 6.1 and 6.2
	$(TOX) run $(ARGS)

buildout: .venv-buildout/.installed ## bin/instance and bin/test by zc.buildout
	.venv-buildout/bin/buildout $(ARGS)

.venv-buildout/.installed: requirements/buildout.txt
	$(PYTHON) -m venv .venv-buildout
	.venv-buildout/bin/python -m pip install --quiet -c requirements/buildout.txt \
	    pip setuptools wheel zc.buildout
	@touch $@

pins: install ## Resolve requirements/*.in and setup.py to pins again
	PATH="$(CURDIR)/$(BIN):$$PATH" scripts/pins

release-check: install ## Build the release and try it beside Plone 6.1 and 6.2
	$(TOX) -q run -e release-check -- --python "$(CURDIR)/$(BIN)/python" $(ARGS)

clean: ## Remove all that was made, but not the demo's and instance's data
	rm -rf .venv .venv-addons .venv-buildout .tox .pytest_cache .ruff_cache .hypothesis \
	    .import_linter_cache bin develop-eggs eggs parts .installed.cfg \
	    docs/_build build dist src/*.egg-info
