# Everything happens in .venv beside this file. `make help` lists the targets.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help venv demo test test-fast test-gpu lint clean

VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
EXPERIMENT := logs/g1_deepmimic

PYTHON ?=
TORCH_INDEX ?=
DEMO_ARGS ?=
PYTEST_ARGS ?=

export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_NO_INPUT := 1

help: ## list the targets
	@echo "Targets:"
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | awk -F '\t' '{printf "  %-10s %s\n", $$1, $$2}'
	@echo "Variables:"
	@echo "  PYTHON=python3.12   interpreter of .venv (3.11 to 3.13); the first that fits by default"
	@echo "  TORCH_INDEX=URL     extra package index for torch. On Linux PyPI's own torch brings several GB for GPUs;"
	@echo "                      https://download.pytorch.org/whl/cpu has the small build for CPUs"
	@echo "  DEMO_ARGS=...       more options for training in the demo, such as '--max_iterations 50'"
	@echo "  PYTEST_ARGS=...     more options for pytest, such as '-n 4' or '-k config'"

venv: $(INSTALLED) ## create .venv and install the package in it

demo: $(INSTALLED) ## train a walk for a few minutes, evaluate it, film it and export the policy
	$(BIN)/python legged_gym/scripts/train.py --task=g1_deepmimic --headless $(DEMO_ARGS)
	run=$$(ls -d $(EXPERIMENT)/*/ | tail -n 1)
	$(BIN)/python legged_gym/scripts/evaluate.py --task=g1_deepmimic --load_run "$$run" --out "$${run}evaluation.json"
	$(BIN)/python legged_gym/scripts/play.py --task=g1_deepmimic --headless --load_run "$$run" --video "$${run}video.mp4"
	$(BIN)/python legged_gym/scripts/export.py --task=g1_deepmimic --load_run "$$run" --out "$${run}policy"
	echo "The run is in $$run"

test: $(INSTALLED) ## run all tests
	$(BIN)/python -m pytest $(PYTEST_ARGS)

test-fast: $(INSTALLED) ## run the tests that take no more than a few seconds each
	$(BIN)/python -m pytest -m "not slow" $(PYTEST_ARGS)

test-gpu: $(INSTALLED) ## install MuJoCo Warp too (400 MB) and run its tests, on its CPU device where there is no GPU
	$(BIN)/python -m pip install -c constraints.txt -e '.[gpu]'
	$(BIN)/python -m pytest tests/sim/test_mujoco_warp*.py tests/devices $(PYTEST_ARGS)
	$(BIN)/python -m pytest -p tests.sim.on_warp tests/envs -m "not slow" $(PYTEST_ARGS)

lint: $(INSTALLED) ## check style and formatting
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

clean: ## remove .venv and what builds and tests leave; runs under logs/ stay
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .ruff_cache MUJOCO_LOG.TXT
	find legged_gym tests -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@for python in $(or $(PYTHON),python3 python3.13 python3.12 python3.11); do
	  if "$$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' >/dev/null 2>&1; then
	    found=$$python
	    break
	  fi
	done
	if [ -z "$${found:-}" ]; then
	  echo "error: need Python 3.11, 3.12 or 3.13; tried $(or $(PYTHON),python3 python3.13 python3.12 python3.11)" >&2
	  exit 2
	fi
	if ! "$$found" -c 'import ensurepip, venv' >/dev/null 2>&1; then
	  echo "error: $$found cannot create virtual environments; on Debian and Ubuntu: apt install python3-venv" >&2
	  exit 2
	fi
	"$$found" -m venv $(VENV)

$(INSTALLED): pyproject.toml setup.py constraints.txt | $(BIN)/python
	$(BIN)/python -m pip install $(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX)) -c constraints.txt -e '.[dev]'
	touch $@

.ONESHELL:
