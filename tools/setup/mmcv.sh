# Makes the wheel of onedl-mmcv; to be sourced. The package index has only its sources.
# Built in isolation they come out without operators in six seconds, because torch is not at hand
# then: those of plugin/ops serve. On request they are compiled, once for each Python, torch and CUDA.
# shellcheck shell=bash

# choose_operators PYTHON WANTED(auto|cpu|cuda): sets TORCH_VERSION, OPERATORS and WHEEL_KEY.
choose_operators() {
  local facts cuda gpu arch
  facts=$("$1" "$REPORT" torch 2> "$SCRATCH/torch.log") ||
    die "torch does not start: $(tail -1 "$SCRATCH/torch.log"); install it again, or remove the environment and run this again"
  read -r TORCH_VERSION cuda gpu arch <<< "$facts"
  OPERATORS=cpu
  case $2 in
    cuda) OPERATORS=cuda ;;
    auto) if [ "$gpu" = gpu ] || [ "${FORCE_CUDA:-0}" = 1 ]; then OPERATORS=cuda; fi ;;
  esac
  WHEEL_KEY=mmcv-$(mmcv_version "$1")-$(python_tag "$1")-torch$TORCH_VERSION-cpu
  if [ "$OPERATORS" = cuda ]; then
    [ "$cuda" != none ] ||
      die "CUDA operators were asked for, but torch $TORCH_VERSION is built without CUDA; install a CUDA build of torch first, or leave out --compile"
    [ "$arch" = none ] && arch=${TORCH_CUDA_ARCH_LIST:-all}
    WHEEL_KEY=${WHEEL_KEY%-cpu}-cuda$cuda-$(tr -c 'A-Za-z0-9.+\n' _ <<< "$arch")
    TORCH_CUDA=$cuda
  fi
}

mmcv_version() { "$1" "$REPORT" pin onedl-mmcv | sed 's/.*==//'; }
python_tag() { "$1" -c 'import sys; print("cp%d%d" % sys.version_info[:2])'; }

