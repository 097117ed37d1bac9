# make repro   set up .venv and run the pipeline on the default, scikit-learn's digits
# make lr-find suggest a learning rate for params.yaml's model and images, with a plot
# make test    set up .venv with the development requirements, check the style, run the tests
PYTHON ?= python3
VENV := .venv
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)

.PHONY: repro test lr-find clean

repro: $(VENV)/.requirements
	dvc repro

lr-find: $(VENV)/.requirements
	dvc repro split
	python stages/lr_find.py

test: $(VENV)/.requirements-dev
	ruff check
	ruff format --check
	pytest

$(VENV)/.requirements: requirements.txt | $(VENV)/bin/pip
	pip install -r requirements.txt
	touch $@

$(VENV)/.requirements-dev: requirements-dev.txt requirements.txt | $(VENV)/bin/pip
	pip install -r requirements-dev.txt
	touch $@ $(VENV)/.requirements

$(VENV)/bin/pip:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Sightline needs Python 3.11 or newer")'
	$(PYTHON) -m venv $(VENV)

clean:
	rm -rf $(VENV)
