"""Statistics of the pseudo-labels in the log, and drawings of them."""
import math
from pathlib import Path

import numpy as np
import torch
from mmengine.dist import is_main_process, master_only
from mmengine.model import ImgDataPreprocessor
from torch import Tensor

from plugin.models.segmentors import TeacherStudentSegmentor
from plugin.models.semi.pseudo_labels import IGNORE
from plugin.visualization import draw_pseudo_labels

FOLDER = 'pseudo_labels'


def log_numbers(runner, tensors: dict[str, Tensor]) -> None:
    """Write numbers of a training step, by one copy from the device.

    Single numbers go to the line of the log. Those of each class would make it too long, and go
    to the file of scalars alone, as ``name/class``. What is not finite is left out.

    Args:
        runner (Runner): The runner of the training.
        tensors (dict[str, Tensor]): 0-dim tensors, or ``(C, )`` with a number of each class.
    """
    classes = runner.train_dataloader.dataset.metainfo['classes']
    done = runner.iter + 1
    of_classes: dict[str, float] = {}
    for name, value in _on_host(tensors).items():
        if isinstance(value, list):
            of_classes.update({f'{name}/{label}': number
                               for label, number in zip(classes, value, strict=True)})
        elif math.isfinite(value):
            runner.message_hub.update_scalar(f'train/{name}', value)
    of_classes = {name: value for name, value in of_classes.items() if math.isfinite(value)}
    if of_classes and is_main_process():
        # `iter` marks a record as one of the training
        runner.visualizer.add_scalars({**of_classes, 'iter': done}, step=done)


@master_only
def draw_step(runner, model: TeacherStudentSegmentor) -> None:
    """Draw the pseudo-labels that a segmentor kept of this step.

    The file is ``pseudo_labels/iter_*.png`` of the work directory; where it cannot be written,
    that is a warning.

    Args:
        runner (Runner): The runner of the training.
        model (TeacherStudentSegmentor): Its ``images`` hold ``image (3, H, W)`` as the network got
            it, and ``entropy``, ``labels``, ``argmax`` and ``valid``, ``(H, W)`` each.
    """
    meta = runner.train_dataloader.dataset.metainfo
    # without a palette nothing is drawn; those of MMSegmentation always have one
    if not model.images or not meta.get('palette'):
        return
    maps = {name: value.detach().cpu() for name, value in model.images.items()}
    path = Path(runner.work_dir) / FOLDER / f'iter_{runner.iter + 1}.png'
    try:
        draw_pseudo_labels(
            original_image(maps['image'], model.data_preprocessor), maps['entropy'].float().numpy(),
            maps['argmax'].numpy(), (maps['labels'] != IGNORE).numpy(), maps['valid'].numpy(),
            meta['classes'], meta['palette'], path)
    except OSError as error:
        runner.logger.warning(f'{path} is not written: {error}')


def _on_host(tensors: dict[str, Tensor]) -> dict[str, float | list[float]]:
    if not tensors:
        return {}
    flat = torch.cat([value.float().reshape(-1) for value in tensors.values()]).tolist()
    values = {}
    for name, tensor in tensors.items():
        own, flat = flat[:tensor.numel()], flat[tensor.numel():]
        values[name] = own if tensor.ndim else own[0]
    return values


def original_image(image: Tensor, preprocessor: ImgDataPreprocessor) -> np.ndarray:
    """An image as it was before the network's normalisation.

    Args:
        image (Tensor): (3, H, W), on the CPU.
        preprocessor (ImgDataPreprocessor): The model's, which normalised it.

    Returns:
        np.ndarray: RGB ``(H, W, 3)``, uint8.
    """
    image = image.float()
    if preprocessor._enable_normalize:
        image = image * preprocessor.std.cpu() + preprocessor.mean.cpu()
    if not preprocessor._channel_conversion:
        image = image[[2, 1, 0]]  # images are read as BGR
    return image.clamp(0, 255).round().byte().permute(1, 2, 0).numpy()
