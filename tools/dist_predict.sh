#!/usr/bin/env bash
# Predict with several processes, each its share of the inputs; see dist_train.sh.
set -euo pipefail
if [ $# -lt 4 ] || ! [[ "$3" =~ ^[1-9][0-9]*$ ]]; then
    echo "usage: $0 CONFIG CHECKPOINT PROCESSES INPUT... [arguments of predict.py]" >&2
    exit 2
fi
source "$(dirname "${BASH_SOURCE[0]}")/_launch.sh"
config=$1 checkpoint=$2 processes=$3
shift 3
launch "$processes" predict.py "$config" "$checkpoint" --launcher pytorch "$@"
