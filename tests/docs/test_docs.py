"""Every command and every config of the pages for people works, on small data."""
import importlib.metadata
import importlib.util
import multiprocessing
import os
import re
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
import torch

from plugin.utils.config import load_config
from tests.helpers import forked
from tests.helpers.pages import PAGES, ROOT, blocks_of, file_of, lines_of, parse
from tests.helpers.ports import free_port
from tests.helpers.small_kfold import Trainer, pretend
from tests.helpers.small_project import make_project, smaller, write

# what is changed in a command before it runs; all others run as they stand
CHANGES = [
    # trainings have two iterations
    (r'iter_800\.pth', 'iter_2.pth'),
    (r'max_iters=300 train_cfg.val_interval=150', 'max_iters=2 train_cfg.val_interval=2'),
    # what was drawn by small_project.py
    (r'make_barn\.py data/barn$', r'\g<0> --scenes 14 --val 0.3 --size 64 96 --unlabeled 3'),
    (r'--tile 1024 --overlap 128', '--tile 64 --overlap 16'),
    (r'/path/to/', 'data/'),
    # there is no GPU: the same training as of the small network
    (r'mask-rcnn_swin-t_cattle.py --auto-batch', 'mask-rcnn_mnv2_cattle.py'),
    # that needs 5 GB
    (r'wheels --python 3\.12', r'\g<0> --no-torch'),
    # two cores
    (r'(dist_\w+\.sh configs/fcn8s_r50_voc\.py(?: \S+pth)?) [48]', r'\1 2'),
    (r'--folds 5', '--folds 2'),
]


