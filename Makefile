# make demo   run the whole path on a drawn slide and, where there is a display, open napari on it
# make test   check and test everything (what CI runs)
# Both set up what they need; a second call goes straight to work.

.PHONY: demo test test-full install system lint format clean
.DEFAULT_GOAL := demo

PYTHON := .venv/bin/python
STAMP := .venv/.installed
# an editable install links each shipped file, so a new one needs a new install
SHIPPED := $(shell find napari.yaml resources -type f)
# a window of our own size for the tests, else the display that is there; asked when it is needed, since
# the system libraries may only just have been installed
SCREEN = $(if $(shell command -v xvfb-run),xvfb-run -a -s "-screen 0 1600x1000x24",)
PYTEST := $(PYTHON) -m pytest

demo: install
	@tools/system_libraries.sh || echo "Going on without a window." >&2
	.venv/bin/histoalign demo --out out/demo

# one thread each: the tests run side by side, and threads that wait for each other are slow on busy machines
test test-full: export OMP_NUM_THREADS := 1

# windows are tested one after the other, on one screen; the rest on two cores
test: install system lint
	$(PYTEST) -m "not full and not window" -n 2 --dist loadfile
	$(SCREEN) $(PYTEST) -m "not full and window"

test-full: install system lint
	$(PYTEST) --timeout 3600 -m "not window" -n 2 --dist loadfile
	$(SCREEN) $(PYTEST) --timeout 3600 -m window

install: $(STAMP)

$(STAMP): pyproject.toml constraints.txt hatch_build.py tools/install.sh $(SHIPPED)
	@tools/install.sh
	@touch $@

system:
	@tools/system_libraries.sh

lint: install
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m mypy
	.venv/bin/lint-imports

format: install
	$(PYTHON) -m ruff check --fix .
	$(PYTHON) -m ruff format .

clean:
	rm -rf .venv .uv build dist out napari_histoalign/napari.yaml napari_histoalign/resources
