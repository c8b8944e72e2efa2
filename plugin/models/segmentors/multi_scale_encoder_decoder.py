"""One network on an image of several sizes, as in DeepLab v2."""
import functools
import math
from collections.abc import Sequence
from fractions import Fraction

import torch
from mmengine.structures import PixelData
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample
from mmseg.utils import OptSampleList, SampleList, add_prefix
from torch import Tensor

from plugin.utils import UserError

from ..layers import resample_aligned
from .encoder_decoder import EncoderDecoder


@MODELS.register_module()
class MultiScaleEncoderDecoder(EncoderDecoder):
    """Scores of several sizes of the image, fused by their maximum.

    L.-C. Chen, G. Papandreou, I. Kokkinos, K. Murphy, A. Yuille, `DeepLab: Semantic Image
    Segmentation with Deep Convolutional Nets, Atrous Convolution, and Fully Connected CRFs
    <https://arxiv.org/abs/1606.00915>`_, section 4.1.2 and the published models::

        scores_s = network(image at scale s)            for each s, with the same weights
        fused    = maximum over s of scores_s, brought to the positions of scale 1
        loss     = loss(fused) + sum over s of loss(scores_s)

    A scale ``1 / n`` is compared with every n-th label, at its own size; another one, such as 0.75,
    at the size of scale 1, since its positions lie between the pixels. Semi-supervised methods
    call backbone and head directly and use scale 1 only.

    Args:
        scales (Sequence[float]): Sizes of the image, 1 among them.
            Defaults to ``(1.0, 0.75, 0.5)``.
        kwargs: Of :class:`mmseg.models.segmentors.EncoderDecoder`. The decode head has
            ``align_corners=True``. Auxiliary heads see scale 1.
    """

    def __init__(self, *args, scales: Sequence[float] = (1.0, 0.75, 0.5), **kwargs) -> None:
        if 1 not in scales or min(scales) <= 0:
            raise UserError(f'scales={tuple(scales)} must be positive and contain 1, whose '
                            'positions the others are brought to: give e.g. (1.0, 0.75, 0.5)')
        # set before super().__init__, which reads the step of the tiles
        self.scales = tuple(Fraction(scale).limit_denominator(100) for scale in scales)
        super().__init__(*args, **kwargs)
        if not self.align_corners:
            raise UserError(f'{type(self.decode_head).__name__} has align_corners=False, but the '
                            'scales meet at positions that lie on pixels: set it to True')

    def _tile_step(self) -> int:
        # positions of scale s lie 1 / s times as far apart; tiles must fit the grids of all scales
        step = super()._tile_step()
        return math.lcm(*((step / scale).numerator for scale in self.scales))

    def loss(self, inputs: Tensor, data_samples: SampleList) -> dict[str, Tensor]:
        """Losses of the fused scores and of each scale.

        Args:
            inputs (Tensor): Images, (N, 3, H, W).
            data_samples (list[SegDataSample]): With ``gt_sem_seg``, (1, H, W).

        Returns:
            dict[str, Tensor]: ``decode.*`` of the fused scores, ``scale_1.*``, ``scale_0.75.*``,
            ... of the scales, and ``aux.*``.
        """
        levels = {scale: self.extract_feat(self._resized(inputs, scale)) for scale in self.scales}
        scores = {scale: self.decode_head(level) for scale, level in levels.items()}
        fused, aligned = self._fuse(scores)
        losses = add_prefix(self.decode_head.loss_by_feat(fused, data_samples), 'decode')
        for scale in self.scales:
            step = 1 / scale
            own = step.denominator == 1
            samples = _every_label(data_samples, step.numerator) if own else data_samples
            loss = self.decode_head.loss_by_feat(scores[scale] if own else aligned[scale], samples)
            losses.update(add_prefix(loss, f'scale_{float(scale):g}'))
        if self.with_auxiliary_head:
            losses.update(self._auxiliary_head_forward_train(levels[Fraction(1)], data_samples))
        return losses

    def encode_decode(self, inputs: Tensor, batch_img_metas: list[dict]) -> Tensor:
        """Fused logits of images or windows (N, 3, H, W): (N, C, H, W)."""
        return self.decode_head.predict_by_feat(self._forward(inputs), batch_img_metas)

    def _forward(self, inputs: Tensor, data_samples: OptSampleList = None) -> Tensor:
        """Fused logits at the positions of scale 1, (N, C, h, w)."""
        scores = {scale: self.decode_head(self.extract_feat(self._resized(inputs, scale)))
                  for scale in self.scales}
        return self._fuse(scores)[0]

    @staticmethod
    def _resized(inputs: Tensor, scale: Fraction) -> Tensor:
        if scale == 1:
            return inputs
        # 321 pixels become 241 and 161, of which the first and the last keep their places
        size = [int((extent - 1) * scale) + 1 for extent in inputs.shape[2:]]
        return resample_aligned(inputs, 1 / scale, size)

    @staticmethod
    def _fuse(scores: dict[Fraction, Tensor]) -> tuple[Tensor, dict[Fraction, Tensor]]:
        """The maximum of all, and each at the positions of scale 1."""
        size = scores[Fraction(1)].shape[2:]
        aligned = {scale: value if scale == 1 else resample_aligned(value, scale, size)
                   for scale, value in scores.items()}
        return functools.reduce(torch.maximum, aligned.values()), aligned


def _every_label(samples: SampleList, step: int) -> SampleList:
    """Samples with every ``step``-th label of both axes."""
    if step == 1:
        return samples
    return [
        SegDataSample(metainfo=sample.metainfo, gt_sem_seg=PixelData(
            data=sample.gt_sem_seg.data[..., ::step, ::step])) for sample in samples
    ]