class Typist:
    """Types commands in a small project, each once.

    Args:
        folder (Path): The project.
        monkeypatch: That of pytest.
    """

    def __init__(self, folder: Path, monkeypatch) -> None:
        self.folder, self.done, self.monkeypatch = folder, set(), monkeypatch

    def type(self, line: str) -> None:
        """Run a command; it must end well."""
        for pattern, replacement in CHANGES:
            line = re.sub(pattern, replacement, line)
        if re.match('(cp|sed) ', line):
            # bash itself, as it also writes the results
            subprocess.run(['bash', '-c', line], cwd=self.folder, check=True)
            return
        command = parse(line, self.folder)
        plain = (tuple(command.words), tuple(command.env.items()))
        if plain in self.done:
            return
        self.done.add(plain)
        program = command.words[0]
        if program == 'python' and command.words[1] == '-m':
            self.run_pip(command)
        elif program == 'python' and not command.words[1].startswith('tools/'):
            self.run_bundle(command)
        elif program == 'python':
            tool = re.fullmatch(r'tools/((?:data/)?\w+)\.py', command.words[1])[1]
            special = getattr(self, f'run_{tool}', None)
            if special:
                special(command.words[2:])
            else:
                self.run_python(tool, command)
        else:
            getattr(self, f'run_{Path(program).stem}')(command)

    def run_python(self, tool, command) -> None:
        if '--bundle' in command.words:
            self.tell_apart(command.words[3])
        result = forked.run_tool(tool, command.words[2:], self.folder, command.env)
        assert result.status == 0, result.out[-2000:] + result.err[-2000:]

    def tell_apart(self, checkpoint) -> None:
        """Let instances differ: after two iterations they all have the same score."""
        path = self.folder / checkpoint
        content = torch.load(path, weights_only=False)
        generator = torch.Generator().manual_seed(0)
        for name, weight in content['state_dict'].items():
            if name.endswith(('rpn_cls.weight', 'fc_cls.weight', 'conv_logits.weight')):
                weight.normal_(0, 50., generator=generator)
        torch.save(content, path)

    def run_pip(self, command) -> None:
        """What is to be installed is there already."""
        assert command.words[1:4] == ['-m', 'pip', 'install']
        for name in command.words[4:]:
            if name.startswith('opencv-python'):
                import cv2  # noqa: F401 - either build of OpenCV serves
            else:
                importlib.metadata.distribution(name)

    def run_bundle(self, command) -> None:
        """The program of a bundle, with a video where the camera is."""
        words = [word.replace('camera:0', 'barn.mp4') for word in command.words[1:]]
        done = subprocess.run([sys.executable, *words], cwd=self.folder, text=True,
                              capture_output=True, check=False)
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]

    def run_make(self, command) -> None:
        planned = subprocess.run(['make', '-n', *command.words[1:]], cwd=ROOT, text=True,
                                 capture_output=True, check=True).stdout
        assert 'tools/install.sh' in planned

    def run_install(self, command) -> None:
        """Up to what would be installed where."""
        planned = subprocess.run(
            ['bash', '-c', 'source tools/install.sh; parse_arguments "$@"; '
             'echo "$ENVIRONMENT $WHEELHOUSE"', '-', *command.words[1:]], cwd=ROOT, text=True,
            capture_output=True, check=True).stdout.split()
        assert planned[1:] == [word for word in command.words if word == 'wheels']

    def run_wheelhouse(self, command) -> None:
        """With a Python whose pip downloads nothing."""
        python = self.folder / 'python'
        write(python, f'#!/bin/sh\n[ "$2" != pip ] && exec {sys.executable} "$@"\nexit 0\n')
        python.chmod(0o755)
        (self.folder / 'requirements').symlink_to(ROOT / 'requirements')
        subprocess.run(command.words, cwd=self.folder, check=True, capture_output=True,
                       env={**os.environ, 'PYTHON': str(python)})
        listed = (self.folder / 'wheels/packages.txt').read_text(encoding='utf-8')
        assert 'python 3.13' in listed and 'onnxruntime==' in listed

    def run_kfold(self, argv) -> None:
        """With stand-ins for the trainings, which other commands do."""
        import kfold
        import train

        def only_read(words) -> int:
            train.parse_args(words)
            return pretend(words)

        self.monkeypatch.chdir(self.folder)
        trainer = Trainer(self.monkeypatch, only_read)
        assert kfold.main(argv) == 0
        assert len(trainer.commands) == 2 and len(trainer.reports) == 1

    def run_compare(self, argv) -> None:
        """As far as the configs and the arguments of train.py go."""
        import compare
        import train

        def read(configs, *, seeds, arguments, options, **more) -> None:
            # one config alone is compared with its averaged supervised twin
            assert seeds > 1 and (len(configs) > 1 or more['twin'])
            for config in configs:
                load_config(config, options)
                train.parse_args([config, *arguments])

        self.monkeypatch.chdir(self.folder)
        self.monkeypatch.setattr('plugin.runs.compare', read)
        assert compare.main(argv) == 0

    def run_demo_web(self, argv) -> None:
        """Until the page is there, then Ctrl-C."""
        context = multiprocessing.get_context('forkserver')
        log = self.folder / 'demo'
        log.with_suffix('.out').touch()
        port = free_port()
        process = context.Process(target=forked._run, args=(
            'demo_web', [*argv, '--port', str(port)], str(self.folder), {}, str(log)))
        process.start()
        try:
            while 'the page is at' not in log.with_suffix('.out').read_text(encoding='utf-8'):
                process.join(0.2)
                assert process.is_alive(), log.with_suffix('.err').read_text(encoding='utf-8')
            with urllib.request.urlopen(f'http://127.0.0.1:{port}', timeout=60) as answer:
                assert answer.status == 200
            os.kill(process.pid, signal.SIGINT)
            process.join(60)
            assert process.exitcode == 0
        finally:
            process.kill()

    def run_dist_train(self, command) -> None:
        """By torchrun where nothing but processes is asked for; else what it would be told."""
        if command.words[2:] == ['2']:
            subprocess.run(command.words, cwd=self.folder, check=True, capture_output=True,
                           env={**os.environ, 'PYTHON': sys.executable, 'OMP_NUM_THREADS': '1',
                                'CUDA_VISIBLE_DEVICES': ''})
        self._planned(command, 'train')

    def run_dist_test(self, command) -> None:
        self._planned(command, 'test')

    def run_dist_predict(self, command) -> None:
        self._planned(command, 'predict')

    def run_srun(self, command) -> None:
        """What each of its processes is told."""
        start = command.words.index('python')
        args = importlib.import_module(Path(command.words[start + 1]).stem).parse_args(
            command.words[start + 2:])
        assert args.launcher == 'slurm' and (self.folder / args.config).is_file()

    def _planned(self, command, tool: str) -> None:
        from torch.distributed.run import get_args_parser
        shown = subprocess.run(
            command.words, cwd=self.folder, text=True, capture_output=True, check=True,
            env={**os.environ, **command.env, 'PYTHON': 'echo'}).stdout.split()
        assert shown[:2] == ['-m', 'torch.distributed.run']
        told = get_args_parser().parse_args(shown[2:])
        number = next(word for word in command.words if word.isdigit())
        assert told.nproc_per_node == number and Path(told.training_script).stem == tool
        assert told.nnodes == command.env.get('NNODES', '1:1')
        assert str(told.node_rank) == command.env.get('NODE_RANK', '0')
        args = importlib.import_module(tool).parse_args(told.training_script_args)
        assert args.launcher == 'pytorch' and (self.folder / args.config).is_file()

    def run_slurm_train(self, command) -> None:
        """With a stand-in for srun; a plain job also with one task."""
        write(self.folder / 'bin/srun', '#!/bin/sh\nprintf "%s\\0" "$@"\n')
        (self.folder / 'bin/srun').chmod(0o755)
        asked = subprocess.run(
            command.words, cwd=self.folder, text=True, capture_output=True, check=True,
            env={**os.environ, **command.env, 'PATH': f'{self.folder}/bin:{os.environ["PATH"]}'}
        ).stdout.split('\0')[:-1]
        assert f'--ntasks={command.env.get("GPUS", "8")}' in asked
        start = asked.index('python')
        assert asked[start - 1] == command.env.get('SRUN_ARGS', '--kill-on-bad-exit=1')
        argv = asked[start + 3:]
        assert importlib.import_module('train').parse_args(argv).launcher == 'slurm'
        if not command.env:
            result = forked.run_tool('train', argv, self.folder, dict(
                SLURM_PROCID='0', SLURM_NTASKS='1', SLURM_LOCALID='0', MASTER_ADDR='127.0.0.1',
                MASTER_PORT=str(free_port()), CUDA_VISIBLE_DEVICES=''))
            assert result.status == 0, result.err[-2000:]


@pytest.fixture(scope='module')
def typist(tmp_path_factory):
    for name in ('gradio', 'onnx', 'onnxruntime', 'tensorboard'):
        if importlib.util.find_spec(name) is None:
            pytest.skip(f'{name} is not installed; tools/install.sh --with-extras does it')
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setenv('PASTURE_SKIP_CHECK', '')
        for name in [name for name in os.environ if name.endswith(('_ROOT', '_WEIGHTS'))]:
            monkeypatch.delenv(name)
        monkeypatch.delenv('PARTITIONS', raising=False)
        # as .venv/bin/activate does
        monkeypatch.setenv('PATH', f'{Path(sys.executable).parent}:{os.environ["PATH"]}')
        yield Typist(make_project(tmp_path_factory.mktemp('docs') / 'my project'), monkeypatch)


@pytest.mark.parametrize('page', PAGES, ids=lambda page: page.stem)
def test_commands_run(page, typist):
    """A page from its top to its end, with the configs that it shows."""
    for block in [*blocks_of(ROOT / 'data/README.md'), *blocks_of(page)]:
        if block.language == 'python' and file_of(block):
            write(typist.folder / file_of(block), smaller(block.text))
    for block in blocks_of(page):
        if block.language == 'bash':
            for number, line in lines_of(block):
                # shown when the test fails: the last one is it
                print(f'{page.name}:{number} {line}', flush=True)
                typist.type(line)
