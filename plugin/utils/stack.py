"""The first thing that ``import plugin`` does: look whether the stack is there and fits.

It uses the standard library alone, so that it can speak when everything else is missing.
"""
import contextlib
import importlib
import importlib.metadata
import importlib.util
import io
import os
import re
from pathlib import Path
from typing import NamedTuple

# only a checkout has the installer
CHECKOUT = (Path(__file__).resolve().parents[2] / 'tools' / 'install.sh').is_file()


class StackError(ImportError):
    """A part of the stack is missing, too old or not whole; the text names the cure."""


class Part(NamedTuple):
    """One module of the stack.

    Attributes:
        maintained (str): Distribution that ``tools/install.sh`` and the extra ``stack`` install.
        upstream (tuple[str, ...]): Distributions that provide the same module.
        minimum (tuple[int, int]): Oldest version, major and minor, of either family.
    """

    maintained: str
    upstream: tuple[str, ...]
    minimum: tuple[int, int]


STACK: dict[str, Part] = {
    'torch': Part('torch', (), (2, 0)),
    'mmengine': Part('onedl-mmengine', ('mmengine', 'mmengine-lite'), (0, 10)),
    'mmcv': Part('onedl-mmcv', ('mmcv', 'mmcv-lite', 'mmcv-full'), (2, 0)),
    'mmseg': Part('onedl-mmsegmentation', ('mmsegmentation',), (1, 2)),
    'mmdet': Part('onedl-mmdetection', ('mmdet',), (3, 3)),
}


def installed_version(distribution: str) -> str | None:
    """Version of a distribution, or None where it is not installed."""
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


def _found(part: Part) -> dict[str, str]:
    """Distributions that provide the module, and their versions."""
    versions = {name: installed_version(name) for name in (part.maintained, *part.upstream)}
    return {name: version for name, version in versions.items() if version}


def _cure(part: Part) -> str:
    """What installs a part, ready to follow 'then' or a colon."""
    if CHECKOUT:
        return 'tools/install.sh installs it'
    return ('`pip install torch` installs it' if part.maintained == 'torch'
            else "`pip install 'pasture-seg[stack]'` installs it")


def _problem(module: str, part: Part) -> str | None:
    """What is wrong with one module, in one sentence with its cure, or None."""
    found = _found(part)
    if len(found) > 1:
        names = ' and '.join(found)
        return (f'{names} are both installed and overwrite each other in `{module}`: '
                f'`pip uninstall {" ".join(found)}`, then {_cure(part)}')
    if importlib.util.find_spec(module) is None:
        return f'`{module}` is missing: {_cure(part)}'
    # a source checkout on the path has no version to compare
    for name, version in found.items():
        numbers = tuple(int(number) for number in re.findall(r'\d+', version)[:2])
        if numbers < part.minimum:
            oldest = '.'.join(str(number) for number in part.minimum)
            return f'{name} {version} is older than {oldest}: `pip install "{name}>={oldest}"`'
    return None


def _operators_problem() -> str | None:
    """What is wrong with the operators of mmcv, or None."""
    installed = ' '.join(_found(STACK['mmcv'])) or 'mmcv'
    # torch first: the operators are linked against its libraries
    torch = importlib.import_module('torch')
    try:
        importlib.import_module('mmcv')
    except ImportError as error:
        return (f'`mmcv` does not import: {error}. If the name of a system library stands there, '
                'install it (libGL.so.1: `apt-get install libgl1`, or without a screen '
                '`pip install --force-reinstall --no-deps opencv-python-headless`)')
    try:
        # compiled, or what plugin.ops has in their place
        found = importlib.util.find_spec('mmcv._ext')
    except ImportError as error:
        return str(error)
    if found is None:
        if os.environ.get('PASTURE_OPS') != 'compiled':
            return None
        return ('PASTURE_OPS=compiled is set, but `mmcv` is here without its compiled operators '
                '(mmcv._ext): unset it to use those of plugin.ops'
                + (', or build them: tools/install.sh --compile' if CHECKOUT else ''))
    try:
        importlib.import_module('mmcv._ext')
    except ImportError as error:
        return (f'the operators of `mmcv` do not load with torch {torch.__version__} ({error}); '
                'they were built for another torch: set PASTURE_OPS=pytorch to do without them, or '
                f'`pip uninstall {installed}`, then {_cure(STACK["mmcv"])}')
    return None


def stack_problems() -> list[str]:
    """What keeps the plugin from working here.

    Returns:
        list[str]: A sentence for each problem, with its cure. Empty if all is well.
    """
    found = (_problem(module, part) for module, part in STACK.items())
    problems = [problem for problem in found if problem]
    if not problems:
        problem = _operators_problem()
        problems = [problem] if problem else []
    return problems


def check_stack() -> None:
    """Stop with the cure if a part of the stack is missing, too old or not whole.

    Both families of distributions are accepted: the maintained ones (``onedl-...``) and upstream's
    mmengine >= 0.10, mmcv >= 2.0, mmsegmentation >= 1.2, mmdet >= 3.3.

    Raises:
        StackError: Names every problem and its cure.
    """
    problems = stack_problems()
    if problems:
        listed = '\n'.join(f'  - {problem}' for problem in problems)
        raise StackError(f'Pasture cannot work in this environment:\n{listed}')


def import_stack() -> None:
    """Import mmdet and mmseg without their notes on optional data sets that nobody asked for."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        for module in ('mmdet.datasets', 'mmseg.datasets'):
            importlib.import_module(module)
    for line in printed.getvalue().splitlines():
        if 'Could not import OneDL' not in line:
            print(line)
