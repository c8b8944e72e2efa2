# Shared by tools/install.sh and tools/wheelhouse.sh; to be sourced.
# shellcheck shell=bash

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
REPORT=$ROOT/tools/setup/report.py
CONSTRAINTS=$ROOT/requirements/constraints.txt
CACHE=${XDG_CACHE_HOME:-${HOME:+$HOME/.cache}}
CACHE=${CACHE:+$CACHE/pasture}
WHEELHOUSE=''
# the versions of Python that have wheels of all that is pinned
PYTHONS=(3.10 3.11 3.12 3.13 3.14) PYTHON_RANGE='Python 3.10 to 3.14'
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1

say() { printf 'pasture: %s\n' "$*" >&2; }
die() { printf 'pasture: error: %s\n' "$*" >&2; exit 1; }

# A folder of this run, gone when it ends. Sets SCRATCH.
make_scratch() {
  SCRATCH=$(mktemp -d "${TMPDIR:-/tmp}/pasture.XXXXXX" 2>/dev/null) ||
    die "cannot write to ${TMPDIR:-/tmp}; set TMPDIR to a folder with 2 GB of free space"
  trap '[ -z "${JOB:-}" ] || kill -- "-$JOB" 2> /dev/null; rm -rf -- "$SCRATCH"' EXIT
  trap 'exit 129' HUP
  trap 'exit 130' INT
  trap 'exit 143' TERM
}

# make_cache: what lies there is installed, so nobody else may write there.
make_cache() {
  [ -n "$CACHE" ] || die 'HOME is not set, so there is no place for the cache; set XDG_CACHE_HOME to a folder of yours'
  mkdir -p "$CACHE" 2>/dev/null && [ -w "$CACHE" ] ||
    die "cannot write to the cache $CACHE; set XDG_CACHE_HOME to a folder of yours"
  local foreign
  foreign=$(find -H "$CACHE" \( ! -user "$(id -u)" -o ! -type l -perm -o+w \) -print -quit 2> /dev/null || true)
  [ -z "$foreign" ] ||
    die "$foreign belongs to another user or can be written by all, and what lies in the cache is installed; remove it, or set XDG_CACHE_HOME to a folder of yours"
}

# enter_own_folder VARIABLE...: Python looks for modules in the current folder first, and that may be
# a stranger's. The variables, which hold paths, and PYTHON become absolute.
enter_own_folder() {
  local name
  case ${PYTHON:-} in /*) ;; */*) PYTHON=$PWD/$PYTHON ;; esac
  for name in "$@"; do
    case ${!name} in '' | /*) ;; *) printf -v "$name" '%s/%s' "$PWD" "${!name}" ;; esac
  done
  cd "$ROOT/tools/setup"
}

# isolate: what `python -I` does, for every Python that is started from here on.
isolate() {
  unset PYTHONPATH PYTHONHOME
  export PYTHONNOUSERSITE=1 PYTHONSAFEPATH=1
}

# need_space FOLDER MEGABYTES WHAT: refuse before the work instead of half-way.
need_space() {
  local folder=$1 free
  while [ ! -d "$folder" ]; do folder=$(dirname "$folder"); done
  free=$(df -Pm "$folder" | awk 'NR == 2 { print $4 }')
  [ "${free:-0}" -ge "$2" ] ||
    die "$3 needs $2 MB of disk space but $folder has ${free:-0} MB; free some, or point ${4:-the folder} elsewhere"
}

# take_lock NAME: hold NAME until this process ends, so that two installations take turns.
LOCKS=()
take_lock() {
  local handle
  exec {handle}> "$CACHE/$1.lock"
  LOCKS+=("$handle")
  flock -n "$handle" && return
  say "another installation is at work on $1; waiting for it"
  flock "$handle"
}

# run_pip WHAT PYTHON ARGUMENT...: pip with its output in a log, and one line if it fails.
run_pip() {
  local what=$1 python=$2 log=$SCRATCH/pip.log
  shift 2
  say "$what"
  "$python" -m pip "$@" > "$log" 2>&1 || explain_pip "$what" "$log"
}

# explain_pip WHAT LOG: say in one line why pip failed, and stop.
explain_pip() {
  local kept
  if grep -qE 'No space left on device|Errno 28|Disk quota exceeded' "$2"; then
    die "$1: the disk is full; free some space (TMPDIR and XDG_CACHE_HOME move the large parts) and run this again"
  elif [ -n "$WHEELHOUSE" ] && grep -q 'No matching distribution' "$2"; then
    die "$1: $(missing_name "$2") is not in the wheelhouse $WHEELHOUSE; collect it again with tools/wheelhouse.sh"
  elif grep -qE 'NewConnectionError|NameResolutionError|Failed to establish|name resolution|Network is unreachable|Max retries exceeded|ProxyError|timed out|Connection (refused|reset)' "$2"; then
    die "$1: no network, pip cannot reach the package index; set HTTPS_PROXY or PIP_INDEX_URL, or collect a folder with tools/wheelhouse.sh on a connected machine and use --wheelhouse"
  elif grep -q 'DO NOT MATCH THE HASHES' "$2"; then
    die "$1: $(foreign_file "$2") is not the file that requirements/hashes.txt names, so it is not installed; take packages from pypi.org, or, where an index of yours builds its own, set PASTURE_HASHES=off"
  elif grep -q 'externally-managed-environment' "$2"; then
    die "$1: this Python belongs to the system, which does not let pip change it; leave out '--env active' and an environment is made in .venv"
  fi
  kept=$CACHE/failed.log
  cp "$2" "$kept"
  die "$1: $(grep -E '^ *(ERROR|error):' "$2" | tail -1 | cut -c1-200); the whole log is $kept"
}

missing_name() { sed -nE 's/.*No matching distribution found for ([^ ]+).*/\1/p' "$1" | tail -1; }
foreign_file() { sed -nE 's/^ *([A-Za-z0-9_.-]+==[^ ]+) .*from .*/\1/p' "$1" | tail -1; }
