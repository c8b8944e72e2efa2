# make demo    install what is missing, then train FCN-8s on generated barn scenes
# make test    install what is missing, then run the tests
# make lint    check the style and the types
# make docs    build the site of the pages and the docstrings in build/site
# make bench   measure speed and memory; prints tables
.PHONY: demo test lint docs bench install install-lint install-tests install-docs

# the active environment if it has the stack, .venv otherwise; asked for when it is there
PY = "$$(bash tools/install.sh --print-python)"

demo: install
	$(PY) tools/data/make_barn.py data/barn
	BARN_ROOT=data/barn $(PY) tools/train.py configs/fcn8s_barn.py

# in the order of the folders: files of few tests that train would come last, one process idle
test: install-tests
	$(PY) -m pytest -q -n 2 --dist loadfile --no-loadscope-reorder tests

lint: install-lint
	$(PY) -m ruff check .
	$(PY) -m mypy

# any warning is an error, such as a broken link; the first page is the index, too
docs: install-docs
	$(PY) -m sphinx -E -W --keep-going -q -b html -c docs . build/site
	cp build/site/README.html build/site/index.html

bench: install
	set -e; for script in benchmarks/*.py; do echo "== $$script"; $(PY) "$$script"; done

install:
	@bash tools/install.sh

install-lint:
	@bash tools/install.sh --with-tests

install-docs:
	@bash tools/install.sh --with-docs --with-extras

install-tests:
	@bash tools/install.sh --with-tests --with-extras
