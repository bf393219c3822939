# Two commands matter: `make serve` shows the site, `make test` passes every test.
# Both set up what they need inside this folder first, and a second run does only what has changed since the first.

# The Python that makes the environment, and what is installed there: REQUIREMENTS="-e .[book]" takes the newest of all.
PY ?= python3
REQUIREMENTS ?= -r requirements.txt
# Where the Python of the reader's browser comes from: an address or a folder; unset, Pyodide's public host.
PYODIDE ?=

BIN := .venv/bin
GRADING := .venv-grading/bin
DONE := _build/done
# Another PYODIDE is another JupyterLite: what has passed is remembered together with it.
LITE := $(DONE)/lite$(if $(PYODIDE),-$(firstword $(shell printf %s '$(PYODIDE)' | cksum)))
SETUP := .venv/done .venv/site site/node_modules/done

# Notebooks must run in this environment even where the user has installed a kernel of the same name, and must draw
# into the page whatever backend the user has set.
export JUPYTER_PREFER_ENV_PATH := 1
export MPLBACKEND :=
# Our matrices are small: the threads of a BLAS would only wait for each other.
export OPENBLAS_NUM_THREADS := 1
# And scikit-learn's would wait for the other core, where another notebook runs.
export OMP_NUM_THREADS := 1

files = $(shell find $(1) -type f -not -path '*/.*' -not -name '*.pyc' 2>/dev/null)
PACKAGE := $(call files,gmm_from_scratch) pyproject.toml
NOTEBOOKS := $(filter %.ipynb,$(call files,chapters))
PAGES := $(call files,chapters) intro.md _config.yml _toc.yml
SITE := $(call files,site/assets site/ext site/templates)
TESTS := $(filter-out tests/test_site.py tests/browser/% tests/grading/%,$(call files,tests))
METADATA := $(wildcard *.md CITATION.cff LICENSE*)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.SUFFIXES:
.PHONY: help setup book pdf serve test bench lint lock clean assignments grade exam slides

help: ## List the targets
	@sed -n 's/^\([a-z]*\):.*## /\1|/p' $(MAKEFILE_LIST) | while IFS='|' read -r name text; do printf '  make %-11s %s\n' "$$name" "$$text"; done

setup: ## Make the environment: Python packages and web libraries
	$(call run,$(SETUP))

book: ## Build the site into _build/html
	$(call run,$(SETUP) $(DONE)/book $(LITE) $(DONE)/zip)

pdf: book ## Print the site as one PDF; takes a minute or two, and Chromium
	$(call run,$(DONE)/pdf)

serve: book ## Build the site and serve it on this machine; PORT=8000 chooses the port
	@$(BIN)/python site/serve.py _build/html

test: ## Run every test
	$(call run,$(SETUP) $(addprefix $(DONE)/,lint unit grading notebooks book) $(LITE) $(addprefix $(DONE)/,zip site leaks browser))

# With the BLAS threads that scikit-learn and we have by default; on a busy machine, ONE_THREAD=1 counts the time of the processor.
bench: .venv/done $(if $(PEERS),.venv-peers/done) $(if $(SPARK),.venv-spark/done) ## Measure us against scikit-learn, write chapters/benchmarks.md; QUICK=1: few sizes; PEERS=1, SPARK=1: more peers; ONLY="em fit": only these
	env -u OPENBLAS_NUM_THREADS -u OMP_NUM_THREADS $(BIN)/python bench/write_page.py \
	    $(if $(QUICK),--quick) $(if $(ONE_THREAD),--one-thread) $(if $(PEERS),--peers) $(if $(SPARK),--spark) $(if $(ONLY),--only $(ONLY))

assignments: ## For teachers: make the students' versions of all assignments, with links and rubrics
	$(call run,.venv-grading/done)
	$(GRADING)/python grading/release.py

