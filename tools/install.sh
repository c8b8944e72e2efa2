#!/usr/bin/env bash
# Installs everything Pasture needs. Run it as often as you like: what is done is not done again.
set -euo pipefail
# shellcheck source=tools/setup/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/setup/common.sh"
# shellcheck source=tools/setup/mmcv.sh
source "$ROOT/tools/setup/mmcv.sh"
# shellcheck source=tools/setup/crf.sh
source "$ROOT/tools/setup/crf.sh"

usage() {
  cat <<'TEXT'
usage: tools/install.sh [--env auto|venv|active] [--wheelhouse DIR] [--compile [auto|cpu|cuda]]
                        [--with-extras] [--with-tests] [--with-docs] [--print-python]

Installs torch, mmengine, mmcv, mmseg, mmdet and what they need. No compiler is needed: the operators
of mmcv are those of plugin/ops. Where there is one, pydensecrf2 is built for DenseCRF.

  --env auto        the environment that is active, if it has the whole stack, which is then left
                    as it is; otherwise .venv in the project's folder (the default)
  --env venv        .venv in the project's folder, whatever is active
  --env active      the Python on the PATH, even if it lacks something: packages are added to it and
                    moved to the versions of requirements/constraints.txt, torch excepted
  --wheelhouse DIR  no network: take all from DIR, which tools/wheelhouse.sh has collected
  --compile [KIND]  compile mmcv's own operators, which a few detectors need that are not among the
                    configs here: for cuda or cpu; auto (the default) is cuda where torch sees a GPU
  --operators KIND  the same with a KIND; pytorch (the default) compiles none, and keeps those that
                    are there
  --with-extras     the demo in the browser, ONNX, the trackers and the scores of tracking too, where they are missing
  --with-tests      pytest, ruff and mypy too, where they are missing
  --with-docs       the generator of the site too, where it is missing; needs Python 3.11
  --print-python    print the Python that the installation goes to, and do nothing

  PYTHON=python3.11       makes .venv with this Python (3.10 to 3.14)
  TORCH=torch==2.13.0     the torch to install, where there is none; a torch that is there is kept.
                          If the Python for .venv has torch, .venv uses that one.
  PASTURE_ENV=auto        the same as --env
  PASTURE_HASHES=off      take packages whose sha256 is not in requirements/hashes.txt, from an index
                          that builds its own
  XDG_CACHE_HOME          the wheel of mmcv is made once and kept in $XDG_CACHE_HOME/pasture
                          (~/.cache/pasture); a compiled one for each Python, torch and CUDA version
  MAX_JOBS=4              with --compile: compilers that run at a time; fewer need less memory
  CUDA_HOME               with --compile: the CUDA toolkit

torch from PyPI contains CUDA and is large. For a machine without a GPU, the small build is at
  PIP_EXTRA_INDEX_URL=https://download.pytorch.org/whl/cpu tools/install.sh
With --compile, install on a node that has the GPU: it compiles for what is found there.
TEXT
}

parse_arguments() {
  ENVIRONMENT=${PASTURE_ENV:-auto} KIND=pytorch WITH_TESTS='' WITH_EXTRAS='' WITH_DOCS='' PRINT_PYTHON=''
  while [ $# -gt 0 ]; do
    case $1 in
      --env | --wheelhouse | --operators)
        [ $# -ge 2 ] || die "$1 needs a value; see tools/install.sh --help"
        case $1 in
          --env) ENVIRONMENT=$2 ;;
          --wheelhouse) WHEELHOUSE=$2 ;;
          --operators) KIND=$2 ;;
        esac
        shift 2
        continue ;;
      --compile)
        KIND=auto
        case ${2:-} in auto | cpu | cuda) KIND=$2; shift ;; esac ;;
      --with-extras) WITH_EXTRAS=1 ;;
      --with-tests) WITH_TESTS=1 ;;
      --with-docs) WITH_DOCS=1 ;;
      --print-python) PRINT_PYTHON=1 ;;
      -h | --help) usage; exit ;;
      *) die "unknown argument '$1'; see tools/install.sh --help" ;;
    esac
    shift
  done
  case $ENVIRONMENT in auto | venv | active) ;; *) die "--env $ENVIRONMENT is none of auto, venv, active" ;; esac
  case $KIND in
    pytorch) COMPILED=() ;;
    auto | cpu | cuda) COMPILED=(--compiled) ;;
    *) die "--operators $KIND is none of pytorch, auto, cpu, cuda" ;;
  esac
}

supported() { "$1" -c 'import sys; sys.exit(not "%d.%d" % sys.version_info[:2] in sys.argv[1:])' "${PYTHONS[@]}" 2> /dev/null; }

# find_python: the Python to make .venv with.
find_python() {
  local name
  for name in ${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11 python3.10}; do
    if supported "$name"; then command -v "$name"; return; fi
  done
  name=${PYTHON:-python3}
  die "$name is $(describe "$name"), but Pasture runs on $PYTHON_RANGE; install one of them and name it, as in PYTHON=python3.11 tools/install.sh"
}

describe() { if command -v "$1" > /dev/null; then "$1" -V 2>&1 | head -1; else echo 'not there'; fi; }

# choose_python: sets TARGET (the Python to install into) and ADOPTED (it is not ours to change).
choose_python() {
  local active=''
  ADOPTED='' TARGET=$ROOT/.venv/bin/python
  [ "$ENVIRONMENT" != venv ] || return 0
  if supported "${PYTHON:-python3}"; then
    active=$("${PYTHON:-python3}" -c 'import sys; print(sys.executable)')
  fi
  if [ "$ENVIRONMENT" = active ]; then
    [ -n "$active" ] ||
      die "the active ${PYTHON:-python3} is $(describe "${PYTHON:-python3}"), but Pasture runs on $PYTHON_RANGE; activate an environment with one of them"
    "$active" -c 'import pip' 2> /dev/null ||
      die "$active has no pip; install it: '$active -m ensurepip' or apt-get install python3-pip"
    TARGET=$active
  elif [ -n "$active" ] && [ "$active" != "$TARGET" ]; then
    choose_active "$active"
  fi
}

# choose_active PYTHON: adopt the environment that is active, if it has the whole stack.
choose_active() {
  local missing
  missing=$("$1" "$REPORT" missing "${COMPILED[@]}" "$ROOT/requirements/"{stack,runtime}.txt 2> /dev/null || echo all)
  if [ -z "$missing" ]; then
    TARGET=$1 ADOPTED=1
  elif [ -n "${VIRTUAL_ENV:-}${CONDA_PREFIX:-}" ]; then
    # the person works in that environment: two families of the stack would be confusing there
    refuse_upstream "$1" 'or leave it alone with --env venv'
  fi
}

# refuse_upstream PYTHON [CURE]
refuse_upstream() {
  local found
  found=$("$1" "$REPORT" upstream 2> /dev/null || true)
  [ -z "$found" ] || die "$1 has $found, which hold the same modules as the distributions that Pasture installs; remove them with '$1 -m pip uninstall ${found//==+([^ ])/}', ${2:-or use another environment}; to use Pasture with them as they are, 'pip install -e .' is enough"
}

# make_environment: .venv, whole. It sees the packages of its Python if torch is among them.
make_environment() {
  local python base options=()
  if "$TARGET" -c 'import pip' 2> /dev/null; then
    supported "$TARGET" || die "$ROOT/.venv has $("$TARGET" -V), and Pasture runs on $PYTHON_RANGE; remove that folder and run this again"
    return
  fi
  python=$(find_python)
  base=$("$python" -c 'import sys; print(getattr(sys, "_base_executable", sys.executable))')
  if "$base" -c 'import importlib.util as u, sys; sys.exit(u.find_spec("torch") is None)'; then
    options=(--system-site-packages)
    say "$base has torch: .venv will use it"
  fi
  say "making $ROOT/.venv with $("$python" -V)"
  "$python" -m venv --clear "${options[@]}" "$ROOT/.venv" > "$SCRATCH/venv.log" 2>&1 ||
    die "cannot make $ROOT/.venv: $(grep . "$SCRATCH/venv.log" | tail -1); on Debian and Ubuntu: apt-get install python3-venv"
}

