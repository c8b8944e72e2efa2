#!/usr/bin/env bash
# Which lines of requirements/constraints.txt have no wheel for a Python, such as the next one.
# Nothing is installed; packages of sources only are named as well. Needs the package index.
set -euo pipefail
# shellcheck source=tools/setup/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

case ${1:-} in 3.*) ;; *) die "name a version of Python: tools/setup/matrix.sh 3.14" ;; esac
make_scratch
python=${PYTHON:-python3} options=() line=''
for minor in 5 12 17 24 26 27 28; do options+=(--platform "manylinux_2_${minor}_x86_64"); done
{ "$python" "$REPORT" lock --python "$1" --extras; "$python" "$REPORT" pin torch; } > "$SCRATCH/list"
while read -r line; do
  "$python" -m pip install --dry-run --quiet --no-deps --only-binary=:all: --python-version "$1" \
    --platform linux_x86_64 --platform manylinux2014_x86_64 "${options[@]}" \
    --target "$SCRATCH/target" "$line" > /dev/null 2>&1 || echo "$line has no wheel for Python $1"
done < "$SCRATCH/list"
