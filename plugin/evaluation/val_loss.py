"""The validation loss, computed from the outputs of the predictions without a second pass."""
import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from mmdet.models.detectors.base import BaseDetector
from mmdet.structures import DetDataSample
from mmengine.evaluator import BaseMetric
from mmengine.logging import print_log
from mmengine.model import BaseModel, is_model_wrapper
from mmengine.structures import InstanceData
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from mmseg.models.segmentors import BaseSegmentor
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from plugin.models.postprocess import logits
from plugin.models.semi.networks import predicting_head

Losses = dict[str, Tensor]
TRUTH = ('gt_instances', 'ignored_instances')


class ValidationLoss(BaseMetric):
    """The mean loss of all images, each of which counts the same: ``loss`` and its parts.

    The parts have the names that they have in the log of the training, such as ``decode.loss_ce``
    or ``loss_mask``; ``loss`` is their sum. An image that has no label is left out; where none
    has one, there is no loss. Images that a loader repeats to fill the last batches of several
    processes count once.

    Args:
        losses (SegmentorLoss | DetectorLoss): Of the model that is validated.
    """

    default_prefix = ''

    def __init__(self, losses: 'SegmentorLoss | DetectorLoss') -> None:
        super().__init__(collect_device='cpu')
        self._losses = losses

    @torch.no_grad()
    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Take the losses of a batch.

        Args:
            data_batch (Any): Not used.
            data_samples (Sequence[dict]): What the model returned, as dictionaries.
        """
        for losses in self._losses(data_samples):
            names = list(losses)
            # one copy from the device for all parts
            values = torch.stack([losses[name] for name in names]).tolist() if names else []
            self.results.append(dict(zip(names, values)))

    def compute_metrics(self, results: list[dict[str, float]]) -> dict[str, float]:
        """Mean over the images, ``{'loss': ..., part: ...}``; empty where none has a loss."""
        counted = [losses for losses in results if losses]
        if not counted:
            print_log('there is no validation loss: no image has a label, or '
                      'test_cfg.keep_logits=False drops what it is computed from',
                      logger='current')
            return {}
        names = dict.fromkeys(name for losses in counted for name in losses)
        parts = {name: sum(losses.get(name, 0.) for losses in counted) / len(counted)
                 for name in names}
        return {'loss': sum(parts.values()), **parts}


class SegmentorLoss:
    """Losses of a segmentor's decode head, of the logits that the scores are taken from.

    These are the logits at the size of the labels, whether of the whole image, windows, tiles,
    several scales or a CRF. Auxiliary heads are left out; of a method with several networks the one
    that predicts counts.

    Args:
        segmentor (BaseSegmentor): Also a ``TeacherStudentSegmentor``.
    """

    def __init__(self, segmentor: BaseSegmentor) -> None:
        self._segmentor = segmentor

    def __call__(self, samples: Sequence[dict]) -> list[Losses]:
        """Losses of each image; none where it has no label or no logits.

        Args:
            samples (Sequence[dict]): With ``seg_logits.data`` (C, H, W) and ``gt_sem_seg.data``
                (1, H, W), ids of the classes.
        """
        head = predicting_head(self._segmentor)
        return [self._of_image(head, sample) for sample in samples]

    def close(self) -> None:
        """Nothing is held."""

    @staticmethod
    def _of_image(head: BaseDecodeHead, sample: dict) -> Losses:
        if 'gt_sem_seg' not in sample or 'seg_logits' not in sample:
            return {}
        labels = sample['gt_sem_seg']['data'].long()
        if not (labels != head.ignore_index).any():
            return {}
        scores = logits(sample['seg_logits']['data'].float())[None]
        weight = None if head.sampler is None else head.sampler.sample(scores, labels[None])
        functions = head.loss_decode
        losses: Losses = {}
        for function in functions if isinstance(functions, nn.ModuleList) else [functions]:
            name = f'decode.{function.loss_name}'
            if 'loss' not in name:
                continue  # logged, but not part of the training loss
            value = function(scores, labels, weight=weight, ignore_index=head.ignore_index).mean()
            losses[name] = losses[name] + value if name in losses else value
        return losses


class DetectorLoss:
    """Losses of a detector of MMDetection, from the features that it predicts from.

    Boxes and masks of test pipelines have the size of the image; they are brought to the size
    that the network saw. Random samplers choose the same for an image every time. :meth:`close`
    removes the hooks from the detector. Of a method with several networks, the one that predicted
    last counts.

    Args:
        detector (BaseDetector): With ``loss`` and ``extract_feat``, or a method with such networks.
    """

    def __init__(self, detector: BaseDetector) -> None:
        self._detector = detector
        self._features: Sequence[Tensor] = ()
        names = getattr(detector, 'networks', ())
        networks = [getattr(detector, name) for name in names] or [detector]
        self._hooks = [self._follow(network) for network in networks]

    def __call__(self, samples: Sequence[dict]) -> list[Losses]:
        """Losses of each image of the batch that was predicted last.

        Args:
            samples (Sequence[dict]): With ``gt_instances``; none where there are no boxes.
        """
        return [self._of_image(sample, [level[index:index + 1].float()
                                        for level in self._features])
                for index, sample in enumerate(samples)]

    def close(self) -> None:
        """Remove the hooks from the detector."""
        for hook in self._hooks:
            hook.remove()
        self._features = ()

    def _of_image(self, sample: dict, features: list[Tensor]) -> Losses:
        if 'bboxes' not in sample.get('gt_instances', {}):
            return {}
        seen = at_network_size(sample)
        # losses use only the shape of the image
        image = features[0].new_zeros(()).expand(1, 3, *seen.batch_input_shape)
        # seeding changes the generator of the GPU too, which the training continues to use
        devices = [image.get_device()] if image.is_cuda else []
        with _extracted(self._detector, tuple(features)), torch.random.fork_rng(devices):
            torch.manual_seed(0)
            losses = self._detector.loss(image, [seen])
        return {name: sum(part.mean() for part in value) if isinstance(value, (list, tuple))
                else value.mean() for name, value in losses.items() if 'loss' in name}

    def _follow(self, network: BaseDetector) -> RemovableHandle:
        """Remember the features of a network whenever it is the one that predicts."""
        def remember(module: nn.Module, inputs: Any, outputs: Any) -> None:
            self._detector, self._features = network, outputs

        last = network.neck if network.with_neck else network.backbone
        return last.register_forward_hook(remember)


def losses_of(model: BaseModel) -> SegmentorLoss | DetectorLoss | None:
    """The object that computes the validation losses of a model; None if it has no losses.

    Args:
        model (BaseModel): A segmentor or detector, also one wrapped for distributed training.
    """
    model = model.module if is_model_wrapper(model) else model
    if isinstance(model, BaseDetector):
        trained = getattr(model, 'predictor', model)
        return DetectorLoss(model) if getattr(trained, 'train_cfg', None) else None
    return SegmentorLoss(model) if hasattr(predicting_head(model), 'loss_decode') else None


def at_network_size(sample: dict) -> DetDataSample:
    """The truth of an image at the size at which the network saw it.

    Args:
        sample (dict): With ``gt_instances``, boxes in pixels ``(n, 4)`` as x1, y1, x2, y2, and
            masks of their size. Without masks the boxes are those of ``ori_shape``.
    """
    meta = {name: value for name, value in sample.items()
            if name not in TRUTH and not name.startswith('pred_')}
    truth = {name: _resized(sample[name], meta) for name in TRUTH if name in sample}
    return DetDataSample(metainfo=meta, **truth)


def _resized(instances: dict, meta: dict) -> InstanceData:
    masks, size = instances.get('masks'), tuple(meta['img_shape'][:2])
    given = tuple(meta['ori_shape'][:2]) if masks is None else (masks.height, masks.width)
    result = InstanceData(**instances)
    if given != size:
        down, across = size[0] / given[0], size[1] / given[1]
        boxes = instances['bboxes']
        result.bboxes = boxes * boxes.new_tensor([across, down, across, down])
        if masks is not None:
            result.masks = masks.resize(size)
    return result


@contextlib.contextmanager
def _extracted(detector: BaseDetector, features: Sequence[Tensor]) -> Iterator[None]:
    """Replace ``extract_feat`` of the detector by these features, which were computed before."""
    detector.extract_feat = lambda inputs: features
    try:
        yield
    finally:
        del detector.extract_feat
