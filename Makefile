PYTHON ?= python3
BASE ?= main
HEAD ?= workspace
VENV := .venv
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)

# recipes read these from the environment, as they were given: make would expand a $, and the shell quotes, within them
GIVEN := NAME SET WEIGHTS TRIAL IMAGES BASE HEAD ONLY DATA STAGE KEEP DAYS YES STRATEGY READ TRACKER RUNS MOST APPLY WHO ARGS
$(foreach name,$(GIVEN),$(eval override $(name) := $$(value $(name))))
export $(GIVEN)

# $(call arguments,SET): makes the words in a variable, some maybe in quotes, the arguments of the shell
define arguments
set -f; IFS=$$(printf '\nx'); IFS=$${IFS%x}; \
	list=$$(printf '%s' "$$$(1)" | xargs -n1 printf '%s\n') || { echo "$(1): a quote in it is not closed"; exit 2; }; \
	set -- $$list; unset IFS
endef

# $(call needed,NAME,zebra): ends with a line where a variable is empty
define needed
test -n "$$$(1)" || { echo "$(1) is missing: make $@ $(2)"; exit 2; }
endef

.PHONY: repro recipe weights pretrain lr-find tune tune-apply drift report track sweep promote clean-experiments add-class serve monitor ab retrain label review eda test clean help

repro: $(VENV)/.requirements ## set up .venv and run the pipeline on what params.yaml names, by default scikit-learn's digits
	dvc repro

recipe: $(VENV)/.requirements ## NAME=photos SET="prepare.source=data/raw/photos epochs=5": run an experiment of recipes/; without NAME: list them
	@test -f "recipes/$$NAME" || { test -z "$$NAME" || printf '%s\n' "recipes/$$NAME: no such recipe; there are"; cd recipes && awk 'FNR == 1 { sub(/^# /, ""); printf "%-20s%s\n", FILENAME, $$0 }' *; exit 2; }
	@git diff --quiet HEAD -- params.yaml || echo "params.yaml is changed, and the recipe is laid over it: for the committed one, git checkout params.yaml"
	@$(call arguments,SET); for pair; do shift; case "$$pair" in \
		-S) ;; \
		*=*) set -- "$$@" "-S=$$pair";; \
		*) printf '%s\n' "SET: $$pair is no key=value; with blanks in it: SET='\"prepare.source=data/raw/my photos\"'"; exit 2;; \
	esac; done; dvc exp run $$(grep ^-S "recipes/$$NAME") "$$@"

eda: $(VENV)/.requirements ## WEIGHTS=models/pretrained/NAME.safetensors: what is in the images before training, and what it suggests: eda/eda.html
	dvc repro prepare
	@python stages/eda.py $${WEIGHTS:+--weights "$$WEIGHTS"}

weights: $(VENV)/.requirements ## NAME=tf_efficientnet_lite0: fetch a network's published weights into models/pretrained
	@$(call needed,NAME,NAME=tf_efficientnet_lite0)
	@python stages/weights.py "$$NAME"

pretrain: $(VENV)/.requirements ## NAME=birds: learn from images without labels as params.yaml's pretrain says, for weights: models/pretrained
	dvc repro split
	@python stages/pretrain.py $${NAME:+--name "$$NAME"}

lr-find: $(VENV)/.requirements ## suggest a learning rate for params.yaml's model and images: lr_find/loss.png
	dvc repro split
	python stages/lr_find.py

tune: $(VENV)/.requirements-tune ## search for better parameters as tune.yaml says; run again, it goes on: tuning/<study>
	python stages/tune.py

tune-apply: $(VENV)/.requirements-tune ## TRIAL=7: put the best trial of tune.yaml's study, or that one, into the workspace
	@python stages/tune.py --apply $${TRIAL:+--trial "$$TRIAL"}

drift: $(VENV)/.requirements ## IMAGES=data/raw/new_photos: do new images still look like the test images? drift/drift.json, drift/drift.png
	@$(call needed,IMAGES,IMAGES=data/raw/new_photos)
	@python stages/drift.py "$$IMAGES"

report: $(VENV)/.requirements ## BASE=main HEAD=workspace: what a change did, between any two revisions: report/report.md
	@python stages/report.py --base "$$BASE" --head "$$HEAD"

sweep: $(VENV)/.requirements ## models x data sets of sweep.yaml, and which is best: leaderboard/, registry/; ONLY="cnn" DATA="digits" ARGS=--dry-run
	@$(call arguments,ARGS); python stages/sweep.py $${ONLY:+--only $$ONLY} $${DATA:+--data $$DATA} "$$@"

promote: $(VENV)/.requirements ## DATA=digits STAGE=production: tag a data set's selected model for GTO, if it passes the gates
	@$(call needed,DATA,DATA=digits STAGE=production)
	@$(call needed,STAGE,DATA=digits STAGE=production)
	@python stages/registry.py promote --data "$$DATA" --stage "$$STAGE"

clean-experiments: $(VENV)/.requirements ## KEEP=3 DAYS=14: show what sweeps no longer need, ask, delete it; YES=1 does not ask
	@python stages/registry.py clean $${KEEP:+--keep "$$KEEP"} $${DAYS:+--days "$$DAYS"} $${YES:+--yes}

add-class: $(VENV)/.requirements ## NAME=zebra IMAGES=data/raw/zebras: a class more from a handful of images, without training: few_shot/zebra
	@$(call needed,NAME,NAME=zebra IMAGES=data/raw/zebras)
	@$(call needed,IMAGES,NAME=zebra IMAGES=data/raw/zebras)
	@python stages/add_class.py "$$NAME" "$$IMAGES"

serve: $(VENV)/.requirements-serve ## answer over HTTP what images show, on http://127.0.0.1:8000; python stages/serve.py --help lists settings
	python stages/serve.py

monitor: $(VENV)/.requirements ## ARGS="--log LOG --feedback feedback.csv": drift and accuracy of what the service answered: monitor/monitor.html
	@$(call arguments,ARGS); python stages/monitor.py "$$@"

ab: $(VENV)/.requirements ## ARGS="--candidate next.onnx --feedback feedback.csv": which of two models that answer side by side is better: ab/ab.html
	@$(call arguments,ARGS); python stages/ab.py "$$@"

retrain: $(VENV)/.requirements ## ARGS=--dry-run: train again when `make monitor` saw drift or labels have come, and propose a branch: retrain/
	@$(call arguments,ARGS); python stages/retrain.py "$$@"

label: $(VENV)/.requirements ## IMAGES=100 STRATEGY=mix: which images of the pool to label next: labels/<n>; READ=export.json: take the labels back
	@python stages/label.py $${IMAGES:+--images "$$IMAGES"} $${STRATEGY:+--strategy "$$STRATEGY"} $${READ:+--read "$$READ"}

track: $(VENV)/.requirements ## TRACKER=mlflow RUNS="my-experiment main": hand finished runs to TensorBoard, MLflow, W&B or Comet: trackers
	@$(call arguments,RUNS); python stages/track.py $${TRACKER:+"$$TRACKER"} "$$@"

review: $(VENV)/.requirements ## labels that may be wrong, with proposals to edit: review/; APPLY=review/review.csv: into the table of prepare.corrections
	@python stages/review.py $${MOST:+--most "$$MOST"} $${APPLY:+--apply "$$APPLY"} $${WHO:+--who "$$WHO"}

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
