"""Following a training in TensorBoard, MLflow or Weights & Biases."""
import importlib.util
from pathlib import Path
from typing import Any, Callable, Dict, Sequence

PACKAGES = dict(tensorboard='tensorboard', mlflow='mlflow', wandb='wandb')


def add_logger(parser) -> None:
    """Add ``--logger``."""
    parser.add_argument('--logger', action='append', default=[], choices=sorted(PACKAGES),
                        help='also write for this tracker, into the work directory; nothing '
                        'leaves the machine (WANDB_MODE and MLFLOW_TRACKING_URI change that); '
                        'may be given several times')


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


MAKERS: Dict[str, Callable[[Any], dict]] = dict(
    tensorboard=_tensorboard, mlflow=_mlflow, wandb=_wandb)