# cached_wheel PYTHON [KEY]: the wheel of KEY (WHEEL_KEY), if it is there and whole. A broken one is
# removed.
cached_wheel() {
  local wheel
  for wheel in "$CACHE/wheels/${2:-$WHEEL_KEY}"/*.whl; do
    [ -f "$wheel" ] || return 1
    "$1" -m zipfile -t "$wheel" > /dev/null 2>&1 && printf '%s\n' "$wheel" && return
    say "the cached $wheel is damaged; making it again"
    rm -f -- "$wheel"
  done
  return 1
}

# ensure_pure_wheel PYTHON: sets WHEEL to mmcv's wheel without operators, the same for every Python.
ensure_pure_wheel() {
  local pin
  pin=$("$1" "$REPORT" pin onedl-mmcv)
  WHEEL_KEY=mmcv-${pin#*==}-pure
  WHEEL=$(cached_wheel "$1") && return
  take_lock "$WHEEL_KEY"
  WHEEL=$(cached_wheel "$1") && return  # the other installation has made it
  # not from the cache of pip, which may hold a compiled one; a wheelhouse has the wheel itself
  "$1" "$REPORT" pin onedl-mmcv "${HASHES[@]}" > "$SCRATCH/mmcv.txt"
  run_pip "making a wheel of mmcv ${pin#*==}, once" "$1" wheel --no-deps --no-cache-dir \
    "${INDEX[@]}" -w "$SCRATCH/wheel" -r "$SCRATCH/mmcv.txt"
  WHEEL=$(echo "$SCRATCH"/wheel/onedl_mmcv-*.whl)
  case $WHEEL in *-none-any.whl) ;; *) die "$(basename "$WHEEL") is no wheel for every Python; use --compile" ;; esac
  keep_wheel "$WHEEL" "$WHEEL_KEY"
  WHEEL=$CACHE/wheels/$WHEEL_KEY/$(basename "$WHEEL")
}

# check_toolchain PYTHON: a compiler and the headers, before minutes are spent.
check_toolchain() {
  local compiler=${CXX:-c++} include version
  command -v "${compiler%% *}" > /dev/null ||
    die "no C++ compiler ($compiler) to compile mmcv's operators with; leave out --compile, or install one: apt-get install g++ (Debian, Ubuntu) or dnf install gcc-c++ (Fedora, RHEL)"
  echo 'int main() { return 0; }' > "$SCRATCH/try.cpp"
  $compiler -std=c++17 -fsyntax-only "$SCRATCH/try.cpp" 2> /dev/null ||
    die "$compiler cannot compile C++17; install g++ 9 or later and set CXX to it"
  include=$("$1" -c 'import sysconfig; print(sysconfig.get_path("include"))')
  version=$("$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
  [ -f "$include/Python.h" ] ||
    die "the headers of Python $version are missing ($include/Python.h); install them: apt-get install python$version-dev (Debian, Ubuntu) or dnf install python$version-devel (Fedora, RHEL)"
}

# find_nvcc: CUDA's compiler, where torch looks for it.
find_nvcc() {
  local home=${CUDA_HOME:-${CUDA_PATH:-}}
  if [ -n "$home" ]; then
    [ -x "$home/bin/nvcc" ] && printf '%s\n' "$home/bin/nvcc"
    return
  fi
  command -v nvcc || { [ -x /usr/local/cuda/bin/nvcc ] && echo /usr/local/cuda/bin/nvcc; }
}

check_cuda() {
  local nvcc release
  nvcc=$(find_nvcc) ||
    die "there is a GPU but no CUDA compiler (nvcc) for mmcv's operators; install the CUDA toolkit ${TORCH_CUDA%%.*}.x, which torch $TORCH_VERSION is built with, and set CUDA_HOME, or leave out --compile"
  release=$("$nvcc" --version | sed -nE 's/.*release ([0-9]+)\.([0-9]+).*/\1.\2/p')
  [ "${release%%.*}" = "${TORCH_CUDA%%.*}" ] ||
    die "nvcc ($nvcc) is of CUDA $release but torch $TORCH_VERSION is built with CUDA $TORCH_CUDA; install the CUDA toolkit ${TORCH_CUDA%%.*}.x and set CUDA_HOME to it, or leave out --compile"
}

# fetch_sources PYTHON: unpack the sources of mmcv into SCRATCH/source.
fetch_sources() {
  local version pip_source
  version=$(mmcv_version "$1")
  "$1" "$REPORT" pin onedl-mmcv "${HASHES[@]}" > "$SCRATCH/mmcv.txt"
  run_pip "fetching the sources of mmcv $version" "$1" download --no-deps --no-build-isolation \
    --no-binary onedl-mmcv "${INDEX[@]}" -d "$SCRATCH/sdist" -r "$SCRATCH/mmcv.txt"
  pip_source=$(echo "$SCRATCH"/sdist/onedl_mmcv-*.tar.gz)
  mkdir -p "$SCRATCH/source"
  tar -xzf "$pip_source" -C "$SCRATCH/source" --strip-components=1
}

# use_cxx20 PYTHON: the headers of torch 2.14 and later need C++20, mmcv asks for C++17.
use_cxx20() {
  "$1" -c 'import sys; sys.exit(tuple(map(int, sys.argv[1].split(".")[:2])) < (2, 14))' \
    "$TORCH_VERSION" || return 0
  say "torch $TORCH_VERSION needs C++20: building mmcv with it instead of C++17"
  echo '#if __cplusplus < 201709L
#error
#endif
#include <concepts>' > "$SCRATCH/try20.cpp"
  ${CXX:-c++} -std=c++20 -fsyntax-only "$SCRATCH/try20.cpp" 2> /dev/null ||
    die "torch $TORCH_VERSION needs a compiler for C++20; install g++ 11 or later and set CXX to it, or use TORCH=torch==2.13.0 in a new environment"
  sed -i 's/-std=c++17/-std=c++20/g' "$SCRATCH/source/setup.py"
  grep -q -e '-std=c++20' "$SCRATCH/source/setup.py" ||
    die "mmcv's setup.py no longer names -std=c++17; use TORCH=torch==2.13.0 in a new environment"
}

