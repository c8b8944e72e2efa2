# Builds pydensecrf2, which DenseCRF needs, once for each Python; to be sourced.
# The package index has only its sources. Nothing else needs it, so nothing stops without it.
# shellcheck shell=bash

# install_crf PYTHON: always succeeds, and says so where it could not be built.
install_crf() {
  local pin key wheel log
  ! "$1" -c 'import pydensecrf.densecrf' 2> /dev/null || return 0
  pin=$("$1" "$REPORT" pin pydensecrf2)
  key=${pin/==/-}-$(python_tag "$1")
  log=$CACHE/build-$key.log
  if ! wheel=$(cached_wheel "$1" "$key"); then
    if ! has_compiler; then
      say "note: no C++ compiler here: $pin is left out, which only DenseCRF needs; later: pip install -e '.[crf]'"
      return 0
    fi
    say "building $pin for DenseCRF: about a minute, once; log: $log"
    if ! build_crf "$1" > "$log" 2>&1 || ! keep_wheel "$SCRATCH"/crf/pydensecrf2-*.whl "$key"; then
      say "note: $pin could not be built ($(reason_of "$log")): DenseCRF will say so, all else works; later: pip install -e '.[crf]'"
      return 0
    fi
    wheel=$(cached_wheel "$1" "$key")
  fi
  run_pip "installing $(basename "$wheel")" "$1" install --no-index --no-deps --force-reinstall "$wheel"
}

has_compiler() { command -v "${CXX:-c++}" > /dev/null || command -v g++ > /dev/null; }

# build_crf PYTHON: its wheel in SCRATCH/crf, from the C++ files that come with the sources.
build_crf() {
  # a Cython that happens to be there, of whatever version, would translate them anew
  mkdir -p "$SCRATCH/without/Cython" &&
    echo 'raise ImportError' > "$SCRATCH/without/Cython/__init__.py" &&
    "$1" "$REPORT" pin pydensecrf2 "${HASHES[@]}" > "$SCRATCH/crf.txt" &&
    PYTHONPATH=$SCRATCH/without "$1" -m pip download --no-deps --no-build-isolation \
      --no-binary pydensecrf2 "${INDEX[@]}" -d "$SCRATCH/crf-source" -r "$SCRATCH/crf.txt" &&
    PYTHONPATH=$SCRATCH/without "$1" -m pip wheel --no-deps --no-build-isolation --no-index \
      -w "$SCRATCH/crf" "$SCRATCH"/crf-source/pydensecrf2-*
}

reason_of() { grep -iE 'error|No space left' "$1" | head -1 | cut -c1-120; }