# choose_index [PART]: where packages come from, and which. Sets INDEX, LIST and HASHES.
choose_index() {
  local wanted
  INDEX=(--retries 2 --timeout 30) LIST=$SCRATCH/list.txt HASHES=()
  # the wheels of a wheelhouse are made there, from sources too
  case $WHEELHOUSE-${PASTURE_HASHES:-on}-$(uname -sm) in
    -on-'Linux x86_64' | -on-'Linux aarch64') HASHES=(--hashes) ;;
  esac
  "$TARGET" "$REPORT" lock "${COMPILED[@]}" "${HASHES[@]}" "$@" > "$LIST"
  [ -n "$WHEELHOUSE" ] || return 0
  [ -f "$WHEELHOUSE/packages.txt" ] || die "$WHEELHOUSE is no finished wheelhouse (it has no packages.txt); collect one with tools/wheelhouse.sh"
  WHEELHOUSE=$(cd "$WHEELHOUSE" && pwd)
  wanted=$(sed -n 's/^# python //p' "$WHEELHOUSE/packages.txt")
  [ "$("$TARGET" -c 'import sys; print("%d.%d" % sys.version_info[:2])')" = "$wanted" ] ||
    die "the wheelhouse $WHEELHOUSE is for Python $wanted but $TARGET is $("$TARGET" -V); set PYTHON=python$wanted, or collect it again with --python"
  INDEX=(--no-index --find-links "$WHEELHOUSE")
  LIST=$WHEELHOUSE/packages.txt
}

# install_torch: only where there is none. Nothing after this can move it.
install_torch() {
  local wanted=${TORCH:-$("$TARGET" "$REPORT" pin torch)}
  if "$TARGET" -c 'import importlib.metadata as m; m.version("torch")' 2> /dev/null; then return; fi
  if [ -n "$WHEELHOUSE" ] && ! compgen -G "$WHEELHOUSE/torch-*.whl" > /dev/null; then
    die "neither $TARGET nor the wheelhouse has torch; collect it without --no-torch, or install into the Python that has torch: --env active"
  fi
  need_space "$ROOT" 2500 'the installation' 'the project'
  # with versions alone: hashes would be asked of every library that a torch brings
  "$TARGET" "$REPORT" lock > "$SCRATCH/versions.txt"
  run_pip "installing $wanted" "$TARGET" install "${INDEX[@]}" -c "$SCRATCH/versions.txt" "$wanted"
}

install_all() {
  # before minutes are spent; the key of the wheel is known only when torch is there
  if [ "$KIND" != pytorch ] &&
    ! compgen -G "$CACHE/wheels/mmcv-*-$(python_tag "$TARGET")-*/*.whl" > /dev/null; then
    check_toolchain "$TARGET"
  fi
  install_torch
  need_space "$ROOT" 1200 'the installation' 'the project'
  # no dependencies: the list is whole, so nothing beside it comes in
  run_pip 'installing the packages of requirements/constraints.txt' "$TARGET" \
    install "${INDEX[@]}" --no-deps -r "$LIST"
  install_mmcv
  run_pip 'installing Pasture itself' "$TARGET" \
    install --no-index --no-deps --no-build-isolation -e "$ROOT"
  install_crf "$TARGET"
}

# install_mmcv: compiled operators that are there and load are kept.
install_mmcv() {
  if [ "$KIND" = pytorch ]; then
    [ "$("$TARGET" "$REPORT" mmcv)" != "compiled $(mmcv_version "$TARGET")" ] || return 0
    ensure_pure_wheel "$TARGET"
  else
    choose_operators "$TARGET" "$KIND"
    ensure_wheel "$TARGET"
  fi
  run_pip "installing $(basename "$WHEEL")" "$TARGET" install --no-index --no-deps --force-reinstall "$WHEEL"
}

