# Two commands on a fresh machine with Python 3.11+: make book, make test. See README.md.
PROFILE ?= quick
PYTHON ?= python3
# what a user gives reaches the commands in the environment, so that neither make nor a shell reads it
GIVEN := PROFILE COHORT SET ONLY RUN CLUSTER CORES PYTHON MEMORY GPUS TORCH YES
$(foreach name,$(GIVEN),$(eval override $(name) := $$(value $(name))))
export $(GIVEN)
override BIN := .venv/bin
override ASKED := $(BIN)/python -m lcgan_core.run.asked
override ALL_CORES := "$${CORES:-$$(getconf _NPROCESSORS_ONLN)}"
# a single machine takes the jobs that fit its cores, memory and GPU; a cluster schedules its own
override ALL_MEMORY := "mem_mb=$${MEMORY:-$$("$$PYTHON" -c 'import os; print(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") >> 20)')}"
# at most one GPU: choosing among several is the task of a scheduler
override ONE_GPU := "gpu=$${GPUS:-$$(nvidia-smi --list-gpus 2>/dev/null | head -1 | wc -l)}"
override HERE := --quiet rules host --resources $(ALL_MEMORY) $(ONE_GPU)
override THERE := --quiet host --workflow-profile "profiles/$$CLUSTER"
# without Snakemake's lock, which outlives a killed run; that of artefacts.claim does not
override SNAKEMAKE := $(BIN)/snakemake --cores $(ALL_CORES) $(if $(CLUSTER),$(THERE),$(HERE)) --scheduler greedy --rerun-incomplete --nolock
override WHERE := $(ASKED) $(BIN)/lcgan book --where
override TEST_RUNS := _build/test-runs
override CLUSTERS := $(notdir $(wildcard profiles/*))
# what torch imports without, on a CPU: it is linked to the other libraries of CUDA (readelf -d, and an import without each)
override GPU_ONLY := triton|cuda-bindings|cuda-pathfinder|cuda-toolkit|nvidia-cuda-cccl|nvidia-cusolver|nvidia-nvjitlink|nvidia-nvtx
override CPU_LOCK := .venv/requirements-cpu.lock
# once chosen for .venv, it stays: without TORCH=cpu too
override LOCK := $(if $(filter cpu,$(TORCH)),$(CPU_LOCK),$(or $(wildcard $(CPU_LOCK)),requirements.lock))
# uv does not compile the libraries: without .pyc files hundreds of processes would each compile them again
unexport PYTHONDONTWRITEBYTECODE

# for its help text Snakemake's SLURM plugin asks the controller, and waits 9 s for one that is off
ifeq ($(CLUSTER),)
book notebooks browser reference: export SLURM_CONF := /dev/null
endif

.PHONY: help setup book one-page book-path publish test lint unit notebooks browser bench reference clean
.DEFAULT_GOAL := help
ifneq ($(filter-out $(CLUSTERS),$(CLUSTER)),)
$(error There is no profiles/$(CLUSTER)/config.yaml; known clusters: $(CLUSTERS))
endif
ifneq ($(filter-out cpu,$(TORCH)),)
$(error TORCH can only be cpu, which leaves out what nothing but a GPU needs; for a GPU leave it out, and delete .venv first)
endif

help: ## show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /|/' | column -t -s '|'

setup: .venv/.complete ## make the virtual environment, every version pinned [TORCH=cpu]

$(CPU_LOCK): requirements.lock
	@mkdir -p .venv
	@awk '/^[^ ]/ { out = /^($(GPU_ONLY))==/ } !out' requirements.lock > $@

.venv/.complete: $(LOCK) pyproject.toml
	@echo "Setting up .venv from $(LOCK): $(if $(filter $(CPU_LOCK),$(LOCK)),5.5,7) GB, some minutes ..."
	@"$$PYTHON" -c 'import sys; sys.exit("Python 3.11 or newer is needed, this is " + sys.version.split()[0] + "; set PYTHON=python3.11.") if sys.version_info < (3, 11) else None'
	@"$$PYTHON" -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check "$$(grep -oE '^uv==[0-9.]+' requirements.lock)"
	@$(BIN)/uv pip sync --quiet --python $(BIN)/python --require-hashes $(LOCK)
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@
	@echo "Made .venv"

ifeq ($(PROFILE),render)
book: setup ## PROFILE=render: build the book of a published run without computing anything [RUN=compact]
	@$(BIN)/lcgan render "$$RUN"
else
book: setup ## compute what is missing and build the book [PROFILE=quick COHORT=folder SET='name=value' CLUSTER=slurm]
	@$(WHERE) >/dev/null # a misspelt profile or setting ends here, with one sentence
	@$(ASKED) $(SNAKEMAKE)
	@printf 'Book of profile %s: %s/index.html\n' "$$PROFILE" "$$($(WHERE))"
endif

publish: setup ## collect a finished run in results/, to be committed [PROFILE=quick COHORT=folder SET='name=value' YES=1 WEIGHTS=1]
	@$(ASKED) $(BIN)/lcgan publish $(if $(YES),--yes) $(if $(WEIGHTS),--weights)

one-page: setup ## make a published run's book as one page to print, and as a PDF where Chromium is [RUN=compact]
	@$(BIN)/python -m tools.one_page "$$RUN"

book-path: setup ## print where the built pages are
	@$(WHERE)

test: lint unit notebooks browser ## check style, types and units, then run every stage and notebook again, compare, and check the book
	@echo "All tests passed; the fresh run is in $(TEST_RUNS)."

lint: setup ## check style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy lcgan_core

unit: setup ## run unit tests and doctests
	OMP_NUM_THREADS=1 $(BIN)/pytest -q -n $(ALL_CORES) --dist worksteal --ignore tests/browser

notebooks: export LCGAN_RUNS := $(abspath $(TEST_RUNS))
notebooks: setup ## run the quick grid from scratch and compare it with the committed notebooks and results
	@rm -rf $(TEST_RUNS)
	$(SNAKEMAKE) --config profile=quick -- evaluated
	$(BIN)/pytest -q --nbval --nbval-current-env --nbval-cell-timeout 600 -n $(ALL_CORES) --dist loadscope notebooks
	$(BIN)/pytest -q tests/regression/test_results.py tests/regression/test_models.py

browser: export LCGAN_RUNS := $(abspath $(TEST_RUNS))
browser: setup ## check the book of the run that `notebooks` made in a real browser
	$(SNAKEMAKE) --config profile=quick
	LCGAN_BOOK=$$($(BIN)/lcgan book --where --profile quick) $(BIN)/pytest -q tests/browser -n $(ALL_CORES)

bench: setup ## compare our speed with the plain recipe, in minutes: results/bench/<device>.json [ONLY=lcgan]
	$(BIN)/python -m benchmarks $(if $(ONLY),--only "$$ONLY")

clean: ## delete runs and built pages, but not the virtual environment
	rm -rf runs _build .snakemake

reference: export LCGAN_RUNS := $(abspath $(TEST_RUNS))
reference: setup ## refresh the committed notebook outputs and results/quick from a fresh run
	@rm -rf $(TEST_RUNS)
	$(SNAKEMAKE) --config profile=quick -- evaluated
	$(BIN)/python -m tools.refresh
	$(BIN)/python -m tests.regression.first_epochs
