# Everything a newcomer types. Each target sets up what it needs; only Python 3.11 to 3.13 with venv must be there.
PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/installed
# The newest version that SageMaker has an inference image of.
SERVING_TENSORFLOW := 2.20.0
SERVING := build/serving
SCAN := build/scan
BENCH_INSTALLED := .venv/bench-installed
CONFIG ?= config/retrain.toml
SNAPSHOTS := config/simulated_snapshot.toml
# dev, staging or prod
TO ?= dev

.PHONY: setup run score aws-local deploy features test test-slow check scan reference format lock bench bench-neural serving clean help

run: setup  ## run the main job on simulated players: about two minutes on two cores
	$(BIN)/python flows/retrain_flow.py --config config $(CONFIG) run

# Approving is for a person: without a champion nothing is made, and the message says how one is approved.
score: setup  ## after an approval: score a snapshot of the simulated players and watch for drift, in a minute
	@$(BIN)/scarcegan models champion review_budget
	$(BIN)/python -m scarcegan.datasets.simulated $(SNAPSHOTS) .scarcegan/simulated_labels.parquet
	$(BIN)/python flows/features_flow.py --config config $(SNAPSHOTS) run
	$(BIN)/python flows/score_flow.py --config config $(SNAPSHOTS) run

aws-local: setup  ## start the local AWS twin, for `run --with batch` without AWS; docs/aws.md
	$(BIN)/python -m localaws --env .scarcegan/aws-local.env --config .scarcegan/aws-local.toml

deploy: setup  ## deploy the flows to AWS Step Functions (TO=staging, TO=prod); DRY_RUN=1 only shows what would be
	$(BIN)/python flows/deploy.py --config $(CONFIG) --to $(TO) $(if $(DRY_RUN),--dry-run)

test: setup  ## run all fast tests
	$(BIN)/python -m pytest -m "not slow"

test-slow: setup  ## run the tests that take long
	$(BIN)/python -m pytest -m slow

check: setup scan  ## lint, format, types and scanners
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# Licences that a closed product may use; namex says Apache-2.0 in its repository alone. The rivals of `make bench` are not
# shipped: what is locked counts.
LICENCES := MIT;BSD;Apache;ISC;Python Software Foundation;PSF;MPL;Mozilla;Unlicense;CC0;0BSD;Zlib;HPND
scan: setup $(SCAN)/installed  ## templates, licences and known vulnerabilities; writes build/sbom.json
	$(BIN)/cfn-lint --regions eu-west-1 -- config/aws/stack.yaml config/aws/metadata.yaml
	$(SCAN)/bin/checkov --config-file config/scan/checkov.yaml
	$(SCAN)/bin/python config/scan/guard.py
	$(SCAN)/bin/cyclonedx-py environment -o build/sbom.json $(BIN)/python
	$(SCAN)/bin/pip-licenses --python $(BIN)/python --partial-match --allow-only "$(LICENCES)" \
	  --packages $(shell sed -n 's/^\([A-Za-z0-9._-]*\)==.*/\1/p' requirements.lock) \
	  --ignore-packages namex scarcegan --output-file build/licences.txt
	$(SCAN)/bin/python config/scan/audit.py

reference: setup  ## write docs/configuration.md anew from the settings, docs/reliability.md from the tests
	$(BIN)/python tests/docs/test_configuration.py > docs/configuration.md
	$(BIN)/python tests/docs/test_reliability.py > docs/reliability.md

format: setup  ## mend what the linter can mend
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

setup: $(INSTALLED)  ## make .venv with the locked dependencies

$(INSTALLED): requirements.lock requirements-uv.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(0 if (3, 11) <= sys.version_info < (3, 14) else \
	  "expected Python 3.11 to 3.13, got %d.%d: name another one, as in `make run PYTHON=python3.12`" % sys.version_info[:2])'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements-uv.lock
	@# Compiled here: where Python may not write bytecode, each task and card would compile Metaflow anew.
	$(BIN)/uv pip sync --quiet --compile-bytecode --python $(BIN)/python --require-hashes requirements.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	touch $@

bench: $(BENCH_INSTALLED)  ## install the rivals that only the benchmarks need

bench-neural: bench  ## install the neural rivals too: RealMLP, TabM and DevNet, with PyTorch
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --editable '.[bench-neural]'

$(BENCH_INSTALLED): $(INSTALLED) requirements-bench.lock
	$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python --require-hashes --requirements requirements-bench.lock
	touch $@

serving: $(SERVING)/installed  ## make build/serving with the serving image's TensorFlow, for one slow test

# By itself, without .venv: the test that asks for it runs in there.
$(SERVING)/installed: requirements-serving.lock
	$(PYTHON) -m venv $(SERVING)
	$(SERVING)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement $<
	touch $@

# By themselves as well: what they need does not go with what is scanned.
$(SCAN)/installed: $(INSTALLED) requirements-scan.lock
	$(PYTHON) -m venv $(SCAN)
	$(BIN)/uv pip sync --quiet --python $(SCAN)/bin/python --require-hashes requirements-scan.lock
	touch $@

lock: setup  ## resolve and pin the newest versions that pyproject.toml allows
	$(BIN)/uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --generate-hashes \
	  --no-header --quiet --upgrade --output-file requirements.lock
	$(BIN)/uv pip compile pyproject.toml --extra bench --universal --python-version 3.11 --generate-hashes \
	  --no-header --quiet --upgrade --constraints requirements.lock --output-file requirements-bench.lock
	echo 'tensorflow[and-cuda]' | $(BIN)/uv pip compile - --universal --python-version 3.11 --generate-hashes \
	  --no-header --quiet --upgrade --constraints requirements.lock --output-file requirements-gpu.lock
	printf 'checkov\ncfn_guard_rs\ncyclonedx-bom\npip-audit\npip-licenses\n' | $(BIN)/uv pip compile - --universal \
	  --python-version 3.11 --generate-hashes --no-header --quiet --upgrade --output-file requirements-scan.lock
	echo tensorflow==$(SERVING_TENSORFLOW) | $(BIN)/uv pip compile - --universal --python-version 3.11 --generate-hashes \
	  --no-header --quiet --upgrade --output-file requirements-serving.lock

features: setup  ## publish a snapshot of features of the simulated players: the feature store
	$(BIN)/python flows/features_flow.py --config config $(CONFIG) run

clean:  ## forget runs, checkpoints and simulated players; the registry stays
	rm -rf .metaflow .scarcegan/checkpoints .scarcegan/simulated

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## */\t/' | column -t -s "$$(printf '\t')"
