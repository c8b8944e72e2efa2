"""Results of a test named by the paths of their images."""
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from mmengine.hooks import Hook
from mmengine.registry import HOOKS
from mmengine.runner import Runner

from plugin.datasets.image_names import base_name, image_names

from ..drawing import Drawing


@HOOKS.register_module()
class NamedResultsHook(Hook):
    """Names each result of a test by the path of its image below the folder of images.

    The hooks of MMSegmentation and MMDetection take the last part of the path, or none, so that
    ``a/0001.jpg`` and ``b/0001.jpg`` cannot be told apart. ``plugin.runs.test`` adds this hook.

    Args:
        folder (str, optional): Draw the truth and the prediction over each image into
            ``vis_data/vis_image`` of this, which the visualizer must have as ``save_dir``.
            Defaults to None: draw nothing.
        backend_args (dict, optional): Where MMEngine's file client finds the images.
        **options: For ``add_datasample`` of the visualizer, such as ``pred_score_thr``.
    """

    def __init__(self, folder: str | None = None, backend_args: dict | None = None,
                 **options: Any) -> None:
        self.folder = None if folder is None else Path(folder) / 'vis_data' / 'vis_image'
        self.backend_args = backend_args
        self.options = options
        self._name: Callable[[str], str] = base_name
        self._number = 0

    def before_test(self, runner: Runner) -> None:
        """Tell the metrics what the images are called."""
        self._name, self._number = image_names(runner.test_dataloader.dataset), 0
        if self.folder is not None:
            self._drawing = Drawing(runner.visualizer, self.backend_args)
        for metric in runner.test_evaluator.metrics:
            if hasattr(metric, 'image_name'):
                metric.image_name = self._name

    def after_test_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None,
                        outputs: Sequence | None = None) -> None:
        """Draw the images of a batch."""
        if self.folder is None:
            return
        for sample in outputs or []:
            self._number += 1
            name = Path(self._name(sample.img_path))
            # OpenCV writes into no folder that is not there, and does not say so
            (self.folder / name.parent).mkdir(parents=True, exist_ok=True)
            self._drawing.draw((name.parent / f'test_{name.name}').as_posix(), sample.img_path,
                               sample, step=self._number, **self.options)

    def after_test(self, runner: Runner) -> None:
        """Wait until all is drawn."""
        if self.folder is not None:
            self._drawing.finish()
