"""Networks of the repository's configs with random weights, and batches of random images."""
import contextlib
import copy
from collections.abc import Sequence
from typing import Any

import torch
from mmengine.config import Config, ConfigDict
from mmengine.optim import OptimWrapper, build_optim_wrapper
from mmengine.registry import init_default_scope
from mmengine.structures import InstanceData, PixelData
from operators import Detector
from parts import network_cost
from torch import Tensor, nn

from plugin.utils.config import is_detection, wrapped_key

from .common import ROOT

PRECISIONS = dict(float32=torch.float32, float16=torch.float16, bfloat16=torch.bfloat16)


class Learner:
    """A network of a config, and steps of it on random images.

    Args:
        config (str): Name of a config.
        device (str): ``cpu`` or ``cuda``.
        size (Sequence[int], optional): Height and width of the images; the config's crop, or for
            detectors what its test pipeline makes, by default.
        batch (int): Images; of semi-supervised methods half of them without labels.
        keys (int, optional): Keys of a class in a memory bank, for a small machine.
    """

    def __init__(self, config: str, device: str, *, size: Sequence[int] | None = None,
                 batch: int = 4, keys: int | None = None) -> None:
        path = ROOT / f'configs/{config}.py'
        self.cfg, self.device = Config.fromfile(path), device
        if keys is not None:
            self.cfg.model.contrastive.bank.update(capacity=keys, background_capacity=keys)
        wrapped = wrapped_key(self.cfg.model)
        self.semi = wrapped is not None
        inner = self.cfg.model[wrapped] if wrapped else self.cfg.model
        for part in (self.cfg.model, inner):
            if size and part.get('data_preprocessor', {}).get('size'):
                part.data_preprocessor.size = tuple(size)  # to which images are padded
        if is_detection(self.cfg):
            detector = Detector(str(path), size, device, number=batch)
            self.model, self.size = detector.model, detector.size
            self.data = dict(inputs=[image for image, _ in detector.data],
                             data_samples=[sample for _, sample in detector.data])
        else:
            self.model = network_cost.build(self.cfg, device)
            self.size = tuple(size or self.cfg.get('crop_size') or (360, 480))
            self.data = _pixels(self.size, batch, inner)
        if self.semi:
            _hide_labels(self.data, is_detection(self.cfg))
        if hasattr(self.model, 'thresholds'):
            # of random weights nothing is sure: let all that is found teach
            self.model.thresholds.lowest = self.model.thresholds.highest = 0.
            self.model.unsupervised.update(candidates=0.05, sureness=0., spread=1e3)
        self.model.train()
        self.images = batch
        self.wrapper = self.wrap('float32')

    def wrap(self, precision: str) -> OptimWrapper:
        """The optimiser of the config in a precision; each step from then on moves the weights."""
        settings = copy.deepcopy(self.cfg.optim_wrapper)
        for key in ('dtype', 'loss_scale', 'use_fp64', 'accumulative_counts'):
            settings.pop(key, None)
        settings.type = 'OptimWrapper'
        if precision != 'float32' and self.device == 'cuda':
            # bfloat16 has the range of float32: nothing is scaled, nor asked for infinities
            settings.update(type='AmpOptimWrapper', dtype=precision, loss_scale='dynamic' if
                            precision == 'float16' else dict(enabled=False))
        self.wrapper = build_optim_wrapper(self.model, settings)
        return self.wrapper

    def batch(self) -> dict[str, Any]:
        """The images and labels as a data loader gives them; a step may add to its samples."""
        # new samples around the same tensors: copying masks would take longer than a step
        return dict(inputs=list(self.data['inputs']),
                    data_samples=[sample.new() for sample in self.data['data_samples']])

    def step(self, precision: str = 'float32') -> dict[str, Tensor]:
        """One training step; returns its losses."""
        with self.autocast(precision):
            losses = self.model.train_step(self.batch(), self.wrapper)
        if hasattr(self.model, 'update_teacher'):
            self.model.update_teacher(0.99)
        return losses

    def losses(self, precision: str = 'float32') -> Tensor:
        """The total loss of the batch, with a graph and not yet scaled."""
        on_device = self.model.data_preprocessor(self.batch(), True)
        with self.autocast(precision, also_gpu=True):
            return self.model.parse_losses(self.model(**on_device, mode='loss'))[0]

    def autocast(self, precision: str, also_gpu: bool = False) -> Any:
        """Mixed precision where the wrapper has none: MMEngine's is for GPUs alone."""
        if precision == 'float32' or (self.device == 'cuda' and not also_gpu):
            return contextlib.nullcontext()
        return torch.autocast(self.device, dtype=PRECISIONS[precision])


def _pixels(size: tuple[int, int], batch: int, model: ConfigDict) -> dict[str, list]:
    """Random images with labels."""
    init_default_scope('mmseg')
    channels = len(model.get('data_preprocessor', {}).get('mean') or (0, 0, 0))
    return dict(inputs=list(torch.randint(256, (batch, channels, *size), dtype=torch.uint8)),
                data_samples=network_cost.samples(size, batch, model.decode_head.num_classes))


def _hide_labels(data: dict[str, list], instances: bool) -> None:
    """Mark the second half of a batch as unlabelled, with the views that the pipelines make."""
    import numpy as np
    half = len(data['inputs']) // 2
    for image, sample in zip(data['inputs'][half:], data['data_samples'][half:]):
        sample.set_metainfo(dict(unlabeled=True))
        if instances:
            sample.gt_instances = sample.gt_instances[:0]
            sample.strong_view = PixelData(data=image.flip(2))
            mirror = np.diag([-1., 1., 1.])
            mirror[0, 2] = image.shape[2]
            sample.set_metainfo(dict(strong_matrix=mirror))
        else:
            sample.strong_views = PixelData(data=torch.cat([image.flip(0), 255 - image]))
    if instances:
        for sample in data['data_samples']:
            sample.ignored_instances = InstanceData(
                bboxes=torch.zeros(0, 4), labels=torch.zeros(0, dtype=torch.long))


def gradients(model: nn.Module) -> dict[str, int]:
    """How many parameters have a gradient, and how many of those are not finite."""
    grads = [value.grad for value in model.parameters() if value.grad is not None]
    finite = [bool(grad.isfinite().all()) for grad in grads]
    return dict(gradients=len(grads), not_finite=finite.count(False))
