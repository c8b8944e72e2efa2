#!/usr/bin/env bash
# Collects what tools/install.sh needs into a folder, for machines without a network.
set -euo pipefail
# shellcheck source=tools/setup/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/setup/common.sh"

usage() {
  cat <<'TEXT'
usage: tools/wheelhouse.sh DIR [--python 3.12] [--torch torch==2.13.0 | --no-torch] [--have FILE]
                           [--with-extras] [--compile]

On a connected machine, collects wheels for Linux on x86_64 (glibc 2.28 or later). Carry DIR and the project to the other machine and run
  tools/install.sh --wheelhouse DIR
there. DIR appears whole or not at all.

  --python VERSION   Python of the other machine: 3.10 to 3.14 (default: that of this one)
  --torch SPEC       torch to collect, with its CUDA libraries (some 3 GB; default: the pinned one)
  --no-torch         the other machine has torch
  --have FILE        output of 'pip freeze' there: what it names is not collected, and stays as it
                     is when tools/install.sh --env active installs into that environment
  --with-extras      the demo in the browser, ONNX, the trackers and the scores of tracking too
  --compile          also the sources of mmcv and pydensecrf2 and what compiles them, for
                     tools/install.sh --compile and DenseCRF there
TEXT
}

parse_arguments() {
  FOLDER='' VERSION='' WITH_TORCH=1 SPEC='' HAVE='' EXTRAS=() COMPILED=()
  while [ $# -gt 0 ]; do
    case $1 in
      --python | --torch | --have)
        [ $# -ge 2 ] || die "$1 needs a value; see tools/wheelhouse.sh --help"
        case $1 in
          --python) VERSION=$2 ;;
          --torch) SPEC=$2 ;;
          --have) HAVE=$2 ;;
        esac
        shift ;;
      --no-torch) WITH_TORCH='' ;;
      --with-extras) EXTRAS=(--extras) ;;
      --compile) COMPILED=(--compiled) ;;
      -h | --help) usage; exit ;;
      -*) die "unknown argument '$1'; see tools/wheelhouse.sh --help" ;;
      *) [ -z "$FOLDER" ] || die "one folder, please: '$FOLDER' or '$1'"; FOLDER=$1 ;;
    esac
    shift
  done
  [ -n "$FOLDER" ] || die "name the folder to fill; see tools/wheelhouse.sh --help"
}

check_arguments() {
  PYTHON=${PYTHON:-python3}
  "$PYTHON" -c 'import sys, pip; sys.exit(sys.version_info < (3, 10))' 2> /dev/null ||
    die "$PYTHON is not Python 3.10 or later with pip; name one: PYTHON=python3.11 tools/wheelhouse.sh ..."
  VERSION=${VERSION:-$("$PYTHON" -c 'import sys; print("%d.%d" % sys.version_info[:2])')}
  [[ " ${PYTHONS[*]} " = *" $VERSION "* ]] || die "--python $VERSION is none of ${PYTHONS[*]}"
  SPEC=${SPEC:-$("$PYTHON" "$REPORT" pin torch)}
  [ -z "$HAVE" ] || [ -f "$HAVE" ] || die "--have $HAVE does not exist; make it there with 'pip freeze > FILE'"
  if [ -d "$FOLDER" ] && [ -n "$(ls -A "$FOLDER")" ]; then
    die "$FOLDER is not empty; remove it or name another folder"
  fi
}

# choose_target: options that make pip look for wheels of the other machine. Sets THERE.
choose_target() {
  local minor
  THERE=(--implementation cp --python-version "$VERSION" --platform linux_x86_64
    --platform manylinux1_x86_64 --platform manylinux2010_x86_64 --platform manylinux2014_x86_64)
  for minor in {5..28}; do THERE+=(--platform "manylinux_2_${minor}_x86_64"); done
}

# build_pure: packages that the index has as sources only become wheels here.
build_pure() {
  local source built
  for source in "$PART"/*.tar.gz "$PART"/*.zip; do
    [ -f "$source" ] || continue
    rm -rf "$SCRATCH/pure"
    # in isolation, where mmcv does not see torch; not from the cache of pip, which may hold a compiled one
    run_pip "building a wheel of $(basename "$source")" "$PYTHON" wheel --no-deps --no-cache-dir -w "$SCRATCH/pure" "$source"
    built=$(echo "$SCRATCH"/pure/*.whl)
    case $built in
      *-none-any.whl) mv "$built" "$PART/" && rm "$source" ;;
      *) die "$(basename "$source") has compiled parts and no wheel for Python $VERSION; run this on a machine like the other one" ;;
    esac
  done
}

collect() {
  local list=$PART/packages.txt have=()
  [ -z "$HAVE" ] || have=(--have "$HAVE")
  { echo "# python $VERSION"; "$PYTHON" "$REPORT" lock --python "$VERSION" "${have[@]}" "${EXTRAS[@]}" "${COMPILED[@]}"; } > "$list"
  run_pip "collecting packages for Python $VERSION" "$PYTHON" download --no-deps "${THERE[@]}" \
    -d "$PART" -r "$list"
  run_pip 'collecting mmcv' "$PYTHON" download --no-deps "${THERE[@]}" \
    -d "$PART" "$("$PYTHON" "$REPORT" pin onedl-mmcv)"
  build_pure
  if [ ${#COMPILED[@]} -gt 0 ]; then
    run_pip 'collecting the sources of mmcv' "$PYTHON" download --no-deps --no-binary onedl-mmcv \
      "${THERE[@]}" -d "$PART" "$("$PYTHON" "$REPORT" pin onedl-mmcv)"
    run_pip 'collecting the sources of pydensecrf2' "$PYTHON" download --no-deps \
      --no-binary pydensecrf2 "${THERE[@]}" -d "$PART" "$("$PYTHON" "$REPORT" pin pydensecrf2)"
  fi
  if [ -n "$WITH_TORCH" ]; then
    need_space "$PART" 5000 "collecting $SPEC" 'the wheelhouse'
    run_pip "collecting $SPEC and its libraries" "$PYTHON" download --only-binary=:all: \
      "${THERE[@]}" -c "$list" -d "$PART" "$SPEC"
  fi
}

main() {
  parse_arguments "$@"
  [ ! -f "$SPEC" ] || SPEC=$(realpath "$SPEC")
  enter_own_folder FOLDER HAVE
  isolate
  make_scratch
  make_cache
  check_arguments
  mkdir -p "$(dirname "$FOLDER")"
  need_space "$(dirname "$FOLDER")" 700 'the wheelhouse' 'the wheelhouse'
  # beside its place, so that the last step is one rename
  PART=$(mktemp -d "$(dirname "$FOLDER")/.wheelhouse.XXXXXX")
  trap 'rm -rf -- "$SCRATCH" "$PART"' EXIT
  choose_target
  collect
  chmod 755 "$PART"
  [ ! -d "$FOLDER" ] || rmdir "$FOLDER"
  mv -T "$PART" "$FOLDER"
  say "$FOLDER: $(find "$FOLDER" -type f | wc -l) files, $(du -sh "$FOLDER" | cut -f1), for Python $VERSION"
}

main "$@"
