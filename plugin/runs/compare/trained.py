"""What is known of a training when it has ended."""
import copy
import threading
from pathlib import Path
from statistics import median
from typing import NamedTuple

from mmengine.config import Config
from mmengine.registry import MODELS, DefaultScope

from plugin.utils.config import network_config
from plugin.utils.numbers import is_number
from plugin.visualization.curves import read_scalars, stitch, trains

from .schedule import steps_of
from .statistics import improvement

# MMEngine's scope belongs to the whole process, and runs end in threads
_SCOPE = threading.Lock()


class Trained(NamedTuple):
    """What is known of a training that came to its end.

    Attributes:
        stopped (str): Why it stopped, where the loss was not finite; empty otherwise.
        seconds (float | None): Of an iteration, the median.
        memory (float | None): The most memory in MB: of the GPU, or of its largest process.
        on_gpu (bool): Whether it is that of the GPU.
        loss (float | None): See :func:`~.statistics.improvement`.
        scores (dict): The last two validations by name.
        parameters (int | None): Of the network that predicts.
    """

    stopped: str
    seconds: float | None = None
    memory: float | None = None
    on_gpu: bool = False
    loss: float | None = None
    scores: dict[str, list[float]] = {}
    parameters: int | None = None


def read_training(folder: Path, cfg: Config, memory: float | None) -> Trained:
    """What the log of a training tells.

    Args:
        folder (Path): Its work directory.
        cfg (mmengine.Config): Its config.
        memory (float, optional): Of its largest process in MB, for where no GPU was used.
    """
    logs = [read_scalars(path) for path in sorted(folder.glob('*/vis_data/scalars.json'))]
    curves = stitch(logs)
    records = [record for log in logs for record in log if trains(record)]
    times = [record['time'] for record in records if is_number(record.get('time'), 0)]
    used = [record['memory'] for record in records if is_number(record.get('memory'), 1)]
    loss = curves['loss'].get('loss', [])
    # a training that went on validates its last checkpoint a second time
    scores = {name: list(dict(points).values())[-2:]
              for name, points in {**curves['score'], **curves['count']}.items()}
    return Trained('', median(times) if times else None, max(used, default=memory), bool(used),
                   improvement(loss, steps_of(cfg)), scores, _parameters(cfg))


def _parameters(cfg: Config) -> int:
    """Number of parameters of the network that predicts."""
    scope = cfg.get('default_scope') or 'mmseg'
    with _SCOPE, DefaultScope.overwrite_default_scope(scope):
        network = MODELS.build(copy.deepcopy(network_config(cfg.model)))
    return sum(value.numel() for value in network.parameters())
