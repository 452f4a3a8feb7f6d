# Front doors: study, test, fuzz, cluster-test, kubernetes-test, faults, bench, report, reference, clean. Needs Python 3.11 to 3.13 alone.
PYTHON ?= python3
CORES ?= all
CONFIG ?=
RUN ?= quick
VENV := .venv
BIN := $(VENV)/bin
# Snakemake runs code that it finds in an overlay, so overlays are looked through first.
SNAKEMAKE = $(if $(CONFIG),$(BIN)/python -m transmural.stores.overlays $(CONFIG) && )$(BIN)/snakemake $(1) --cores $(CORES) $(if $(CONFIG),--configfile $(CONFIG))

.PHONY: study tables report test lint types unit fuzz cluster-test kubernetes-test faults bench reference docs lock clean

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

# The readers of files, with fifty times as many spoilt ones as in `unit`.
fuzz: $(VENV)/.installed
	$(BIN)/pytest -n 2 --hypothesis-profile fuzz -k hostile

# The profile for clusters on a real SLURM, skipped where there is none and none can be had. Snakemake loads every plugin
# that it finds, so this one, with the pandas that it needs, would slow every start: it lives on top of $(VENV).
cluster-test: $(VENV)/.installed .venv-cluster/.installed
	.venv-cluster/bin/python -m pytest -n 0 -rs tests/cluster

# Real faults on real runs of the smoke study; what became of each: results/faults.md. Those that need root, mounts or SLURM
# are skipped without. ONLY="kill or disk" for some.
faults: $(VENV)/.installed .venv-cluster/.installed
	.venv-cluster/bin/python -m pytest -n 2 --dist loadgroup -v tests/faults $(if $(ONLY),-k "$(ONLY)")

# A study through an object store, with jobs in folders of their own, as in pods. ONLY="profile or laptop" plans alone.
kubernetes-test: $(VENV)/.installed .venv-kubernetes/.installed
	.venv-kubernetes/bin/python -m pytest -n 0 -rs tests/kubernetes $(if $(ONLY),-k "$(ONLY)")

.venv-cluster/.installed .venv-kubernetes/.installed: .venv-%/.installed: pyproject.toml $(VENV)/.installed
	$(PYTHON) -m venv .venv-$*
	$(BIN)/python -c 'import site; print(f"import site; site.addsitedir({site.getsitepackages()[0]!r})")' \
		> $$(.venv-$*/bin/python -c 'import site; print(site.getsitepackages()[0])')/below.pth
	$(BIN)/python -c 'import tomllib; extras = tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"]; \
		print(*extras["$*"], *extras.get("$*-test", []), sep="\n")' > .venv-$*/requirements.txt
	.venv-$*/bin/pip install -q --disable-pip-version-check -r .venv-$*/requirements.txt
	touch $@

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
	CC=/bin/false CXX=/bin/false $(BIN)/pip install -q --disable-pip-version-check --no-compile -r requirements.lock # no compiler
	$(BIN)/pip install -q --disable-pip-version-check --no-deps -e .
	$(BIN)/python -m compileall -qq -j 0 $(VENV) || true # by all cores; pip would by one. Some packages hold files of other Pythons
	touch $@

# Keeps results/reference/.
clean:
	rm -rf $(VENV) .venv-bench .venv-cluster .venv-kubernetes .snakemake .mypy_cache .pytest_cache .ruff_cache
	find results -mindepth 1 -maxdepth 1 ! -name reference -exec rm -rf {} +
