# Two commands matter: `make run` and `make test`. Both set themselves up in .venv.
PYTHON ?= python3
VENV := .venv
STAMP := $(VENV)/.installed

.PHONY: run test lint types reference benchmark-decoder campaign-fuzz campaign-noise campaign-powercut campaign-kill campaign-faults campaign-storm campaign-load campaign-planted clean
run: $(STAMP)
	$(VENV)/bin/yobirin run --demo

test: $(STAMP)
	./.ci/test

$(STAMP): setup.cfg pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Yobirin needs Python 3.11 or later; '$(PYTHON)' is older. Install it, or: make PYTHON=python3.12 run"; exit 2; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "python3-venv is missing; install it: sudo apt-get install -y python3-venv"; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --upgrade pip
	$(VENV)/bin/pip install --quiet --editable '.[demo,test,dev]'
	@touch $(STAMP)

lint: $(STAMP)
	$(VENV)/bin/ruff check . && $(VENV)/bin/ruff format --check .

types: $(STAMP)
	$(VENV)/bin/mypy

reference: $(STAMP)
	$(VENV)/bin/python docs/reference/generate_cli.py

benchmark-decoder: $(STAMP)
	$(VENV)/bin/python benchmarks/decoder_reports.py --frames $(or $(FRAMES),20) --hours $(or $(HOURS),1)

campaign-fuzz: $(STAMP)
	$(VENV)/bin/python -m benchmarks.fuzz $(or $(TARGET),all) --seconds $(or $(SECONDS),300) --seed $(or $(SEED),1)

campaign-noise: $(STAMP)
	$(VENV)/bin/python -m benchmarks.noise --samples $(or $(SAMPLES),1000000000) --seed $(or $(SEED),1)

campaign-powercut: $(STAMP)
	$(VENV)/bin/python -m campaigns.power_cut --cuts $(or $(N),100000) --seed $(or $(SEED),1)

campaign-storm: $(STAMP)
	$(VENV)/bin/python -m campaigns.storm --seeds $(or $(N),3) --seed $(or $(SEED),1)

campaign-load: $(STAMP)
	$(VENV)/bin/python -m campaigns.load --devices $(or $(N),10000) --seed $(or $(SEED),1)

campaign-kill: $(STAMP)
	$(VENV)/bin/python -m campaigns.kill --kills $(or $(N),300) --seed $(or $(SEED),1)
	$(VENV)/bin/python -m campaigns.crash_points
	$(VENV)/bin/python -m campaigns.centre_points

campaign-faults: $(STAMP)
	$(VENV)/bin/python -m campaigns.faults $(ROW)

campaign-planted: $(STAMP)
	$(VENV)/bin/python -m campaigns.planted $(NAME)

clean:
	rm -rf $(VENV) build *.egg-info .pytest_cache .mypy_cache .ruff_cache
