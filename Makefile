# The commands of the project. `make run` and `make test` do their own set-up; a second start takes seconds.

VENV ?= .venv
PYTHON ?= $(shell for name in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$name && break; done)
PY := $(VENV)/bin/python
ARGS ?=
# Much of what the tests do is waiting for processes they started: three of them keep two cores busy.
WORKERS ?= 3

# What decides without a database, and the modules that run the rest, are held to full typing.
TYPED := predictu/errors.py predictu/ids.py predictu/money.py predictu/clock.py predictu/local \
	$(wildcard operators/steps.py operators/signing.py operators/retries.py operators/http operators/api/s2s/translate.py risk/walls.py \
	risk/scoring.py reports/alerts.py predictu/metrics.py predictu/sentry.py accounts/tokens.py accounts/roles.py trading/pricing.py trading/positions.py trading/polymarket \
	billing/statement.py billing/months.py reports/cohorts.py reports/forecast.py)

# Stand-ins that satisfy the settings' refusals, so that the deployment checks see production as it would run.
PRODUCTION := PREDICTU_ENV=production SECRET_KEY=checks-0nly-abcdefghijklmnopqrstuvwxyz-ABCDEFGHIJKLMNOPQRSTUVWXYZ \
	PREDICTU_JWT_KEY=checks-0nly-jwt-abcdefghijklmnopqrstuvwxyz-ABCDEFGHIJKLMNOP \
	PREDICTU_LEDGER_ANCHOR_KEY=checks-0nly-ledger-abcdefghijklmnopqrstuvwxyz-ABCDEFG \
	PREDICTU_ENCRYPTION_KEYS=Y2hlY2tzLW9ubHktY2hlY2tzLW9ubHktY2hlY2tzLTE= ALLOWED_HOSTS=predictu.example \
	PREDICTU_CALLBACK_ALLOW_LOOPBACK=0 PREDICTU_DEMO=0 DEBUG=0

ifeq ($(shell uname),Darwin)
export DYLD_FALLBACK_LIBRARY_PATH := /opt/homebrew/lib:/usr/local/lib:/usr/lib
endif
export VENV
# Every program of the platform and of its tests starts from compiled files, whatever the shell says.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: run test lint bench stop setup setup-dev

run: setup
	@exec $(PY) -m predictu.local run

test: setup-dev
	$(PY) -m pytest -n $(WORKERS) --dist worksteal $(ARGS)

lint: setup-dev
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy $(TYPED)
	$(PY) -W ignore manage.py makemigrations --check --dry-run
	$(PRODUCTION) $(PY) manage.py check --deploy --fail-level WARNING

bench: setup-dev
	$(PY) -m tests.bench $(ARGS)

# Ends services that a killed run or test session left behind.
stop:
	$(PY) -m predictu.local stop

setup: python
	@$(PYTHON) -I predictu/local/setup.py

setup-dev: python
	@$(PYTHON) -I predictu/local/setup.py --dev

.PHONY: python
python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or later is needed, and none was found on the PATH"; exit 1; }
