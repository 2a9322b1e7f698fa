# Two commands are enough for a newcomer: make demo, make test.

.DEFAULT_GOAL := help
.PHONY: help demo test storm fleet simulation faults faults-defects counterchecks sso-lab sso-server vectors check format bench bench-peers docs lock clean

# PYTHON=… says which interpreter makes .venv; otherwise the first of these that can.
CANDIDATES := $(or $(PYTHON),python3.13 python3.12 python3.11 python3)
PIP := .venv/bin/python -m pip --disable-pip-version-check --quiet install --use-pep517 --requirement
UV ?= uv
LOCK = $(UV) pip compile pyproject.toml --quiet --universal --python-version 3.11 --no-strip-extras \
	--generate-hashes --no-header --no-annotate --no-emit-index-url --no-emit-find-links

help: ## Show this list.
	@awk -F ':.*## ' '/^[a-z][a-z-]*:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: .venv/demo.stamp ## Start everything on 127.0.0.1:8000 and play the story (ONCE=1 stops after it).
	@.venv/bin/python -m bff demo $(if $(ONCE),--once)

test: .venv/dev.stamp ## Run every test but the bank test, with coverage.
	@.venv/bin/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile \
		--cov --cov-report=term:skip-covered --ignore=tests/faults tests
	@exact=$$(.venv/bin/coverage report --rcfile=tests/architecture/exact_coverage.toml) || \
		{ echo "$$exact"; echo "These need a test for each line and branch." >&2; exit 1; }

storm: .venv/dev.stamp ## Pay 10,000 times at 50 tills with repeats, voids and lost answers, then prove the books.
	@.venv/bin/python -m tests.faults.storm

simulation: .venv/dev.stamp ## Let thieves loose among 200 terminals without a network, and see what they take.
	@.venv/bin/python -m tests.simulation

fleet: .venv/demo.stamp ## Let 50 tills, 10 gates and 10 meters as processes lose lines and power, then prove the books (SEED=1).
	@.venv/bin/python -m bff fleet --chaos $(if $(SEED),--seed $(SEED))

faults: .venv/dev.stamp ## Run the bank test: kill servers under load, then check every invariant.
	@.venv/bin/python -m tests.faults.bank

faults-defects: .venv/dev.stamp ## Run the bank test once per planted defect: each must be caught.
	@.venv/bin/python -m tests.faults.defects

counterchecks: .venv/dev.stamp tests/counter/node_modules ## Compare our signed bytes with independent packages (needs npm).
	@.venv/bin/python -m tests.counter

sso-lab: .venv/dev.stamp tests/lab/node_modules .data/lab/slapd ## Sign in at real sign-on servers, through the whole application (needs npm).
	@.venv/bin/python -m tests.lab $(SERVERS)

sso-server: .venv/dev.stamp ## Put up a real CAS server with the demo's people (PORT=9402).
	@.venv/bin/python -m tests.lab serve cas $(if $(PORT),--port $(PORT))

vectors: .venv/dev.stamp clients/verifiers/js/node_modules .data/vectors/libsodium ## Run three independent readers over all code vectors (needs npm, cc).
	@.venv/bin/python -m tests.vectors

check: .venv/dev.stamp ## Lint, formatting, types and import contracts.
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/mypy
	@.venv/bin/lint-imports --no-logo

format: .venv/dev.stamp ## Put the code in its one form.
	@.venv/bin/ruff check --fix .
	@.venv/bin/ruff format .

bench: .venv/dev.stamp ## List the benchmarks; each is one command.
	@.venv/bin/python -m bench

docs: .venv/dev.stamp ## Write the tables in docs/ anew from their sources.
	@.venv/bin/python -m bff docs

tests/counter/node_modules: tests/counter/package-lock.json
	@cd tests/counter && npm ci --no-audit --no-fund --silent
	@touch $@

tests/lab/node_modules: tests/lab/package-lock.json
	@cd tests/lab && npm ci --no-audit --no-fund --silent
	@touch $@

# Unpacked, not installed: no root is needed. Where there is no Debian the lab says what to do.
.data/lab/slapd:
	@mkdir -p $@.new && cd $@.new && if command -v slapd >/dev/null || test -x /usr/sbin/slapd; then :; \
	elif command -v apt-get >/dev/null; then \
		apt-get download slapd libltdl7 libwrap0 libodbc2 2>/dev/null >&2 && \
		for package in *.deb; do dpkg -x "$$package" . || exit 1; done; rm -f *.deb; \
	fi
	@mv $@.new $@

clients/verifiers/js/node_modules: clients/verifiers/js/package-lock.json
	@command -v npm >/dev/null || { echo "make vectors needs npm (Debian: apt install npm; macOS: brew install node)" >&2; exit 1; }
	@cd clients/verifiers/js && npm ci --no-audit --no-fund --silent
	@touch $@

# Unpacked, as slapd is. Empty where the system has the headers, or where there is no Debian.
.data/vectors/libsodium:
	@mkdir -p $@.new && cd $@.new && if test -e /usr/include/sodium.h || pkg-config --exists libsodium 2>/dev/null; then :; \
	elif command -v apt-get >/dev/null; then \
		apt-get download libsodium-dev 2>/dev/null >&2 && dpkg -x libsodium-dev*.deb . && rm -f *.deb || \
		{ echo "make vectors needs libsodium-dev (apt install libsodium-dev)" >&2; exit 1; }; \
	else echo "make vectors needs libsodium (macOS: brew install libsodium pkg-config)" >&2; exit 1; \
	fi
	@mv $@.new $@

bench-peers: ## Install the Node peers of the home screen benchmark (needs npm).
	@cd bench/peers && npm ci --no-audit --no-fund

lock: ## Resolve requirements/*.txt anew (needs uv).
	@command -v $(UV) >/dev/null || { echo "make lock needs uv: https://docs.astral.sh/uv/" >&2; exit 1; }
	@$(LOCK) --upgrade --extra embedded --extra saml --extra ldap --extra test --output-file requirements/dev.txt
	@$(LOCK) --extra embedded --constraints requirements/dev.txt --output-file requirements/demo.txt

clean: ## Remove what the commands above made, .venv and demo data included.
	@rm -rf .venv .data .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage* htmlcov
	@find . -name __pycache__ -not -path './node_modules/*' -prune -exec rm -rf {} +

.venv/dev.stamp: requirements/dev.txt .venv/bin/python
	@echo "Installing the tools and libraries of requirements/dev.txt (half a minute) ..."
	@$(PIP) requirements/dev.txt
	@touch $@ .venv/demo.stamp

.venv/demo.stamp: requirements/demo.txt .venv/bin/python
	@echo "Installing the libraries of requirements/demo.txt (half a minute) ..."
	@$(PIP) requirements/demo.txt
	@touch $@

.venv/bin/python:
	@for python in $(CANDIDATES); do \
		"$$python" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue; \
		echo "Making .venv with $$python ..."; \
		"$$python" -m venv --clear .venv && exit 0; \
		rm -rf .venv; \
	done; \
	echo "No Python here can make a virtual environment (tried: $(CANDIDATES))." >&2; \
	echo "It takes Python 3.11 or newer with its venv module:" >&2; \
	echo "  Debian, Ubuntu:  apt install python3 python3-venv" >&2; \
	echo "  Fedora:          dnf install python3" >&2; \
	echo "  macOS:           brew install python" >&2; \
	echo "  another place:   make PYTHON=/path/to/python3 ..." >&2; \
	exit 1
