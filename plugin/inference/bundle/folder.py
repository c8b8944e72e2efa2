"""Writing the folder."""
import dataclasses
import json
from pathlib import Path
from typing import Any, NamedTuple

from mmengine.config import Config
from mmengine.model import BaseModel

from plugin.models.onnx import GraphFacts, predicting_network
from plugin.utils import write_atomically
from plugin.utils.console import warn

from ..detector import Detector
from ..predictor import Predictor
from .preparation import preparation

PROGRAM = Path(__file__).with_name('predict.py')
# of the graph, and of no use beside it
LEFT_OUT = ('counts', 'fingerprint', 'preprocessing', 'settings', 'threshold')


class Licences(NamedTuple):
    """What may be done with a model, in words.

    Attributes:
        data (str, optional): Licence of the data it learned from.
        weights (str, optional): Licence of the weights.
    """

    data: str | None = None
    weights: str | None = None


def write_bundle(folder: Path, content: bytes, facts: GraphFacts, model: Predictor, cfg: Config,
                 licences: Licences) -> None:
    """Write ``model.onnx``, ``model.json`` and ``predict.py``.

    Args:
        folder (Path): Is made if it is not there.
        content (bytes): The graph, which takes images as OpenCV reads them.
        facts (GraphFacts): What it says of itself.
        model (Predictor): The detector or segmenter that was exported.
        cfg (mmengine.Config): Its config, of :func:`check_bundle`.
        licences (Licences): What is not known is said.
    """
    unknown = [name for name, text in licences._asdict().items() if text is None]
    if unknown:
        warn(f'the licence of the {" and of the ".join(unknown)} is not known: name it by '
             f'{" and ".join(f"--{name}-licence" for name in unknown)}, as whoever uses the bundle '
             'wants to know it')
    facts_kept = {key: value for key, value in dataclasses.asdict(facts).items()
                  if key not in LEFT_OUT}
    known = dict(kind='instances' if isinstance(model, Detector) else 'pixels', **facts_kept,
                 **preparation(cfg), **_answers(model), licence=licences._asdict())
    text = json.dumps(known, ensure_ascii=False, indent=2) + '\n'
    write_atomically(folder / 'model.onnx', content)
    write_atomically(folder / 'model.json', text)
    # the program last: with it, the folder is complete
    write_atomically(folder / 'predict.py', PROGRAM.read_text('utf-8'))


def _answers(model: Predictor) -> dict[str, Any]:
    """How the program turns what the network answers into results."""
    network: BaseModel = model.model
    if isinstance(model, Detector):
        suppression = getattr(network.roi_head, 'mask_suppression', None)
        cap = model.cap[1] if model.cap is not None else 0
        return dict(threshold=model.score_thr, threshold_reason=model.reason,
                    mask_threshold=float(network.test_cfg.rcnn.mask_thr_binary), cap=cap,
                    mask_nms=dict(suppression[1]) if suppression else None,
                    intervals=model.count_intervals().as_table(cap or 1000))
    network = predicting_network(network)
    threshold = getattr(network.decode_head, 'threshold', None)
    return dict(align_corners=bool(network.align_corners),
                foreground_threshold=0.5 if threshold is None else float(threshold))
