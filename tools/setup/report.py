"""What an environment holds, for ``tools/install.sh`` and ``tools/wheelhouse.sh``.

It runs before anything is installed, so it needs the standard library and pip alone.
"""
import argparse
import hashlib
import importlib
import importlib.metadata
import importlib.util
import re
import runpy
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CONSTRAINTS = ROOT / 'requirements' / 'constraints.txt'
HASHES = ROOT / 'requirements' / 'hashes.txt'
# distributions of the upstream family: the same import names, other files
UPSTREAM = ('mmcv', 'mmcv-full', 'mmcv-lite', 'mmdet', 'mmdetection', 'mmengine',
            'mmengine-lite', 'mmsegmentation')
# chosen or built by the installer itself, never taken from the list
CHOSEN = ('torch', 'onedl-mmcv', 'pydensecrf2')
# only for compiling mmcv
BUILD = ('ninja', 'psutil', 'wheel')
# what stands below these lines of the list is installed on request only
EXTRAS, DOCS = '# --- extras', '# --- docs'


def canonical(name):
    """Name of a distribution as package indexes compare it."""
    return re.sub(r'[-_.]+', '-', name).lower()


def version(name):
    """str | None: Version of a distribution in this environment."""
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        # the build for machines without a screen holds the same modules
        return version('opencv-python-headless') if name == 'opencv-python' else None


def requirements(path, python=None, until=None):
    """Requirements of a pip requirements file, as pip would read them.

    Args:
        path (Path): The file.
        python (str, optional): Python version, such as ``'3.12'``, for which the markers are
            judged. The running one by default.
        until (str, optional): The line of the file at which to stop.

    Returns:
        list[Requirement]: Those whose markers hold.
    """
    # pip is in every environment, packaging is not
    from pip._vendor.packaging.requirements import Requirement
    environment = {}
    if python:
        environment = {'python_version': python, 'python_full_version': f'{python}.0'}
    text = path.read_text('utf-8')
    text = text.partition(until)[0] if until else text
    lines = (line.split('#')[0].strip() for line in text.splitlines())
    # options such as '-e ...', which `pip freeze` writes, name no distribution
    wanted = [Requirement(line) for line in lines if line and not line.startswith('-')]
    return [item for item in wanted
            if item.marker is None or item.marker.evaluate(environment)]


def operators():
    """Path | None: mmcv's compiled operators, found without importing them."""
    spec = importlib.util.find_spec('mmcv')
    for folder in (spec.submodule_search_locations or []) if spec else []:
        for path in sorted(Path(folder).glob('_ext*.so')):
            return path
    return None


def show_missing(args):
    """Print what the requirement files name and this environment lacks."""
    for path in args.files:
        for item in requirements(path):
            if version(item.name) is None:
                print(item.name)
            elif (args.compiled and canonical(item.name) == 'onedl-mmcv'
                  and operators() is None):
                print('onedl-mmcv (it is there without compiled operators)')


def upstream():
    """str: Distributions of the upstream family in this environment, with versions."""
    return ' '.join(f'{name}=={version(name)}' for name in UPSTREAM if version(name))


def show_upstream(args):
    """Print the distributions of the upstream family, with versions."""
    print(upstream())


def show_lock(args):
    """Print the pinned list without what the installer chooses and what is there already."""
    have = {canonical(item.name) for item in requirements(args.have)} if args.have else set()
    if 'opencv-python' in have:  # the same modules
        have.add('opencv-python-headless')
    until = None if args.docs else DOCS if args.extras else EXTRAS
    for item in requirements(CONSTRAINTS, args.python, until):
        name = canonical(item.name)
        if name not in have and name not in CHOSEN and (args.compiled or name not in BUILD):
            print(f'{item.name}{item.specifier}{hashes_of(name) if args.hashes else ""}')


def hashes_of(name):
    """str: Options of a requirement that make pip compare what it fetched."""
    for line in HASHES.read_text('utf-8').splitlines():
        first, *digests = line.split()
        if first == name:
            return ''.join(f' --hash=sha256:{digest}' for digest in digests)
    raise SystemExit(f'{HASHES} has no {name}: run tools/setup/hashes.py')


def show_pin(args):
    """Print the pin of one distribution, such as ``torch==2.13.0``."""
    for item in requirements(CONSTRAINTS):
        if canonical(item.name) == args.name:
            print(f'{item.name}{item.specifier}{hashes_of(args.name) if args.hashes else ""}')