grade: ## For teachers: grade SUBMISSIONS=folder KEY=file; also ROSTER=file DUE=2026-12-01T23:59 OUT=folder WITHOUT_ISOLATION=1
	$(call run,.venv-grading/done)
	@$(GRADING)/python grading/grade.py "$(or $(SUBMISSIONS),$(error Say which folder: make grade SUBMISSIONS=folder KEY=file))" \
	    $(if $(KEY),--key "$(KEY)") $(if $(ROSTER),--roster "$(ROSTER)") $(if $(DUE),--due "$(DUE)") $(if $(OUT),--out "$(OUT)") \
	    $(if $(WITHOUT_ISOLATION),--without-isolation)

exam: ## For teachers: an exam with rubrics, in two versions: KEY=file OUT=folder
	$(call run,.venv-grading/done)
	@$(GRADING)/python grading/exam.py $(if $(KEY),--key "$(KEY)") --out "$(or $(OUT),$(error Say where: make exam KEY=file OUT=folder))"

slides: book ## Make slides from the chapters' figures, into _build/slides
	$(BIN)/python site/make_slides.py

lint: ## Check the style of the code
	$(call run,.venv/done $(DONE)/lint)

lock: .venv/done | $(DONE) ## Pin the newest versions that fit pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	@{ echo '# Made by `make lock` from pyproject.toml. Installed by `make`, by CI and by Binder.' && \
	   $(BIN)/uv pip compile pyproject.toml --extra book --universal --python-version 3.11 --fork-strategy fewest \
	       --upgrade --no-annotate --no-header --no-emit-index-url --no-emit-find-links --quiet && \
	   echo '-e .'; } > _build/requirements.txt
	mv _build/requirements.txt requirements.txt
	@{ echo '# Made by `make lock` from pyproject.toml. Installed by `make assignments`, `make grade` and CI, never by readers.' && \
	   $(BIN)/uv pip compile pyproject.toml --extra grading --universal --python-version 3.11 --fork-strategy fewest \
	       --upgrade --no-annotate --no-header --no-emit-index-url --no-emit-find-links --quiet; } > _build/requirements.txt
	mv _build/requirements.txt requirements-grading.txt

clean: ## Remove what was built; the environment in .venv and site/node_modules stays
	rm -rf _build .pytest_cache .ruff_cache .hypothesis

# Make these files one after the other: say which is at work, how long it took, or that nothing it depends on has changed.
define run
	@for step in $(1); do \
	  if $(MAKE) --question --no-print-directory $$step 2>/dev/null >&2; then echo "== $$step: unchanged, skipped"; continue; fi; \
	  echo "== $$step ..."; start=$$(date +%s); \
	  $(MAKE) --no-print-directory $$step || { echo "== $$step: FAILED after $$(($$(date +%s) - start)) s"; exit 1; }; \
	  echo "== $$step: $$(($$(date +%s) - start)) s"; \
	done
endef

.venv/done: requirements.txt pyproject.toml
	@$(PY) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed; '$(PY)' is not. Name another: make PY=python3.12"; exit 1; }
	@$(PY) -c 'import ensurepip, venv' || \
	  { echo "'$(PY) -m venv' does not work here. On Debian and Ubuntu: sudo apt-get install python3-venv"; exit 1; }
	$(PY) -m venv .venv
	$(BIN)/python -m pip install --disable-pip-version-check --progress-bar off $(REQUIREMENTS)
	@touch $@

# PyTorch and JAX are several GB. mclust is R's: it must be installed there.
.venv-peers/done: pyproject.toml
	$(PY) -m venv .venv-peers
	.venv-peers/bin/python -m pip install --quiet --editable . scikit-learn "pomegranate>=1.1,<2" "gmmx>=0.7,<1"
	@touch $@

# Spark is some 450 MB, needs Java 17, and serves one benchmark.
.venv-spark/done: pyproject.toml
	$(PY) -m venv .venv-spark
	.venv-spark/bin/python -m pip install --quiet --upgrade pip setuptools wheel
	.venv-spark/bin/python -m pip install --quiet --editable . scikit-learn "pyspark>=4,<5"
	@touch $@

