"""Metadata of the distribution ``pasture-seg``: the packages ``plugin`` and ``pasture``.

``plugin`` is the library, ``pasture`` the commands (the folder ``tools``) with the configs. The
stack (torch, mmengine, mmcv, mmseg, mmdet) is the extra ``stack`` and no requirement: two families
of distributions provide those modules, and pip would install a second one over the first. ``import
plugin`` checks what is there.
"""
import re
from pathlib import Path

from setuptools import find_packages, setup

ROOT = Path(__file__).resolve().parent
EXTRAS = ('crf', 'demo', 'onnx', 'trackers')  # what a user may want; together the extra `all`


def read(name):
    """Text of a file of the project."""
    return (ROOT / name).read_text('utf-8')


def version():
    """Version of ``plugin``, read without importing it."""
    return re.search(r"__version__ = '([^']+)'", read('plugin/version.py')).group(1)


def lines(*names):
    """Requirements of the files of these names under ``requirements/``."""
    return [line for name in names for line in read(f'requirements/{name}.txt').splitlines()
            if line and not line.startswith('#')]


setup(
    name='pasture-seg',
    version=version(),
    description='Classic and semi-supervised segmentation for MMSegmentation and MMDetection',
    long_description=read('README.md'),
    long_description_content_type='text/markdown',
    author='The Pasture developers',
    license='Apache-2.0',
    license_files=['LICENSE'],
    keywords=['semantic segmentation', 'instance segmentation', 'semi-supervised learning',
              'livestock monitoring', 'PyTorch', 'MMSegmentation', 'MMDetection'],
    classifiers=[
        'Development Status :: 4 - Beta',
        'Environment :: Console',
        'Intended Audience :: Developers',
        'Intended Audience :: Science/Research',
        'Operating System :: POSIX :: Linux',
        'Programming Language :: Python :: 3',
        'Programming Language :: Python :: 3.10',
        'Programming Language :: Python :: 3.11',
        'Programming Language :: Python :: 3.12',
        'Topic :: Scientific/Engineering :: Artificial Intelligence',
        'Topic :: Scientific/Engineering :: Image Recognition',
        'Typing :: Typed',
    ],
    python_requires='>=3.10',
    install_requires=lines('runtime'),
    extras_require={name: lines(name) for name in ('stack', *EXTRAS, 'test')}
    | {'all': lines(*EXTRAS)},
    packages=[*find_packages(include=['plugin', 'plugin.*']),
              'pasture', 'pasture.data', 'pasture.configs'],
    package_dir={'pasture': 'tools', 'pasture.data': 'tools/data', 'pasture.configs': 'configs'},
    package_data={
        'plugin': ['py.typed'],
        'plugin.visualization.report': ['templates/*'],
        'pasture': ['dist_*.sh', 'slurm_train.sh', '_launch.sh'],
        'pasture.configs': ['**/*.py'],
    },
    entry_points={'console_scripts': ['pasture = pasture.__main__:main']},
)
