# Two commands for people: `make demo` and `make test`. Everything happens in .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DEMO := demo-output
BENCH_DATA ?= ../shared/data/UTKFace.tar.gz

.PHONY: help demo test format docs bench clean

help:
	@echo "make demo    install into $(VENV) and run every command once"
	@echo "make test    install into $(VENV) and run all checks and tests"
	@echo "make format  let ruff format and fix what it can"
	@echo "make docs    write docs/cli.md, the settings in docs/training.md and the numbers in the README anew"
	@echo "make bench   measure speeds as ratios (BENCH_DATA=UTKFace.tar.gz)"
	@echo "make clean   remove $(VENV) and what the demo wrote"

$(VENV)/.installed: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' \
		|| { echo "utkage needs Python 3.10 or newer; try: make $(MAKECMDGOALS) PYTHON=python3.11"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	@touch $@

demo: $(VENV)/.installed
	rm -rf $(DEMO)
	$(BIN)/utkage predict examples/*.jpg --weights shipped --save-images $(DEMO)/annotated
	$(BIN)/python -m tools.examples.demo_set $(DEMO)/chips --count 240
	$(BIN)/utkage prepare $(DEMO)/chips --out $(DEMO)/prepared
	$(BIN)/utkage train --data $(DEMO)/prepared --run $(DEMO)/run --epochs 2 --batch-size 16 --sizes 96 --device cpu
	$(BIN)/utkage evaluate --data $(DEMO)/prepared --weights $(DEMO)/run --plot-cm --out $(DEMO)/evaluation
	$(BIN)/utkage export --weights $(DEMO)/run --out $(DEMO)/demo.onnx
	@echo "done: look into $(DEMO)/annotated and $(DEMO)/evaluation"

test: $(VENV)/.installed
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m tools.docs.command_line --check
	$(BIN)/python -m tools.docs.settings --check
	$(BIN)/python -m tools.docs.model_card --check
	OMP_NUM_THREADS=1 $(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder

format: $(VENV)/.installed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(VENV)/.installed
	$(BIN)/python -m tools.docs.command_line
	$(BIN)/python -m tools.docs.settings
	$(BIN)/python -m tools.docs.numbers
	$(BIN)/python -m tools.docs.model_card

bench: $(VENV)/.installed
	$(BIN)/python -m tools.bench.data $(BENCH_DATA)
	$(BIN)/python -m tools.bench.evaluation
	$(BIN)/python -m tools.bench.engines
	$(BIN)/python -m tools.bench.predict examples --count 4

clean:
	rm -rf $(VENV) $(DEMO)