# uv, since pip takes a minute and a half for these.
.venv-grading/done: requirements-grading.txt
	$(PY) -m venv .venv-grading
	$(GRADING)/python -m pip install --quiet --disable-pip-version-check uv
	$(GRADING)/uv pip install --quiet --python $(GRADING)/python -r requirements-grading.txt
	@touch $@

# What makes the extras beside the pages. Readers and Binder do without.
.venv/site: site/requirements.txt .venv/done
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r site/requirements.txt
	@touch $@

site/node_modules/done: site/package-lock.json site/install_libraries.py | .venv/done
	$(BIN)/python site/install_libraries.py
	@touch $@

# On all cores. Where it says loadfile, whole files at a time: the cells of a notebook belong together.
PYTEST := $(BIN)/python -m pytest -n auto

# The folder of the files that say what has passed.
$(DONE):
	@mkdir -p $@

$(DONE)/lint: .venv/done $(PACKAGE) $(SITE) $(wildcard site/*.py bench/*.py) $(call files,grading assignments) $(call files,tests) $(NOTEBOOKS) | $(DONE)
	$(BIN)/ruff check .
	@touch $@

$(DONE)/unit: .venv/done $(PACKAGE) $(TESTS) $(PAGES) $(METADATA) | $(DONE)
	MPLBACKEND=agg $(PYTEST) --dist loadfile --ignore=tests/test_site.py --ignore=tests/browser --ignore=tests/grading \
	    --doctest-modules --doctest-glob=README.md tests gmm_from_scratch README.md
	@touch $@

$(DONE)/grading: .venv-grading/done $(PACKAGE) $(call files,grading assignments tests/grading) tests/test_checks.py | $(DONE)
	$(GRADING)/python -m pytest -n auto --dist loadscope tests/grading
	@touch $@

# All notebooks when the package has changed, else only those that have changed themselves.
$(DONE)/notebooks: .venv/done $(PACKAGE) $(NOTEBOOKS) | $(DONE)
	$(PYTEST) --dist loadfile --nbval-lax --nbval-current-env $(if $(filter-out %.ipynb,$?),$(NOTEBOOKS),$(filter %.ipynb,$?))
	@touch $@

$(DONE)/book: $(SETUP) $(PACKAGE) $(PAGES) $(SITE) | $(DONE)
	$(BIN)/jupyter-book build . -W -n --keep-going
	@touch $@

$(LITE): $(SETUP) $(PACKAGE) $(call files,chapters released) site/build_lite.py | $(DONE)
	$(BIN)/python site/build_lite.py _build/html/lite $(PYODIDE)
	@rm -f $(DONE)/lite* && touch $@

$(DONE)/zip: $(DONE)/book site/make_zip.py
	$(BIN)/python site/make_zip.py _build/html
	@touch $@

$(DONE)/pdf: $(DONE)/book site/make_pdf.py
	$(BIN)/python site/make_pdf.py _build/html
	@touch $@

$(DONE)/site: $(DONE)/book $(LITE) $(DONE)/zip tests/test_site.py $(METADATA)
	$(PYTEST) tests/test_site.py
	@touch $@

$(DONE)/leaks: $(DONE)/book $(LITE) $(DONE)/zip .venv-grading/done $(call files,grading assignments)
	$(GRADING)/python grading/leaks.py _build/html
	@touch $@

# A machine without a browser passes the other tests; CI must have one.
$(DONE)/browser: $(DONE)/book $(LITE) $(DONE)/zip $(call files,tests/browser) site/get_pyodide.py
	@$(BIN)/python site/get_pyodide.py || test "$$CI" != true
	@if $(BIN)/python site/chromium.py; then $(PYTEST) tests/browser && touch $@; else test "$$CI" != true; fi
