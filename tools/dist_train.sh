#!/usr/bin/env bash
# Train with several processes, one a GPU; without GPUs they share the cores.
# Several machines: set NNODES, NODE_RANK, MASTER_ADDR and PORT on each of them.
set -euo pipefail
if [ $# -lt 2 ] || ! [[ "$2" =~ ^[1-9][0-9]*$ ]]; then
    echo "usage: $0 CONFIG PROCESSES [arguments of train.py]" >&2
    exit 2
fi
source "$(dirname "${BASH_SOURCE[0]}")/_launch.sh"
config=$1 processes=$2
shift 2
launch "$processes" train.py "$config" --launcher pytorch "$@"
