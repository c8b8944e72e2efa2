"""Write requirements/hashes.txt: the sha256 of each file that an installation may fetch.

Run it after a change of requirements/constraints.txt; it needs the package index and some minutes.
"""
import json
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

from report import CONSTRAINTS, HASHES, canonical, requirements

PYTHONS = ('3.10', '3.11', '3.12', '3.13', '3.14')
MACHINES = ('x86_64', 'aarch64')
# the index has these as sources only
SOURCES = ('onedl-mmcv', 'onedl-mmdetection', 'onedl-mmsegmentation', 'pydensecrf2')


def files_of(pins, options):
    """Yield the name and the sha256 of the file that pip would take for each pin."""
    with tempfile.TemporaryDirectory() as folder:
        pinned, report = Path(folder, 'pins.txt'), Path(folder, 'report.json')
        pinned.write_text('\n'.join(pins), 'utf-8')
        subprocess.run([sys.executable, '-m', 'pip', 'install', '--quiet', '--dry-run', '--no-deps',
                        '--ignore-installed', '--ignore-requires-python', '--target', folder,
                        '--report', str(report), '-r', str(pinned), *options], check=True)
        for item in json.loads(report.read_text('utf-8'))['install']:
            yield (canonical(item['metadata']['name']),
                   item['download_info']['archive_info']['hashes']['sha256'])


def wheels_for(python, machine):
    """list[str]: Options that make pip look for wheels of another machine."""
    platforms = [f'manylinux2014_{machine}', f'linux_{machine}',
                 *(f'manylinux_2_{minor}_{machine}' for minor in range(5, 29))]
    return ['--only-binary=:all:', '--python-version', python,
            *(part for name in platforms for part in ('--platform', name))]


def main():
    """Collect the hashes of all Pythons and machines, and write them."""
    found = defaultdict(set)
    for python in PYTHONS:
        pins = [f'{item.name}{item.specifier}' for item in requirements(CONSTRAINTS, python)
                if canonical(item.name) not in ('torch', *SOURCES)]
        for machine in MACHINES:
            for name, digest in files_of(pins, wheels_for(python, machine)):
                found[name].add(digest)
            print(f'{len(pins)} pins for Python {python} on {machine}', flush=True)
    pins = [f'{item.name}{item.specifier}' for item in requirements(CONSTRAINTS)]
    for name, digest in files_of([pin for pin in pins if pin.split('==')[0] in SOURCES],
                                 ['--no-binary', ','.join(SOURCES)]):
        found[name].add(digest)
    lines = ['# sha256 of the files of constraints.txt, made by tools/setup/hashes.py']
    lines += [' '.join([name, *sorted(digests)]) for name, digests in sorted(found.items())]
    HASHES.write_text('\n'.join(lines) + '\n', 'utf-8')


if __name__ == '__main__':
    main()
