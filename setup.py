"""Metadata of the distribution ``pasture-seg``, whose import name is ``plugin``.

The stack (torch, mmengine, mmcv, mmseg, mmdet) is not named here on purpose: two families of
distributions provide those modules, and pip would install a second one over the first.
``import plugin`` checks what is there; ``tools/install.sh`` installs what is missing.
"""
import re
from pathlib import Path

from setuptools import find_packages, setup

ROOT = Path(__file__).resolve().parent


def version():
    """Version of ``plugin``, read without importing it."""
    text = (ROOT / 'plugin' / 'version.py').read_text('utf-8')
    return re.search(r"__version__ = '([^']+)'", text).group(1)


def lines(name):
    """Requirements of one file under ``requirements/``."""
    text = (ROOT / 'requirements' / name).read_text('utf-8')
    return [line for line in text.splitlines() if line and not line.startswith('#')]


setup(
    name='pasture-seg',
    version=version(),
    description='Classic and semi-supervised segmentation for MMSegmentation and MMDetection',
    packages=find_packages(include=['plugin', 'plugin.*']),
    python_requires='>=3.10',
    package_data={'plugin.visualization.report': ['templates/*']},
    extras_require={name: lines(f'{name}.txt')
                    for name in ('crf', 'demo', 'onnx', 'test', 'trackers')},
)
