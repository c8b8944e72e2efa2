# Sourced by dist_train.sh, dist_test.sh and dist_predict.sh.

launch() {  # processes, tool, arguments: start the tool that many times
    local processes=$1 tool
    tool="$(dirname "${BASH_SOURCE[0]}")/$2"
    shift 2
    # the cores are shared out; PyTorch would take all of them in every process
    local cores
    cores=$(nproc 2>/dev/null || echo 1)
    export OMP_NUM_THREADS="${OMP_NUM_THREADS:-$((cores > processes ? cores / processes : 1))}"
    local meeting=(--standalone)  # one machine: any free port
    if [ "${NNODES:-1}" -gt 1 ]; then
        : "${MASTER_ADDR:?name the first machine, e.g. MASTER_ADDR=10.0.0.1}"
        meeting=(--nnodes="$NNODES" --node_rank="${NODE_RANK:-0}"
                 --master_addr="$MASTER_ADDR" --master_port="${PORT:-29500}")
    fi
    exec "${PYTHON:-python}" -m torch.distributed.run "${meeting[@]}" \
        --nproc_per_node="$processes" "$tool" "$@"
}
