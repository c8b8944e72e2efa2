"""Drawings of the pseudo-instances of a training."""
from pathlib import Path

from mmengine.dist import master_only
from PIL import Image

from plugin.models.detectors import MaskTeacher
from plugin.utils import atomic_path
from plugin.visualization.instances import draw_instances

from .log import FOLDER, original_image


@master_only
def draw_pseudo_instances(runner, model: MaskTeacher) -> None:
    """Draw the instances that a student learned in this step, over its strong view.

    The file is ``pseudo_labels/iter_*.png`` of the work directory; where it cannot be written,
    that is a warning.

    Args:
        runner (Runner): The runner of the training.
        model (MaskTeacher): Its ``images`` hold ``image`` (3, H', W') as the network got it, and
            ``masks`` (K, H, W) without the padding.
    """
    if not model.images:
        return
    masks = model.images['masks'].cpu().numpy()
    image = original_image(model.images['image'].cpu(), model.data_preprocessor)
    height, width = masks.shape[1:]
    path = Path(runner.work_dir) / FOLDER / f'iter_{runner.iter + 1}.png'
    try:
        with atomic_path(path) as temporary:
            Image.fromarray(draw_instances(image[:height, :width], masks)).save(temporary)
    except OSError as error:
        runner.logger.warning(f'{path} is not written: {error}')
