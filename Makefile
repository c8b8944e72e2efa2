# make demo    install what is missing, then train FCN-8s on generated barn scenes
# make test    install what is missing, then run the tests
# make lint    check the style and the types
# make bench   measure speed and memory; prints tables
.PHONY: demo test lint bench install install-lint install-tests

# the active environment if it has the stack, .venv otherwise; asked for when it is there
PY = "$$(bash tools/install.sh --print-python)"

demo: install
	$(PY) tools/data/make_barn.py data/barn
	BARN_ROOT=data/barn $(PY) tools/train.py configs/fcn8s_barn.py

test: install-tests
	$(PY) -m pytest -q -n 2 --dist loadfile tests

lint: install-lint
	$(PY) -m ruff check .
	$(PY) -m mypy

bench: install
	set -e; for script in benchmarks/*.py; do echo "== $$script"; $(PY) "$$script"; done

install:
	@bash tools/install.sh

install-lint:
	@bash tools/install.sh --with-tests

install-tests:
	@bash tools/install.sh --with-tests --with-extras
