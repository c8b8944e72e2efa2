"""Stand-ins for the trainings of the folds."""
import json
from pathlib import Path

from plugin.runs.kfold import run as kfold_run


class Trainer:
    """Notes the commands of the trainings, and trains as it is told.

    Args:
        monkeypatch: That of pytest.
        train (callable): Gets the arguments of train.py; returns an exit status.
    """

    def __init__(self, monkeypatch, train) -> None:
        self.commands, self.reports, self.train = [], [], train
        monkeypatch.setattr(kfold_run, 'run_training', self._run)
        monkeypatch.setattr(kfold_run, 'write_report',
                            lambda folders, out: self.reports.append((list(folders), out)))

    def _run(self, command, lock) -> int:
        self.commands.append(command)
        return self.train(command[2:])

    def folds(self) -> list[str]:
        """The names of the folds that were trained."""
        return [Path(command[2]).stem for command in self.commands]


def pretend(argv) -> int:
    """Leave scores as a training does; its fold decides on them."""
    work_dir = Path(argv[argv.index('--work-dir') + 1])
    value = 50. + 10 * int(work_dir.name[-1])
    work_dir.mkdir(parents=True, exist_ok=True)
    (work_dir / 'scores.json').write_text(json.dumps(dict(
        iteration=2, scores=dict(mIoU=value), classes=[
            {'class': 'cow', 'IoU': value / 2}, {'class': '牛 [b]', 'IoU': float('nan')}])))
    return 0
