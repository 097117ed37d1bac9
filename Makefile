# make repro   set up .venv and run the pipeline on the default, scikit-learn's digits
# make lr-find suggest a learning rate for params.yaml's model and images, with a plot
# make test    set up .venv with the development requirements, check the style, run the tests
# make drift   IMAGES=data/raw/new_photos: do new images still look like the test images? drift/drift.json, drift/drift.png
# make report  BASE=main HEAD=workspace: report/report.md tells what a change did, between any two revisions
PYTHON ?= python3
BASE ?= main
HEAD ?= workspace
VENV := .venv
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)

.PHONY: repro lr-find drift test report clean

repro: $(VENV)/.requirements
	dvc repro

lr-find: $(VENV)/.requirements
	dvc repro split
	python stages/lr_find.py

drift: $(VENV)/.requirements
	python stages/drift.py $(if $(IMAGES),"$(IMAGES)")

test: $(VENV)/.requirements-dev
	ruff check
	ruff format --check
	pytest -n 2 --dist loadfile

report: $(VENV)/.requirements
	python stages/report.py --base $(BASE) --head $(HEAD)

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
