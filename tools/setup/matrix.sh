#!/usr/bin/env bash
# Which versions work: what docs/versions.md claims was shown by this. Needs the package index.
set -euo pipefail
# shellcheck source=tools/setup/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

usage() {
  cat <<'TEXT'
usage: tools/setup/matrix.sh run PYTHON [NAME==VERSION ...]
       tools/setup/matrix.sh resolve VERSION

  run       make an environment with a Python, install into it, put the named versions (torch==2.4.1,
            numpy==2.5.5) in the place of the pinned ones, train, predict and test in it, and print a
            row of the table; PASTURE_MATRIX_TESTS=tests runs the whole suite (default: tests/ops)
  resolve   for a Python that need not be here, such as 3.14: look whether each pinned line has a
            wheel for it, and whether pip finds a set of versions for pasture-seg[stack]; run by that
            Python (PYTHON=python3.10), also whether each package takes it
TEXT
}

wheels_for() {
  local minor
  WHEELS=(--only-binary=:all: --python-version "$1" --platform linux_x86_64 --platform manylinux2014_x86_64)
  for minor in {5..28}; do WHEELS+=(--platform "manylinux_2_${minor}_x86_64"); done
}

resolve() {
  local python=${PYTHON:-python3} options name
  wheels_for "$1"
  { "$python" "$REPORT" lock --python "$1" --docs; "$python" "$REPORT" pin torch; } > "$SCRATCH/list"
  local sources=("$ROOT")
  for name in onedl-mmcv onedl-mmsegmentation onedl-mmdetection; do sources+=("$("$python" "$REPORT" pin "$name")"); done
  # what the index has as sources only becomes wheels here
  run_pip 'making wheels' "$python" wheel --no-deps --no-cache-dir -w "$SCRATCH/wheels" "${sources[@]}"
  options=("${WHEELS[@]}" --dry-run --find-links "$SCRATCH/wheels" --target "$SCRATCH/target")
  # pip compares Requires-Python with the Python that it runs on, whatever --python-version says
  [[ $("$python" -V) = "Python $1."* ]] || options+=(--ignore-requires-python)
  run_pip "looking for wheels of $(wc -l < "$SCRATCH/list") pinned lines" "$python" install "${options[@]}" --no-deps -r "$SCRATCH/list"
  run_pip 'resolving pasture-seg[stack]' "$python" install "${options[@]}" --report "$SCRATCH/report.json" 'pasture-seg[stack]'
  "$python" - "$SCRATCH/report.json" <<'PYTHON'
import json, sys

found = {item['metadata']['name']: item['metadata']['version']
         for item in json.load(open(sys.argv[1]))['install']}
print(f'every pinned line has a wheel; pasture-seg[stack] resolves to {len(found)} packages:',
      ', '.join(f'{name} {found[name]}' for name in ('torch', 'numpy', 'scipy', 'opencv-python')))
PYTHON
}

# step WHAT COMMAND...: the first one that fails ends it, with its log.
step() {
  local what=$1
  shift
  "$@" > "$SCRATCH/step.log" 2>&1 || { tail -30 "$SCRATCH/step.log" >&2; die "$what failed"; }
}

run() {
  local python=$1 env=$SCRATCH/env name torch='' others=() config options
  shift
  for name in "$@"; do case $name in torch==*) torch=$name ;; *) others+=("$name") ;; esac; done
  "$python" -m venv "$env"
  export PATH=$env/bin:$PATH
  unset VIRTUAL_ENV CONDA_PREFIX PYTHON
  TORCH=${torch:-$(python "$REPORT" pin torch)} bash "$ROOT/tools/install.sh" --env active --with-tests
  [ ${#others[@]} = 0 ] || run_pip "installing ${others[*]}" python install --no-deps "${others[@]}"
  cd "$ROOT"
  export BARN_ROOT=$SCRATCH/barn PARTITIONS=$SCRATCH/partitions
  step 'drawing scenes' python tools/data/make_barn.py "$BARN_ROOT" --scenes 16 --val 0.25 --unlabeled 8
  step 'dividing them' python tools/data/make_partition.py "$BARN_ROOT/images/train" --labels "$BARN_ROOT/labels/train" \
    --number 5 --classes BarnDataset --out "$PARTITIONS/barn/5"
  for config in fcn8s_barn u2pl_barn mask-rcnn_mnv2_barn; do
    options=(train_cfg.max_iters=4 train_cfg.val_interval=4 default_hooks.checkpoint.interval=4)
    [ $config != u2pl_barn ] || options+=(default_hooks.method.warmup=2)
    step "training $config" python tools/train.py "configs/$config.py" --work-dir "$SCRATCH/$config" \
      --cfg-options "${options[@]}"
    step "predicting with $config" python tools/predict.py "configs/$config.py" "$SCRATCH/$config/iter_4.pth" \
      "$BARN_ROOT/images/val" --out "$SCRATCH/$config/predicted"
  done
  step 'the tests' python -m pytest -q "${PASTURE_MATRIX_TESTS:-tests/ops}"
  python - "$(grep -oE '[0-9]+ passed.*' "$SCRATCH/step.log" | tail -1 | sed 's/,* *[0-9]* warnings.*//')" <<'PYTHON'
import platform, sys
import cv2, numpy, scipy, torch
print(f'| {platform.python_version()} | {torch.__version__} | {numpy.__version__} | {cv2.__version__} '
      f'| {scipy.__version__} | {sys.argv[1]} |')
PYTHON
}

case ${1:-} in
  run) [ $# -ge 2 ] || die 'name a Python: tools/setup/matrix.sh run python3.13' ;;
  resolve) [[ ${2:-} = 3.* ]] || die 'name a version of Python: tools/setup/matrix.sh resolve 3.14' ;;
  *) usage; exit 2 ;;
esac
make_scratch
make_cache
"$@"
