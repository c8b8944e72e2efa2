#!/usr/bin/env bash
# Test with several processes; see dist_train.sh.
set -euo pipefail
if [ $# -lt 3 ] || ! [[ "$3" =~ ^[1-9][0-9]*$ ]]; then
    echo "usage: $0 CONFIG CHECKPOINT PROCESSES [arguments of test.py]" >&2
    exit 2
fi
source "$(dirname "${BASH_SOURCE[0]}")/_launch.sh"
config=$1 checkpoint=$2 processes=$3
shift 3
launch "$processes" test.py "$config" "$checkpoint" --launcher pytorch "$@"
