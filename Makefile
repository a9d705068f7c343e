# The only way in: `make` lists what there is. Everything runs in .venv, which `make setup` brings.

# pipeline commands say `python pipeline/x.py`, and mean this one
export PATH := $(CURDIR)/.venv/bin:$(PATH)
export DVC_NO_ANALYTICS := 1
export MLFLOW_DISABLE_TELEMETRY := true
# one thread a network; the processes are what runs side by side
export OMP_NUM_THREADS := 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_ROOT_USER_ACTION := ignore

TORCH_CPU_INDEX := https://download.pytorch.org/whl/cpu

.DEFAULT_GOAL := help
.PHONY: audit faults robustness smoke diff ci-pipeline ci-smoke ci-comment
.PHONY: help setup repro ui serve verify report claims readme test test-all lint types bench simulate lock clean moved

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' Makefile

setup: .venv/ready ## the environment in .venv (PYTHON=... names another Python 3.11 to 3.13)

repro: .venv/ready ## run the study: what changed, and nothing else
	@.venv/bin/surnames repro

robustness: .venv/ready ## the comparison by other recipes: 320 networks, 10 minutes the first time
	@.venv/bin/surnames robustness

ui: .venv/ready ## browse the runs in MLflow
	@.venv/bin/surnames ui

serve: .venv/ready ## let the champion answer names over HTTP, on loopback
	@.venv/bin/surnames serve

verify: .venv/ready ## whether dvc.lock, the files and MLflow agree
	@.venv/bin/surnames verify

report: .venv/ready ## open the report
	@.venv/bin/surnames report

claims: .venv/ready ## the ledger of claims with their verdicts (CHECK=1: fail where one changed)
	@.venv/bin/surnames claims $(if $(CHECK),--check)

smoke: .venv/ready ## the whole study in small, in a clone of its own: half a minute
	@.venv/bin/surnames smoke

diff: .venv/ready ## what changed since BASE=main, and what of it is noise (HEAD=..., FORMAT=markdown)
	@.venv/bin/surnames diff --format "$${FORMAT:-table}" "$${BASE:-main}" $${HEAD:+"$$HEAD"}

ci-pipeline: .venv/ready ## what CI does with a pull request onto BASE=main: stale? rerun, verify, diff
	@.venv/bin/surnames pull-request "$${BASE:-main}" $(if $(RERUN),--rerun)

ci-smoke: .venv/ready ## the same for drafts and forks: `make smoke` instead of the whole study
	@.venv/bin/surnames pull-request "$${BASE:-main}" --smoke

ci-comment: ## what CI does after that: one comment under the pull request
	@PYTHONPATH=src python3 -m surnames.workflow.comment

readme: .venv/ready ## write the README's table and docs/findings.md anew from the results
	@.venv/bin/surnames readme

test: lint types ## format, lint, types and the tests that take seconds
	@tests/system-packages.sh
	@.venv/bin/python -m pytest -n 2 -m "not slow"

test-all: lint types ## the same with the slow tests too
	@tests/system-packages.sh
	@.venv/bin/python -m pytest -n 2

faults: .venv/ready ## break a small study in every way there is, and write docs/reliability.md (40 minutes)
	@cd tests && ../.venv/bin/python -m faults

lint: .venv/ready ## ruff's rules and its format; which room imports which; the lock against pyproject.toml
	@.venv/bin/ruff check
	@.venv/bin/ruff format --check
	@.venv/bin/lint-imports --no-cache >.venv/imports.log || { cat .venv/imports.log; exit 1; }
	@.venv/bin/python -m pip check

types: .venv/ready ## mypy
	@.venv/bin/mypy

bench: .venv/ready ## measure, and write docs/benchmarks.md (5 minutes)
	@.venv/bin/python benchmarks/benchmark.py

simulate: .venv/ready ## simulated studies with a known truth, into docs/simulation.md (5 minutes)
	@.venv/bin/python benchmarks/simulation.py

lock: .venv/ready ## resolve requirements.lock anew (UPGRADE=1: the newest of everything)
	@UV_CUSTOM_COMPILE_COMMAND="make lock" .venv/bin/uv pip compile --quiet --universal \
	    --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links \
	    --no-emit-package torch --extra dev $(if $(UPGRADE),--upgrade) \
	    --output-file requirements.lock pyproject.toml

audit: .venv/ready ## known advisories against what the locks pin, from PyPI
	@.venv/bin/pip-audit --strict --disable-pip --require-hashes --progress-spinner off \
	    -r requirements.lock -r torch.lock

clean: ## remove .venv and the tools' caches; data, results and DVC's cache stay
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis build src/surnames.egg-info
	find src pipeline tests -name __pycache__ -type d -prune -exec rm -rf {} +

# An environment knows where it stands: copied or moved with its folder, it would run the code of the old
# place. The stamp holds the place, and comes last, so that an interrupted set-up leaves none.
MOVED := $(shell [ ! -f .venv/ready ] || [ "$$(cat .venv/ready)" = "$$(pwd -P)" ] || echo moved)

# Without build isolation: an isolated build would fetch a setuptools that no hash holds, so ours is
# there before the two that are built (antlr4-python3-runtime has no wheel, and the project itself).
PIP := .venv/bin/python -m pip install -qq --no-input --no-deps --no-build-isolation

.venv/ready: requirements.lock torch.lock pyproject.toml Makefile $(MOVED)
	@rm -f .venv/ready
	@python=; found=; \
	for candidate in $(if $(PYTHON),"$(PYTHON)",python3.11 python3.12 python3.13 python3 python); do \
	    version=$$("$$candidate" -c 'import ensurepip, sys; print("%d.%d" % sys.version_info[:2])' \
	        2>/dev/null) || continue; \
	    found="$$found $$candidate is $$version,"; \
	    case $$version in 3.11|3.12|3.13) python=$$candidate; break;; esac; \
	done; \
	if [ -z "$$python" ]; then \
	    echo "surnames needs Python 3.11, 3.12 or 3.13 with venv; found:$${found:- none,}" \
	        "so install one, or name it: make setup PYTHON=/path/to/python3.12" >&2; \
	    exit 1; \
	fi; \
	echo "Setting up .venv with Python $$version: 2 minutes and 2.5 GB the first time ..."; \
	if [ -n "$(MOVED)" ] || ! .venv/bin/python -c "import pip, sys; \
	        sys.exit('%d.%d' % sys.version_info[:2] != '$$version')" 2>/dev/null; then \
	    "$$python" -m venv --clear .venv; \
	fi
	@sed 's/^torch==[0-9.]*/&+cpu/' torch.lock > .venv/torch.lock  # from a local folder, not with CUDA
	@$(PIP) --require-hashes -r .venv/torch.lock 2>.venv/torch.log \
	    || $(PIP) --require-hashes -r torch.lock --index-url $(TORCH_CPU_INDEX) \
	    || { cat .venv/torch.log >&2; exit 1; }
	@awk '/^[^ ]/ { wanted = /^setuptools==/ } wanted' requirements.lock > .venv/setuptools.lock
	@$(PIP) --require-hashes -r .venv/setuptools.lock
	@$(PIP) --require-hashes -r requirements.lock
	@$(PIP) --editable .
	@.venv/bin/python -m surnames.workflow.plots  # the page in which dvc plots draws without a network
	@pwd -P > .venv/ready

moved:
