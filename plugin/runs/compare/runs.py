"""One run of a comparison: a training, and what its checkpoints score; each done once."""
import json
import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any, NamedTuple

from plugin.engine.hooks.training_watch import STOPPED
from plugin.utils import UserError, write_atomically
from plugin.utils.console import say

from ..kfold.scores import read_scores
from ..kfold.state import read_state
from ..processes import tool_command, training_command
from ..resume import last_checkpoint
from ..starts import INTERRUPTED
from . import children
from .configs import config_text, evaluation_config, run_config
from .plan import Method
from .trained import Trained, read_training

TRAINED = 'trained.json'


class ComparisonError(UserError):
    """A run that did not end well."""


class Run(NamedTuple):
    """One training.

    Attributes:
        method (Method): What is trained.
        rate (float): Its learning rate.
        seed (int): Its seed.
        folder (Path): Its work directory.
    """

    method: Method
    rate: float
    seed: int
    folder: Path

    @property
    def title(self) -> str:
        """What messages call it."""
        return f'{self.method.name}, learning rate {self.rate:g}, seed {self.seed}'


class Worker:
    """Trains and tests runs in processes of their own.

    Args:
        lock (IO): What holds the lock of the comparison.
        arguments (Sequence[str]): Other arguments of ``tools/train.py``.
        init (str, optional): Checkpoint to start from; see :class:`~.plan.Settings`.
        fingerprints (dict[str, str]): Of the plan of each method by its name.
        quiet (bool): Write what the processes print to ``output.txt`` of each run.
        environment (Mapping, optional): Variables for the processes.
    """

    def __init__(self, lock: IO[str], arguments: Sequence[str], init: str | None,
                 fingerprints: dict[str, str], quiet: bool,
                 environment: Mapping[str, str] | None = None) -> None:
        self.lock, self.arguments, self.init = lock, list(arguments), init
        self.fingerprints, self.quiet, self.environment = fingerprints, quiet, environment

    def complete(self, run: Run, parts: Sequence[str], device: str | None = None, *,
                 candidate: bool = False) -> None:
        """Do what of a run is not done yet.

        Args:
            run (Run): The run.
            parts (Sequence[str]): ``val`` or ``test``, on which its checkpoints are measured.
            device (str, optional): The GPU.
            candidate (bool): Measure only what a learning rate is chosen by: the last checkpoint,
                and of it the network that predicts.

        Raises:
            ComparisonError: If a process does not end well.
            KeyboardInterrupt: On Ctrl-C.
        """
        trained = self.trained(run)
        if trained is None:
            say('', f'{run.title}: training')
            trained = self._train(run, device)
        if trained.stopped:
            return
        checkpoints, (predicting, *others) = self._checkpoints(run), run.method.networks
        # val chose the best checkpoint by the network that predicts: it says nothing of the others
        measured = [(predicting, *one) for one in checkpoints]
        measured += [(network, *checkpoints[0]) for network in others]
        for part in parts:
            for network, which, checkpoint in measured[:1 if candidate else None]:
                if self.scores(run, part, network, which) is None:
                    self._test(run, part, network, which, checkpoint, device)

    def trained(self, run: Run) -> Trained | None:
        """What an earlier start noted at the end of a training; None if it did not come so far."""
        state = self._read(run, run.folder / TRAINED)
        return None if state is None else Trained(**state)

    def stopped(self, run: Run) -> str:
        """Why a training did not come to its end; empty where it did, or did not begin."""
        trained = self.trained(run)
        return '' if trained is None else trained.stopped

    def scores(self, run: Run, part: str, network: str, which: str) -> dict[str, Any] | None:
        """What a checkpoint scores; None where it was not measured, and where there is none.

        Args:
            run (Run): The run.
            part (str): ``val`` or ``test``.
            network (str): One of ``run.method.networks``.
            which (str): ``last`` or ``best``.
        """
        trained = self.trained(run)
        if trained is None or trained.stopped:
            return None
        if which == 'best':
            if network != run.method.networks[0]:
                return None
            found = self._checkpoints(run)
            if [name for name, _ in found] == ['last'] and best_checkpoint(run.folder):
                which = 'last'  # it is the same one
        return self._read(run, self._state(run, part, network, which))

    def _read(self, run: Run, path: Path) -> Any:
        if not path.is_file():
            return None
        state = read_state(
            path, f'remove {path}, and the same command does it again',
            lambda state: isinstance(state['fingerprint'], str),
            lambda state: isinstance(state['found'], dict))
        if state['fingerprint'] != self.fingerprints[run.method.name]:
            raise UserError(f'{run.folder} is a run of another config than {run.method.name} is '
                            'now: remove it, or give another --work-dir')
        return state['found']

    def _write(self, run: Run, path: Path, found: dict[str, Any]) -> None:
        state = dict(fingerprint=self.fingerprints[run.method.name], found=found)
        write_atomically(path, json.dumps(state, indent=1, ensure_ascii=False))

    def _train(self, run: Run, device: str | None) -> Trained:
        cfg = run_config(run.method.cfg, run.rate, run.seed, self.init, run.method.averages)
        config = run.folder / 'configs' / 'train.py'
        write_atomically(config, config_text(cfg))
        command = training_command(config, ['--work-dir', str(run.folder), '--resume', 'auto',
                                            *self.arguments])
        ended = self._start(run, command, device)
        stopped = run.folder / STOPPED
        if ended.status and stopped.is_file() and ended.status not in INTERRUPTED:
            trained = Trained(stopped.read_text('utf-8'))
        else:
            self._check(run, ended.status, 'training')
            trained = read_training(run.folder, cfg, ended.memory)
        self._write(run, run.folder / TRAINED, trained._asdict())
        return trained

    def _test(self, run: Run, part: str, network: str, which: str, checkpoint: Path,
              device: str | None) -> None:
        state = self._state(run, part, network, which)
        folder = state.with_suffix('')
        say('', f'{run.title}: the {which} checkpoint{network and f", its {network},"} on {part}')
        shutil.rmtree(folder, ignore_errors=True)
        config = run.folder / 'configs' / f'{folder.name}.py'
        cfg = run_config(run.method.cfg, run.rate, run.seed)
        write_atomically(config, config_text(evaluation_config(cfg, part, network)))
        passed = [word for word in self.arguments if word == '--debug']
        command = [*tool_command('test'), str(config), str(checkpoint), '--work-dir', str(folder),
                   *passed]
        self._check(run, self._start(run, command, device).status, 'test')
        logs = sorted(folder.glob('*/scores.json'))
        if not logs:
            raise ComparisonError(f'the test of {run.title} wrote no scores (see {folder}): give '
                                  f'its {part}_evaluator a metric')
        found = read_scores(logs[-1].parent)
        self._write(run, state, dict(scores=found['scores'], classes=found['classes']))

    def _start(self, run: Run, command: Sequence[str], device: str | None) -> children.Ended:
        output = run.folder / 'output.txt' if self.quiet else None
        return children.start(command, self.lock, output=output, device=device,
                              environment=self.environment)

    def _check(self, run: Run, status: int, what: str) -> None:
        if status in INTERRUPTED:
            raise KeyboardInterrupt
        if status:
            how = f'signal {-status}' if status < 0 else f'status {status}'
            where = run.folder / 'output.txt' if self.quiet else run.folder
            raise ComparisonError(f'the {what} of {run.title} ended with {how} (see {where}); '
                                  'what is done is kept, the same command goes on')

    @staticmethod
    def _state(run: Run, part: str, network: str, which: str) -> Path:
        name = '_'.join([*network.split(), which, part])
        return run.folder / 'tests' / f'{name}.json'

    @staticmethod
    def _checkpoints(run: Run) -> list[tuple[str, Path]]:
        """The last checkpoint, and the best one where it is another."""
        last, best = last_checkpoint(run.folder), best_checkpoint(run.folder)
        if last is None:
            raise ComparisonError(f'{run.folder} holds no checkpoint of the training: let the '
                                  'config save one at its end (default_hooks.checkpoint), and '
                                  f'remove {run.folder / TRAINED}')
        found = [('last', last)]
        if best is not None and _iteration(best) != _iteration(last):
            found.append(('best', best))
        return found


def best_checkpoint(folder: Path) -> Path | None:
    """The best checkpoint of a training, or None where none was chosen."""
    found = sorted(folder.glob('best_*.pth'), key=lambda path: (path.stat().st_mtime_ns, path.name))
    # segmentor.pth of a method is a copy of it
    return next((path for path in reversed(found) if _iteration(path) is not None), None)


def _iteration(path: Path) -> int | None:
    number = re.search(r'iter_(\d+)\.pth$', path.name)
    return int(number[1]) if number else None
