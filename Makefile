PYTHON ?= python3
BASE ?= main
HEAD ?= workspace
VENV := .venv
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)

.PHONY: repro recipe weights pretrain lr-find tune tune-apply drift report track sweep promote clean-experiments add-class serve monitor ab retrain label review eda test clean help

repro: $(VENV)/.requirements ## set up .venv and run the pipeline on what params.yaml names, by default scikit-learn's digits
	dvc repro

recipe: $(VENV)/.requirements ## NAME=photos SET="prepare.source=data/raw/photos epochs=5": run an experiment of recipes/; without NAME: list them
	@test -f "recipes/$(NAME)" || { test -z "$(NAME)" || echo "recipes/$(NAME): no such recipe; there are"; cd recipes && awk 'FNR == 1 { sub(/^# /, ""); printf "%-20s%s\n", FILENAME, $$0 }' *; exit 2; }
	@git diff --quiet HEAD -- params.yaml || echo "params.yaml is changed, and the recipe is laid over it: for the committed one, git checkout params.yaml"
	@set -f; set -- $(filter-out -S,$(SET)); for pair; do \
		case "$$pair" in *=*) ;; *) echo "SET: $$pair is no key=value; with blanks in it: SET='\"prepare.source=data/raw/my photos\"'"; exit 2;; esac; \
		set -- "$$@" "-S=$$pair"; shift; \
	done; dvc exp run $$(grep ^-S recipes/$(NAME)) "$$@"

eda: $(VENV)/.requirements ## WEIGHTS=models/pretrained/NAME.safetensors: what is in the images before training, and what it suggests: eda/eda.html
	dvc repro prepare
	python stages/eda.py $(if $(WEIGHTS),--weights "$(WEIGHTS)")

weights: $(VENV)/.requirements ## NAME=tf_efficientnet_lite0: fetch a network's published weights into models/pretrained
	python stages/weights.py $(if $(NAME),"$(NAME)")

pretrain: $(VENV)/.requirements ## NAME=birds: learn from images without labels as params.yaml's pretrain says, for weights: models/pretrained
	dvc repro split
	python stages/pretrain.py $(if $(NAME),--name "$(NAME)")

lr-find: $(VENV)/.requirements ## suggest a learning rate for params.yaml's model and images: lr_find/loss.png
	dvc repro split
	python stages/lr_find.py

tune: $(VENV)/.requirements-tune ## search for better parameters as tune.yaml says; run again, it goes on: tuning/<study>
	python stages/tune.py

tune-apply: $(VENV)/.requirements-tune ## TRIAL=7: put the best trial of tune.yaml's study, or that one, into the workspace
	python stages/tune.py --apply $(if $(TRIAL),--trial "$(TRIAL)")

drift: $(VENV)/.requirements ## IMAGES=data/raw/new_photos: do new images still look like the test images? drift/drift.json, drift/drift.png
	python stages/drift.py $(if $(IMAGES),"$(IMAGES)")

report: $(VENV)/.requirements ## BASE=main HEAD=workspace: what a change did, between any two revisions: report/report.md
	python stages/report.py --base $(BASE) --head $(HEAD)

sweep: $(VENV)/.requirements ## models x data sets of sweep.yaml, and which is best: leaderboard/, registry/; ONLY="cnn" DATA="digits" ARGS=--dry-run
	python stages/sweep.py $(if $(ONLY),--only $(ONLY)) $(if $(DATA),--data $(DATA)) $(ARGS)

promote: $(VENV)/.requirements ## DATA=digits STAGE=production: tag a data set's selected model for GTO, if it passes the gates
	python stages/registry.py promote --data "$(DATA)" --stage "$(STAGE)"

clean-experiments: $(VENV)/.requirements ## KEEP=3 DAYS=14: show what sweeps no longer need, ask, delete it; YES=1 does not ask
	python stages/registry.py clean $(if $(KEEP),--keep $(KEEP)) $(if $(DAYS),--days $(DAYS)) $(if $(YES),--yes)

add-class: $(VENV)/.requirements ## NAME=zebra IMAGES=data/raw/zebras: a class more from a handful of images, without training: few_shot/zebra
	python stages/add_class.py "$(NAME)" $(if $(IMAGES),"$(IMAGES)")

serve: $(VENV)/.requirements-serve ## answer over HTTP what images show, on http://127.0.0.1:8000; python stages/serve.py --help lists settings
	python stages/serve.py

monitor: $(VENV)/.requirements ## ARGS="--log LOG --feedback feedback.csv": drift and accuracy of what the service answered: monitor/monitor.html
	python stages/monitor.py $(ARGS)

ab: $(VENV)/.requirements ## ARGS="--candidate next.onnx --feedback feedback.csv": which of two models that answer side by side is better: ab/ab.html
	python stages/ab.py $(ARGS)

retrain: $(VENV)/.requirements ## ARGS=--dry-run: train again when `make monitor` saw drift or labels have come, and propose a branch: retrain/
	python stages/retrain.py $(ARGS)

label: $(VENV)/.requirements ## IMAGES=100 STRATEGY=mix: which images of the pool to label next: labels/<n>; READ=export.json: take the labels back
	python stages/label.py $(if $(IMAGES),--images "$(IMAGES)") $(if $(STRATEGY),--strategy "$(STRATEGY)") $(if $(READ),--read "$(READ)")

track: $(VENV)/.requirements ## TRACKER=mlflow RUNS="my-experiment main": hand finished runs to TensorBoard, MLflow, W&B or Comet: trackers
	python stages/track.py $(if $(TRACKER),"$(TRACKER)") $(RUNS)

review: $(VENV)/.requirements ## labels that may be wrong, with proposals to edit: review/; APPLY=review/review.csv: into the table of prepare.corrections
	python stages/review.py $(if $(MOST),--most "$(MOST)") $(if $(APPLY),--apply "$(APPLY)") $(if $(WHO),--who "$(WHO)")

test: $(VENV)/.requirements-dev ## set up .venv with the development requirements, check the style, run the tests
	ruff check
	ruff format --check
	pytest -n 2 --dist loadfile --no-loadscope-reorder

clean: ## remove .venv
	rm -rf $(VENV)

help: ## list the commands
	@awk -F ': .*## |: ## ' '/^[a-z-]+:.* ## / { printf "make %-18s%s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

$(VENV)/.requirements: requirements.txt | $(VENV)/bin/pip
	pip install -r requirements.txt
	touch $@

$(VENV)/.requirements-serve: requirements-serve.txt | $(VENV)/bin/pip
	pip install -r requirements-serve.txt
	touch $@

$(VENV)/.requirements-tune: requirements-tune.txt $(VENV)/.requirements
	pip install -r requirements-tune.txt
	touch $@

$(VENV)/.requirements-dev: requirements.txt $(wildcard requirements-*.txt) | $(VENV)/bin/pip
	pip install -r requirements-dev.txt
	touch $@ $(VENV)/.requirements $(VENV)/.requirements-serve $(VENV)/.requirements-tune

$(VENV)/bin/pip:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Sightline needs Python 3.11 or newer")'
	$(PYTHON) -m venv $(VENV)
