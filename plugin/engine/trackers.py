"""TensorBoard, MLflow and W&B: all stays on this machine, and a resumed run is one run."""
import importlib.util
import os
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from mmengine.registry import VISBACKENDS
from mmengine.visualization import (
    BaseVisBackend,
    MLflowVisBackend,
    TensorboardVisBackend,
    WandbVisBackend,
)

from plugin.utils import write_atomically

# only records of the training have these
OF_TRAINING = {'iter', 'lr'}
COUNTERS = {'iter', 'epoch', 'step'}
RUN = 'run_id'
# keys of the config that become parameters of a run; the whole config is kept as a file
COMPARED = ('train_dataloader', 'optim_wrapper', 'param_scheduler', 'train_cfg', 'model')


class _NamedScalars(BaseVisBackend):
    """Tells the numbers of training and validation apart, which MMEngine names alike; a mixin."""

    def add_scalars(self, scalar_dict: dict[str, Any], step: int = 0,
                    file_path: str | None = None, **kwargs) -> None:
        """Record numbers as ``train/...`` or ``val/...``.

        Args:
            scalar_dict (dict): Numbers by name.
            step (int): Iterations done.
            file_path (str, optional): Not used.
        """
        part = 'train' if OF_TRAINING & set(scalar_dict) else 'val'
        super().add_scalars({f'{part}/{name}': value for name, value in scalar_dict.items()
                             if name not in COUNTERS and isinstance(value, (int, float))}, step)


@VISBACKENDS.register_module()
class TensorboardTracker(_NamedScalars, TensorboardVisBackend):
    """Event files for TensorBoard; what a resumed training repeats replaces what it was.

    Args:
        save_dir (str): Folder of the event files.
    """

    _began = False

    def add_scalars(self, scalar_dict: dict[str, Any], step: int = 0,
                    file_path: str | None = None, **kwargs) -> None:
        """Record numbers; the first of a run hide what an earlier one says from there on."""
        if not self._began:
            self._began = True
            from torch.utils.tensorboard import SummaryWriter
            self.experiment.close()
            self._tensorboard = SummaryWriter(self._save_dir, purge_step=step)
        super().add_scalars(scalar_dict, step)


@VISBACKENDS.register_module()
class MLflowTracker(_NamedScalars, MLflowVisBackend):
    """A run of MLflow, in a folder or at ``MLFLOW_TRACKING_URI``.

    Args:
        save_dir (str): Folder of the runs.
        run_name (str): Name of the run.
        resume (bool): Go on with the last run of the folder. Defaults to False.
        **kwargs: Of :class:`mmengine.visualization.MLflowVisBackend`.
    """

    def __init__(self, save_dir: str, run_name: str, resume: bool = False, **kwargs) -> None:
        super().__init__(save_dir, **kwargs, tracking_uri=os.environ.get('MLFLOW_TRACKING_URI'))
        self._name, self._resume = run_name, resume

    def _init_env(self) -> None:
        # MLflow would send usage statistics
        os.environ.setdefault('MLFLOW_DISABLE_TELEMETRY', 'true')
        # a folder is enough for one person, without a data base
        os.environ.setdefault('MLFLOW_ALLOW_FILE_STORE', 'true')
        super()._init_env()
        known = run_id(Path(self._save_dir), self._resume)
        self._resumed = known is not None
        run = self._mlflow.start_run(run_id=known, run_name=self._name)
        write_atomically(Path(self._save_dir) / RUN, run.info.run_id)

    def add_config(self, config: Any, **kwargs) -> None:
        """Record the config; the parameters of a run that goes on stay those it began with."""
        present = [] if self._init_and_resumed() else [key for key in COMPARED if key in config]
        self._tracked_config_keys = present
        super().add_config(config, **kwargs)

    def close(self) -> None:
        """End the run; what the work directory holds is not copied."""
        if hasattr(self, '_mlflow'):
            self._mlflow.end_run()

    def _init_and_resumed(self) -> bool:
        return self.experiment is not None and self._resumed


@VISBACKENDS.register_module()
class WandbTracker(_NamedScalars, WandbVisBackend):
    """A run of Weights & Biases, offline unless ``WANDB_MODE`` says otherwise.

    ``wandb sync`` sends it later; the parts of a training that was resumed have one id.

    Args:
        save_dir (str): Folder in which ``wandb/`` is made.
        run_name (str): Name of the run.
        project (str): The project it belongs to.
        resume (bool): Go on with the last run of the folder. Defaults to False.
    """

    def __init__(self, save_dir: str, run_name: str, project: str, resume: bool = False) -> None:
        super().__init__(save_dir)
        self._name, self._project, self._resume = run_name, project, resume

    def _init_env(self) -> None:
        os.environ.setdefault('WANDB_ERROR_REPORTING', 'false')
        folder = Path(self._save_dir) / 'wandb'
        name = run_id(folder, self._resume) or uuid.uuid4().hex[:8]
        write_atomically(folder / RUN, name)
        mode = os.environ.get('WANDB_MODE', 'offline')
        self._init_kwargs = dict(
            id=name, name=self._name, project=self._project, mode=mode,
            resume=None if mode == 'offline' else 'allow')
        super()._init_env()

    def add_config(self, config: Any, **kwargs) -> None:
        """Record the config, but not the files of the folder the training was started in."""
        self.experiment.config.update(config.to_dict(), allow_val_change=True)


def run_id(folder: Path, resume: bool) -> str | None:
    """The run to go on with, or None."""
    note = folder / RUN
    return note.read_text(encoding='utf-8').strip() if resume and note.is_file() else None


PACKAGES = dict(tensorboard='tensorboard', mlflow='mlflow', wandb='wandb')


def add_trackers(cfg, names: Sequence[str]) -> None:
    """Add trackers to the visualizer of a config.

    Args:
        cfg (mmengine.Config): The config with its work directory, and ``resume`` as it will be.
        names (Sequence[str]): Keys of ``PACKAGES``.

    Raises:
        ImportError: If a package is missing.
    """
    for name in dict.fromkeys(names):
        if importlib.util.find_spec(PACKAGES[name]) is None:
            raise ImportError(f'Failed to import {PACKAGES[name]}, which --logger {name} needs: '
                              "install it by pip install -e '.[trackers]'")
    if not names:
        return
    if not cfg.get('visualizer'):
        cfg.visualizer = dict(type='Visualizer', vis_backends=[dict(type='LocalVisBackend')])
    given = list(cfg.visualizer.get('vis_backends') or [])
    more = [MAKERS[name](cfg) for name in dict.fromkeys(names)]
    kinds = {backend['type'] for backend in given}
    cfg.visualizer.vis_backends = given + [one for one in more if one['type'] not in kinds]


def _tensorboard(cfg) -> dict:
    return dict(type='TensorboardTracker', save_dir=str(Path(cfg.work_dir) / 'tensorboard'))


def _mlflow(cfg) -> dict:
    return dict(type='MLflowTracker', save_dir=str(Path(cfg.work_dir) / 'mlflow'),
                exp_name=_project(cfg), run_name=Path(cfg.work_dir).name,
                resume=bool(cfg.get('resume')))


def _wandb(cfg) -> dict:
    return dict(type='WandbTracker', save_dir=str(cfg.work_dir), project=_project(cfg),
                run_name=Path(cfg.work_dir).name, resume=bool(cfg.get('resume')))


def _project(cfg) -> str:
    return Path(cfg.filename).stem if cfg.filename else 'pasture'


MAKERS: dict[str, Callable[[Any], dict]] = dict(
    tensorboard=_tensorboard, mlflow=_mlflow, wandb=_wandb)
