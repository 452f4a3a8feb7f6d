# Front doors: study, test, bench, report, reference, clean. Needs Python 3.11 to 3.13 and nothing else.
PYTHON ?= python3
CORES ?= all
CONFIG ?=
VENV := .venv
BIN := $(VENV)/bin
RUN = $(shell sed -n 's/^run: *//p' $(or $(lastword $(CONFIG)),config/config.yaml))
SNAKEMAKE = $(BIN)/snakemake --cores $(CORES) $(if $(CONFIG),--configfile $(CONFIG))

.PHONY: study tables report test lint types unit workflow-test bench reference docs lock clean

study: $(VENV)/.installed
	$(SNAKEMAKE)
	@for table in results/$(RUN)/tables/*.md; do echo; cat $$table; done
	@echo; echo "Report: $(CURDIR)/results/$(RUN)/report.html"

tables report: $(VENV)/.installed
	$(SNAKEMAKE) $@

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
	$(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder

# The peer needs an older NumPy than the project, so it lives in an environment of its own.
bench: $(VENV)/.installed .venv-bench/.installed
	FINITEWAVE_PYTHON=.venv-bench/bin/python $(BIN)/python benchmarks/monodomain.py

.venv-bench/.installed: benchmarks/requirements.txt
	$(PYTHON) -m venv .venv-bench
	.venv-bench/bin/pip install -q --disable-pip-version-check -r $<
	touch $@

# Copies the scores, tables, key figures and provenance of a finished run into results/reference/ for committing.
RUN_CONFIG = $(if $(filter quick,$(RUN)),,$(wildcard config/$(RUN).yaml))
reference: $(VENV)/.installed
	$(BIN)/snakemake --cores $(CORES) $(if $(RUN_CONFIG),--configfile $(RUN_CONFIG))
	$(BIN)/python workflow/scripts/reference.py $(RUN)

docs: $(VENV)/.installed
	$(BIN)/python -m transmural.stores.config

lock:
	$(PYTHON) -m pip install -q uv
	$(PYTHON) -m uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 -q -o requirements.lock
	$(PYTHON) envs/pin.py

$(VENV)/.installed: requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14) and "Python 3.11 to 3.13 is needed; found " + sys.version)'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install -q --disable-pip-version-check -r requirements.lock
	$(BIN)/pip install -q --disable-pip-version-check --no-deps -e .
	touch $@

clean:
	rm -rf $(VENV) .venv-bench .snakemake .mypy_cache .pytest_cache .ruff_cache results/quick results/smoke
