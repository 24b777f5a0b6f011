# `make demo` and `make test` make .venv first; runtime/check_machine.sh says what the machine lacks.
PYTHON ?= python3
BIN := .venv/bin
SOURCES := pyproject.toml $(shell find runtime -name '*.[ch]pp' -o -name CMakeLists.txt)

.PHONY: demo test test-cpp test-arm test-python test-live test-versions fuzz interrupts lint format stub symbols bench matrix sample-data sample-bundle wheel clean
demo: .venv/.installed
	rm -rf demo
	$(BIN)/edgecv demo --data samples/data/cells --out demo

test: test-cpp test-python

test-cpp: .venv/.installed
	PATH="$(CURDIR)/$(BIN):$$PATH" tests/cpp/run

# All C++ tests on Arm of 64 and 32 bits, under QEMU; writes
# benchmarks/results/processors.md.
test-arm: .venv/.installed
	PATH="$(CURDIR)/$(BIN):$$PATH" tests/cpp/emulated/run

test-python: .venv/.installed
	$(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile

# Each reader of cameras through 20 restarts of an RTSP server, and a run of 30 minutes.
test-live: .venv/.installed
	tests/live/install
	EDGECV_LONG_LIVE=1 $(BIN)/python -m pytest -s tests/live/test_long.py

# The lowest versions that are declared, and the newest: an environment of 7 GB each, in build/versions.
test-versions: .venv/.installed
	$(BIN)/python tests/versions/run.py

# Each reader of files from elsewhere on damaged ones, MINUTES each; `make test` has a short run. As
# many at once as there are cores; JOBS=100 runs all at once. What is found lies in build/fuzz.
MINUTES ?= 5
fuzz: .venv/.installed
	OMP_NUM_THREADS=1 $(BIN)/python tests/fuzz/campaign.py $(MINUTES) $(addprefix --jobs ,$(JOBS))

# Every command that writes, ended at each of its file-system calls that changes something.
interrupts: .venv/.installed
	EDGECV_ALL_INTERRUPTS=1 $(BIN)/python -m pytest tests/interrupts

lint: .venv/.installed
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	git ls-files '*.cpp' '*.hpp' | xargs $(BIN)/clang-format --dry-run --Werror
	$(BIN)/mypy

format: .venv/.installed
	$(BIN)/ruff check --fix
	$(BIN)/ruff format
	git ls-files '*.cpp' '*.hpp' | xargs $(BIN)/clang-format -i

# The description of the extension that type checkers read.
stub: .venv/.installed
	$(BIN)/python -m nanobind.stubgen -q -m edgecv_runtime._core -o runtime/python/edgecv_runtime/_core.pyi

# What the shared C++ library exports, after a change of its interface; a test compares.
symbols: .venv/.installed
	PATH="$(CURDIR)/$(BIN):$$PATH" cmake -S runtime -B build/cpp-shared -G Ninja -DBUILD_SHARED_LIBS=ON
	$(BIN)/cmake --build build/cpp-shared --target edgecv_core
	nm -DC --defined-only build/cpp-shared/libedgecv.so | cut -d' ' -f3- | LC_ALL=C sort -u > runtime/exported_symbols.txt

bench: .venv/.installed
	$(BIN)/python benchmarks/run.py

# Full-size models of every family, built by TensorRT for RTX; no GPU needed, rows are kept.
matrix: .venv/.installed
	$(BIN)/python benchmarks/matrix.py

# samples/data again: the images and the trained bundle, from a copy of BCCD.
BCCD = $(error say where BCCD is: make $@ BCCD=DIR, the folder BCCD of github.com/Shenggan/BCCD_Dataset)
sample-data: .venv/.installed
	$(BIN)/python samples/data/select_cells.py '$(BCCD)'

sample-bundle: .venv/.installed
	$(BIN)/python samples/data/train_cells.py '$(BCCD)'

wheel: .venv/.installed
	$(BIN)/pip wheel --no-deps --no-build-isolation --wheel-dir dist .

clean:
	rm -rf build dist demo .venv

.venv/.installed: .venv/.tools $(SOURCES)
	$(BIN)/pip install --quiet --no-build-isolation --editable '.[cpu,train,export,dev]'
	touch $@

# What builds the extension, installed first so that rebuilding it is quick.
.venv/.tools: pyproject.toml
	@runtime/check_machine.sh '$(PYTHON)'
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --upgrade pip
	$(BIN)/pip install --quiet 'scikit-build-core>=0.11' 'nanobind>=3.0' 'nlohmann-json>=3.11' 'cmake>=3.18' ninja \
		'setuptools>=70.1'  # tensorrt_rtx comes as source and is built by it
	touch $@