# compile_wheel PYTHON: build SCRATCH/source into SCRATCH/wheel, telling how far it is.
compile_wheel() {
  local log=$CACHE/build-$WHEEL_KEY.log lock step=0
  say "building mmcv's operators for torch $TORCH_VERSION ($OPERATORS): about 10 minutes on 2 cores, once; log: $log"
  (
    # a compiler that outlives a killed installation must not keep its locks
    for lock in "${LOCKS[@]}"; do exec {lock}>&-; done
    PATH=$(dirname "$1"):$PATH
    if [ "$OPERATORS" = cuda ]; then export FORCE_CUDA=1; else export FORCE_CUDA=0 CUDA_VISIBLE_DEVICES=''; fi
    # a session of its own, so that all compilers can be stopped together
    exec setsid "$1" -m pip wheel -v --no-deps --no-build-isolation --no-index \
      -w "$SCRATCH/wheel" "$SCRATCH/source"
  ) > "$log" 2>&1 &
  JOB=$!
  while kill -0 "$JOB" 2> /dev/null; do
    sleep 1
    step=$((step + 1))
    # ninja counts the files: a sign of life every half minute
    if [ $((step % 30)) = 0 ]; then
      grep -oE '\[[0-9]+/[0-9]+\]' "$log" | tail -1 | sed 's/^/pasture:   compiled /' >&2 || true
    fi
  done
  wait "$JOB" || explain_build "$log"
  JOB=''
}

explain_build() {
  if grep -qE 'No space left on device|Disk quota exceeded' "$1"; then
    die "building mmcv: the disk is full; free some space or set TMPDIR to a folder with more, and run this again"
  elif grep -qE 'Killed signal|cannot allocate memory|virtual memory exhausted' "$1"; then
    die "building mmcv: the machine ran out of memory; run this again with MAX_JOBS=1"
  fi
  die "building mmcv: $(grep -E 'error:' "$1" | head -1 | cut -c1-200); the whole log is $1"
}

# ensure_wheel PYTHON: sets WHEEL to mmcv's wheel for this environment, building it if need be.
ensure_wheel() {
  WHEEL=$(cached_wheel "$1") && return
  check_toolchain "$1"
  if [ "$OPERATORS" = cuda ]; then check_cuda; fi
  take_lock "$WHEEL_KEY"
  WHEEL=$(cached_wheel "$1") && return  # the other installation has built it
  need_space "${TMPDIR:-/tmp}" 1500 'building mmcv' TMPDIR
  fetch_sources "$1"
  use_cxx20 "$1"
  compile_wheel "$1"
  WHEEL=$(echo "$SCRATCH"/wheel/onedl_mmcv-*.whl)
  # not `grep -q`, which would break the pipe of a long listing
  "$1" -m zipfile -l "$WHEEL" | grep 'mmcv/_ext\.' > /dev/null ||
    die "mmcv was built without its operators; see $CACHE/build-$WHEEL_KEY.log"
  keep_wheel "$WHEEL" "$WHEEL_KEY"
  WHEEL=$CACHE/wheels/$WHEEL_KEY/$(basename "$WHEEL")
}

# keep_wheel WHEEL KEY: copied beside its place, then renamed: the cache never holds half a wheel.
keep_wheel() {
  mkdir -p "$CACHE/wheels/$2" &&
    cp "$1" "$CACHE/wheels/$2/.new.$$" &&
    mv "$CACHE/wheels/$2/.new.$$" "$CACHE/wheels/$2/$(basename "$1")"
}