def show_fingerprint(args):
    """Print what a finished installation is recognised by."""
    names = [item.name for item in requirements(CONSTRAINTS, until=EXTRAS)]
    print('constraints', hashlib.sha256(CONSTRAINTS.read_bytes()).hexdigest()[:16])
    print('python', sys.version.split()[0], sys.prefix)
    print('upstream', upstream())
    library = operators()
    print('operators', library and f'{library.stat().st_size} {library.stat().st_mtime_ns}')
    print(*(f'{name}=={version(name)}' for name in names), sep='\n')


def find_stand_in():
    """Let mmcv find the operators of plugin/ops where it has no compiled ones."""
    # the file alone: `import plugin` imports the whole stack
    runpy.run_path(str(ROOT / 'plugin' / 'ops' / 'finder.py'))['install']()


def show_mmcv(args):
    """Print which operators mmcv has, and its version: compiled, none, or broken."""
    kind = 'none'
    if operators() is not None:
        try:
            importlib.import_module('torch')  # its libraries
            importlib.import_module('mmcv._ext')
            kind = 'compiled'
        except ImportError:
            kind = 'broken'  # compiled for another torch
    print(kind, version('onedl-mmcv'))


def show_torch(args):
    """Print torch's version, its CUDA version, whether there is a GPU, and its architecture."""
    import torch
    gpu = torch.cuda.is_available()
    arch = 'sm{}{}'.format(*torch.cuda.get_device_capability()) if gpu else 'none'
    print(torch.__version__, torch.version.cuda or 'none', 'gpu' if gpu else 'nogpu', arch)


def show_verify(args):
    """Import the stack, run one operator on each device, and print the versions."""
    import torch
    find_stand_in()
    from mmcv.ops import RoIAlign, nms
    boxes = torch.tensor([[0., 0., 8., 8.], [1., 1., 8., 8.], [20., 20., 28., 28.]])
    scores = torch.tensor([.9, .8, .7])
    devices = ['cpu']
    stand_in = hasattr(sys.modules['mmcv._ext'], 'STAND_IN')
    if (args.cuda or stand_in) and torch.cuda.is_available():
        devices.append('cuda')
    for device in devices:
        kept = nms(boxes.to(device), scores.to(device), iou_threshold=0.5)[1].tolist()
        if kept != [0, 2]:
            raise RuntimeError(f'mmcv.ops.nms on {device} kept boxes {kept} instead of [0, 2]')
        RoIAlign(2)(torch.ones(1, 1, 8, 8, device=device),
                    torch.tensor([[0., 0., 0., 4., 4.]], device=device))
    kind = 'in PyTorch' if stand_in else 'compiled'
    print(f'torch {torch.__version__}')
    for name in ('mmengine', 'mmcv', 'mmseg', 'mmdet'):
        module = importlib.import_module(name)
        note = f' (operators {kind}: {", ".join(devices)})' if name == 'mmcv' else ''
        print(f'{name} {module.__version__}{note}')
    if torch.version.cuda is None and shutil.which('nvidia-smi'):
        print(f'note: this machine has an NVIDIA driver, but torch {torch.__version__} is built '
              'without CUDA and will not use the GPU')


def main(argv=None):
    """Answer one question about the environment."""
    parser = argparse.ArgumentParser(description=__doc__)
    questions = parser.add_subparsers(required=True)
    for name, answer in (('missing', show_missing), ('upstream', show_upstream),
                         ('lock', show_lock), ('pin', show_pin), ('torch', show_torch),
                         ('mmcv', show_mmcv), ('fingerprint', show_fingerprint),
                         ('verify', show_verify)):
        question = questions.add_parser(name, help=answer.__doc__)
        question.set_defaults(answer=answer)
        if name in ('missing', 'lock'):
            question.add_argument('--compiled', action='store_true',
                                  help='for an mmcv with compiled operators')
        if name == 'missing':
            question.add_argument('files', nargs='+', type=Path)
        if name == 'lock':
            question.add_argument('--python')
            question.add_argument('--have', type=Path)
            question.add_argument('--extras', action='store_true')
            question.add_argument('--docs', action='store_true', help='the extras too')
        if name in ('lock', 'pin'):
            question.add_argument('--hashes', action='store_true')
        if name == 'pin':
            question.add_argument('name')
        if name == 'verify':
            question.add_argument('--cuda', action='store_true')
    args = parser.parse_args(argv)
    args.answer(args)


if __name__ == '__main__':
    main()