# add WHAT PART NAME...: a part of the list, if anything is missing of what requirements/NAME.txt name.
# In an environment that is not ours only that is added, and nothing is moved.
add() {
  local what=$1 part=$2 name files=() options
  shift 2
  for name in "$@"; do files+=("$ROOT/requirements/$name.txt"); done
  [ -n "$("$TARGET" "$REPORT" missing "${files[@]}")" ] || return 0
  choose_index "$part"
  if [ -n "$ADOPTED" ]; then
    "$TARGET" -m pip list --format=freeze --exclude-editable > "$SCRATCH/there.txt"
    options=(-c "$SCRATCH/there.txt" "${files[@]/#/-r}")
  else
    need_space "$ROOT" 700 "installing $what" 'the project'
    options=(--no-deps -r "$LIST")
  fi
  run_pip "installing $what" "$TARGET" install "${INDEX[@]}" "${options[@]}"
}

finished() {
  [ -f "$STAMP" ] && [ "$(cat "$STAMP")" = "$("$TARGET" "$REPORT" fingerprint)" ] || return 1
  # compiled operators are asked for where there are none
  [ "$KIND" = pytorch ] || [ -z "$("$TARGET" "$REPORT" missing --compiled "$ROOT/requirements/stack.txt")" ]
}

# cure_broken: what to do about an environment that does not work. One that is adopted is not ours.
cure_broken() {
  if [ -z "$ADOPTED" ]; then
    echo 'remove that environment and run this again'
  elif [[ $("$TARGET" "$REPORT" mmcv 2> /dev/null) = broken* ]]; then
    echo "its mmcv was compiled for another torch: '$TARGET -m pip uninstall onedl-mmcv' and run 'tools/install.sh --env active', or leave it alone with --env venv"
  else
    echo 'mend that environment, or leave it alone with --env venv'
  fi
}

# finish: import all of it; only what works is marked as finished.
finish() {
  local options=()
  [ "${OPERATORS:-}" = cuda ] && options=(--cuda)
  "$TARGET" "$REPORT" verify "${options[@]}" > "$SCRATCH/verify" 2> "$SCRATCH/verify.log" ||
    die "the installation in $TARGET does not work: $(tail -1 "$SCRATCH/verify.log"); $(cure_broken)"
  sed 's/^/pasture: /' "$SCRATCH/verify"
  "$TARGET" "$REPORT" fingerprint > "$SCRATCH/stamp"
  { cp "$SCRATCH/stamp" "$STAMP.$$" && mv "$STAMP.$$" "$STAMP"; } 2> /dev/null || [ -n "$ADOPTED" ] ||
    die "cannot write $STAMP; make the environment writable for you"
}

main() {
  parse_arguments "$@"
  [ ! -f "${TORCH:-}" ] || TORCH=$(realpath "$TORCH")
  enter_own_folder WHEELHOUSE
  # the packages of an active environment may come by PYTHONPATH, as from the modules of a cluster
  [ "$ENVIRONMENT" != venv ] || isolate
  choose_python
  [ "$TARGET" != "$ROOT/.venv/bin/python" ] || isolate
  if [ -n "$PRINT_PYTHON" ]; then echo "$TARGET"; return; fi
  make_scratch
  make_cache
  if [ -z "$ADOPTED" ]; then take_lock "environment-$(cksum <<< "$TARGET" | cut -d' ' -f1)"; fi
  if [ "$ENVIRONMENT" != active ] && [ -z "$ADOPTED" ]; then make_environment; fi
  STAMP=$("$TARGET" -c 'import sys; print(sys.prefix)')/pasture.installed
  if ! finished; then
    refuse_upstream "$TARGET"
    choose_index
    if [ -z "$ADOPTED" ]; then install_all; fi
    finish
  fi
  if [ -n "$WITH_TESTS" ]; then add 'pytest, ruff and mypy' --extras test; fi
  if [ -n "$WITH_EXTRAS" ]; then add 'the demo, ONNX, the trackers and the scores of tracking' --extras demo onnx trackers tracking; fi
  if [ -n "$WITH_DOCS" ]; then add 'the generator of the site' --docs docs; fi
  say "ready: $TARGET"
}

shopt -s extglob
KIND=pytorch COMPILED=() HASHES=()
# sourced, it only defines its functions
if [ "${BASH_SOURCE[0]}" = "$0" ]; then main "$@"; fi
