"""A trained model, ready to be called with images."""
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.device import get_device

from plugin.utils import UserError
from plugin.utils.config import existing_checkpoint, is_detection, load_config
from plugin.utils.device import usable_device

from .detector import Detector
from .segmenter import Segmenter

NO_DETECTOR = 'is for models of animals, but {} is no config of MMDetection'


def load_model(config: str | Path | Config, checkpoint: str | Path, *, device: str | None = None,
               tile: int | None = None, overlap: int | None = None, score_thr: float | None = None,
               tta: bool = False, keep_logits: bool = False, onnx: bool | None = None,
               options: Sequence[str] = ()) -> Segmenter | Detector:
    """Load a trained model.

    Args:
        config (str | Path | mmengine.Config): A config file, the name of a config that comes with
            Pasture, or a config that was read.
        checkpoint (str | Path): The trained weights, or a file that
            :func:`~plugin.inference.export` wrote.
        device (str, optional): Where to compute, e.g. ``cpu`` or ``cuda:1``. Defaults to a GPU if
            there is one, for ``.onnx`` files to the CPU.
        tile (int, optional): Side in pixels of the tiles into which large images are cut; best the
            size of the images of the training. Defaults to whole images.
        overlap (int, optional): Pixels that neighbouring tiles share; best the width of an animal,
            or what a pixel must see around it. Defaults to 128 for instances, and to a quarter of
            a tile for pixels.
        score_thr (float, optional): Lowest score of an instance. Defaults to what counted best on
            the validation set, as the checkpoint remembers, or 0.5.
        tta (bool): Average over several scales and mirrorings (semantic models). Defaults to False.
        keep_logits (bool): Whether probabilities will be asked for of images in tiles (semantic
            models); takes memory. Defaults to False.
        onnx (bool, optional): Whether the checkpoint is an ONNX file. Defaults to what its suffix
            says.
        options (Sequence[str]): ``key=value``, values of the config to set.

    Returns:
        Segmenter | Detector: A function of images: :class:`~plugin.inference.Segmenter` for the
        class of each pixel, :class:`~plugin.inference.Detector` for instances.

    Raises:
        FileNotFoundError: If there is no such config or checkpoint; names the nearest one.
        UserError: If they do not fit each other, or a setting is not of this kind of model.

    Example:
        >>> from plugin.inference import load_model
        >>> model = load_model('fcn8s_barn', 'best.pth', device='cpu')
        >>> model.classes
        ['ground', 'fence', 'trough', 'cattle']
        >>> labels = model('barn.jpg')  # class ids, (H, W)
        >>> cattle = labels == model.classes.index('cattle')
        >>> cattle.dtype
        dtype('bool')
    """
    cfg = load_config(config, list(options))
    name = str(cfg.filename if isinstance(config, Config) else config)
    if onnx is None:
        onnx = str(checkpoint).lower().endswith('.onnx')
    if overlap is not None and tile is None:
        raise UserError(f'--overlap {overlap} is that of tiles; give their size by --tile')
    tiling: dict[str, Any] = dict(tile=tile)
    if overlap is not None:
        tiling['overlap'] = overlap
    if is_detection(cfg):
        refuse(dict(tta=tta), f'is for semantic models, but {name} finds animals')
        model: Segmenter | Detector = _detector(cfg, str(checkpoint), onnx, device,
                                                score_thr=score_thr, **tiling)
    else:
        refuse({'score-thr': score_thr is not None}, NO_DETECTOR.format(name))
        model = _segmenter(cfg, str(checkpoint), onnx, device, tta=tta, keep_logits=keep_logits,
                           **tiling)
    model.config = name
    return model


def refuse(given: dict[str, bool], reason: str) -> None:
    """Stop at options that a kind of model does not have.

    Args:
        given (dict[str, bool]): Whether each was given.
        reason (str): Why not.

    Raises:
        UserError: Names the first one.
    """
    for name, is_given in given.items():
        if is_given:
            raise UserError(f'--{name} {reason}; leave it out')


def _detector(cfg: Config, checkpoint: str, onnx: bool, device: str | None,
              **settings: Any) -> Detector:
    if onnx:
        from .onnx_detector import OnnxDetector
        return OnnxDetector(cfg, checkpoint, device=device or 'cpu', **settings)
    checkpoint = existing_checkpoint(checkpoint, cfg.get('work_dir'))
    return Detector(cfg, checkpoint, device=_usable(device), **settings)


def _segmenter(cfg: Config, checkpoint: str, onnx: bool, device: str | None,
               **settings: Any) -> Segmenter:
    if onnx:
        from .onnx_segmenter import OnnxSegmenter
        return OnnxSegmenter(cfg, checkpoint, device=device or 'cpu', **settings)
    checkpoint = existing_checkpoint(checkpoint, cfg.get('work_dir'))
    return Segmenter(cfg, checkpoint, device=_usable(device), **settings)


def _usable(device: str | None) -> str:
    return usable_device(device or get_device())
