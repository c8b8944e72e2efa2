#!/usr/bin/env bash
# Measures on a GPU: installs the kit's wheels beside the machine's torch, then runs all parts.
#
# usage: [PYTHON=python3] benchmarks/gpu/run.sh KIT OUT [--cpu] [--quick] [--only PART...]
#
# KIT comes from benchmarks/gpu/prepare.py. No network and no compiler are needed, nothing of the
# machine is changed, and it ends within 8 minutes. OUT gets results.json, table.md and log.txt.
set -euo pipefail
[ $# -ge 2 ] || { sed -n 's/^# \{0,1\}//p' "$0" | sed 1d; exit 2; }
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
kit=$(realpath -e "$1") out=$(realpath -m "$2")
shift 2
python=${PYTHON:-python3}
site=$(mktemp -d)
trap 'rm -rf -- "$site"' EXIT
# a folder, no environment: one made from an environment would not see the torch in that one
"$python" -m pip install --quiet --no-index --no-deps --no-compile --no-cache-dir --disable-pip-version-check \
  --root-user-action ignore --target "$site" "$kit"/wheels/*.whl
# many processes import the same: compiled once
unset PYTHONDONTWRITEBYTECODE
export PYTHONPATH=$site:$root:$root/benchmarks PYTHONUNBUFFERED=1 MPLBACKEND=agg
cd "$root"
"$python" -m gpu.run --kit "$kit" --out "$out" "$@"
