"""Metadata of the distribution ``pasture-seg``: the packages ``plugin`` and ``pasture``.

``plugin`` is the library, ``pasture`` the commands (the folder ``tools``) with the configs. The
stack (torch, mmengine, mmcv, mmseg, mmdet) is the extra ``stack`` and no requirement: two families
of distributions provide those modules, and pip would install a second one over the first. ``import
plugin`` checks what is there.
"""
import re
from pathlib import Path

from setuptools import Command, find_packages, setup
from setuptools.command.build import build

ROOT = Path(__file__).resolve().parent
# runs at the start of every Python of the environment, so that the tools of MMDetection find the
# operators of plugin/ops, too; `sitedir` is the folder that this line stands in
START_LINE = ("import os, importlib.machinery as im; _pasture = {'__name__': 'pasture_operators', "
              "'__file__': os.path.join(sitedir, %r)}; os.path.isfile(_pasture['__file__']) and "
              "(exec(im.SourceFileLoader('pasture_operators', _pasture['__file__'])"
              ".get_code('pasture_operators'), _pasture), _pasture['install']())\n")
# what a user may want; together the extra `all`
EXTRAS = ('crf', 'demo', 'onnx', 'trackers', 'tracking')


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


class BuildStart(Command):
    """Write ``pasture-operators.pth`` beside the packages, for an editable installation too."""

    description = 'write the file that finds the operators of mmcv at the start of Python'
    user_options = []
    editable_mode = False

    def initialize_options(self):
        self.build_lib = None

    def finalize_options(self):
        self.set_undefined_options('build', ('build_lib', 'build_lib'))

    def get_source_files(self):
        return []

    def get_outputs(self):
        return [str(Path(self.build_lib, 'pasture-operators.pth'))]

    def get_output_mapping(self):
        return {}

    def run(self):
        finder, folder = 'plugin/ops/finder.py', self.build_lib
        if self.editable_mode:
            # what is built is not installed then: it stays in the checkout
            finder = str(ROOT / finder)
            folder = self.get_finalized_command('install').install_lib
        Path(folder).mkdir(parents=True, exist_ok=True)
        Path(folder, 'pasture-operators.pth').write_text(START_LINE % finder, 'utf-8')


class BuildWithStart(build):
    """The build with one step more."""

    sub_commands = [*build.sub_commands, ('build_start', None)]


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
        'Programming Language :: Python :: 3.13',
        'Programming Language :: Python :: 3.14',
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
    cmdclass={'build': BuildWithStart, 'build_start': BuildStart},
    entry_points={'console_scripts': ['pasture = pasture.__main__:main']},
)
