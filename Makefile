# make run        from nothing to a registered version, and a summary
# make ui         the MLflow UI on the same store
# make serve      the newest champion (or challenger) over HTTP; PORT=8000, ARGS for `carousel serve`
# make dashboard  optuna-dashboard on the sweeps' journal
# make test       the tests; make test-slow: kill loops, fuzzing, pipelines that run again
# make lint       formatting, style, types, layers
# make bench      speed beside others, in ratios, written into docs/performance.md; 15 minutes
# make results    accuracy on published data sets, into docs/results.md; hours. DATA=folder says where they lie
# make lock       write requirements.lock and requirements-dev.lock again
# make clean      remove what the pipeline made; the environment and DVC's cache stay

PYTHON ?= python3
PORT ?= 5000
DATA ?= data/benchmarks
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --disable-pip-version-check
# Its builds for CPU and CUDA have different hashes, and libraries that the lock files leave out
TORCH := torch==2.13.0

.PHONY: run setup develop ui serve dashboard test test-slow lint bench results clean lock .dvc/config.local
.DEFAULT_GOAL := run

# Python runs the commands: the first line of a script cannot name every folder
run: setup
	$(BIN)/python -m dvc repro
	@$(BIN)/python $(BIN)/carousel summary

# The environment is as new as the lock file, or it is made again
setup: .venv/.carousel .dvc/config.local .dvc/plots.html

# What tests, lint and benchmarks need in addition
develop: setup .venv/.carousel-dev

.venv/.carousel: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "error: $(PYTHON) is older than Python 3.11; name a newer one: make PYTHON=python3.12" >&2; exit 2; }
	@case $$PWD in *[%{}$$]*) echo "error: $$PWD: MLflow, DVC and setuptools cannot work in a folder with % { } or $$ in its" \
		"name; rename it" >&2; exit 2;; esac
	$(PYTHON) -m venv .venv
	$(PIP) $(TORCH)
	$(PIP) --require-hashes --no-deps --requirement requirements.lock
	$(PIP) --no-deps --editable .
	@rm -f .venv/.carousel-dev
	@touch $@

.venv/.carousel-dev: .venv/.carousel requirements-dev.lock
	$(PIP) --require-hashes --no-deps --requirement requirements-dev.lock
	@touch $@

.dvc/config.local:
	@pipeline/scm

.dvc/plots.html: .venv/.carousel
	@$(BIN)/python -m carousel.template.plots_page

ui: setup
	@$(BIN)/python $(BIN)/carousel ui --port $(PORT)

# Its libraries are extras that `make run` does not need
serve: develop
	@$(BIN)/python $(BIN)/carousel serve $(if $(filter file,$(origin PORT)),,--port $(PORT)) $(ARGS)

dashboard: develop
	@test -e .carousel/studies.journal || { echo "error: no sweep has run here; dvc repro runs one" >&2; exit 2; }
	$(BIN)/python $(BIN)/optuna-dashboard --port $(PORT) --storage-class JournalFileStorage .carousel/studies.journal

# A file's tests share what they set up, so a file stays with one of the processes; a core for each. In the order of the
# folders: the long pipeline files come early, and many short files are left to balance the end
test: develop
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile \
		--no-loadscope-reorder

# Kill loops wait more than they compute, so three at a time on two cores
test-slow: develop
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m slow --numprocesses 3 --dist loadfile

lint: develop
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: develop
	$(BIN)/python -m bench.peers.environment
	$(BIN)/python -m bench.page

results: develop
	$(BIN)/python -m bench.results --data $(DATA)

clean:
	rm -rf data/raw data/prepared data/tokens data/encoded data/predictions artifacts models reports dvc.lock \
		.dvc/tmp dvc_plots mlflow.db* mlruns .carousel

# Write the newest versions that pyproject.toml allows, with hashes, for CPython 3.11 to 3.13
lock:
	$(BIN)/python -m pip install --disable-pip-version-check --quiet uv
	$(call LOCK,requirements.lock,)
	$(call LOCK,requirements-dev.lock,--extra dev --extra postgresql --extra dashboard --extra export --extra serve --constraint requirements.lock)

define LOCK
echo "$(TORCH)" > .venv/torch.txt
$(BIN)/uv pip compile pyproject.toml $(2) --constraint .venv/torch.txt --universal --python-version 3.11 --generate-hashes \
	--no-emit-package torch --no-header --no-annotate --quiet --output-file $(1)
awk '/^[^ ]/ { skip = /^(nvidia-|cuda-|triton)/ } !skip' $(1) > .venv/lock && cp .venv/lock $(1)
endef
