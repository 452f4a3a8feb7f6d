# Front doors: study, test, bench, report, reference, clean. Needs Python 3.11 to 3.13 and nothing else.
PYTHON ?= python3
CORES ?= all
CONFIG ?=
RUN ?= quick
VENV := .venv
BIN := $(VENV)/bin
SNAKEMAKE = $(BIN)/snakemake $(1) --cores $(CORES) $(if $(CONFIG),--configfile $(CONFIG))

.PHONY: study tables report test lint types unit bench reference docs lock clean

# CONFIG="config/paper.yaml" (one or more overlays) for another scale.
study: $(VENV)/.installed
	$(call SNAKEMAKE,)
	@$(BIN)/python workflow/scripts/show.py $(CONFIG)

tables report: $(VENV)/.installed
	$(call SNAKEMAKE,$@)

test: lint types unit

lint: $(VENV)/.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check Snakefile workflow
	$(BIN)/snakemake --lint

types: $(VENV)/.installed
	$(BIN)/mypy

# A file's tests stay on one worker, so that the smoke run is made once.
unit: $(VENV)/.installed
	$(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder --durations=12

# The peer needs an older NumPy than the project, so it lives in an environment of its own.
bench: $(VENV)/.installed .venv-bench/.installed
	FINITEWAVE_PYTHON=.venv-bench/bin/python $(BIN)/python benchmarks/monodomain.py
	FINITEWAVE_PYTHON=.venv-bench/bin/python $(BIN)/python benchmarks/sheets.py

.venv-bench/.installed: benchmarks/requirements.txt
	$(PYTHON) -m venv .venv-bench
	.venv-bench/bin/pip install -q --disable-pip-version-check -r $<
	touch $@

# Copies the scores, tables, figures and provenance of a run (RUN, made with the overlays of CONFIG) into
# results/reference/ for committing.
reference: $(VENV)/.installed
	$(call SNAKEMAKE,)
	$(BIN)/python workflow/scripts/reference.py $(RUN) $(CONFIG)

docs: $(VENV)/.installed
	$(BIN)/python -m transmural.stores.config

lock: $(VENV)/.installed
	$(BIN)/pip install -q uv
	$(BIN)/uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 -q -o requirements.lock
	$(BIN)/python envs/pin.py

$(VENV)/.installed: requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14) and "Python 3.11 to 3.13 is needed; found " + sys.version)'
	$(PYTHON) -m venv $(VENV)
	CC=/bin/false CXX=/bin/false $(BIN)/pip install -q --disable-pip-version-check -r requirements.lock # no compiler
	$(BIN)/pip install -q --disable-pip-version-check --no-deps -e .
	touch $@

# Keeps results/reference/.
clean:
	rm -rf $(VENV) .venv-bench .snakemake .mypy_cache .pytest_cache .ruff_cache
	find results -mindepth 1 -maxdepth 1 ! -name reference -exec rm -rf {} +
