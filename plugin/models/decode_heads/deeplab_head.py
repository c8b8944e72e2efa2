"""The classifier of DeepLab v1, and what the heads of DeepLab v1 and v2 share."""
from collections.abc import Sequence
from fractions import Fraction

import torch
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from mmseg.registry import MODELS
from mmseg.utils import SampleList
from torch import Tensor

from plugin.utils import UserError

from ..layers import resample_aligned


class DeepLabHead(BaseDecodeHead):
    """Scores at 1/8 of the image, compared there with every eighth label.

    L.-C. Chen, G. Papandreou, I. Kokkinos, K. Murphy, A. Yuille, `Semantic Image Segmentation with
    Deep Convolutional Nets and Fully Connected CRFs <https://arxiv.org/abs/1412.7062>`_,
    section 4.1: the loss is taken over the positions of the score map, with the labels subsampled
    by 8; for prediction the scores are interpolated. Position ``i`` stands for pixel ``8 * i``, in
    the loss and in the prediction, whatever the size of the image.

    Args:
        stride (int): Pixels between two scores. Defaults to 8.
        kwargs: Of :class:`mmseg.models.decode_heads.decode_head.BaseDecodeHead`; ``align_corners``
            defaults to True, ``dropout_ratio`` to 0.
    """

    def __init__(self, *args, stride: int = 8, **kwargs) -> None:
        kwargs.setdefault('align_corners', True)
        kwargs.setdefault('dropout_ratio', 0.)
        super().__init__(*args, **kwargs)
        self.stride = stride
        self.tile_step = stride  # of mode='tile': the scores of a tile lie where the image's lie

    def _stack_batch_gt(self, batch_data_samples: SampleList) -> Tensor:
        labels = super()._stack_batch_gt(batch_data_samples)
        return labels[:, :, ::self.stride, ::self.stride]

    def loss_by_feat(self, seg_logits: Tensor, batch_data_samples: SampleList) -> dict:
        """Losses at the size of the scores.

        Args:
            seg_logits (Tensor): (N, C, h, w), ``h = ceil(H / stride)``, or one more where the last
                position lies beyond the image.
            batch_data_samples (list[SegDataSample]): With ``gt_sem_seg``, (1, H, W).

        Returns:
            dict[str, Tensor]: See ``BaseDecodeHead.loss_by_feat``.

        Raises:
            UserError: If the scores cannot belong to such images.
        """
        size = batch_data_samples[0].gt_sem_seg.shape
        fitting = [-(-extent // self.stride) for extent in size]
        given = seg_logits.shape[2:]
        if any(have not in (need, need + 1) for have, need in zip(given, fitting)):
            raise UserError(
                f'the head scored {given[0]}x{given[1]} positions, but every {self.stride}th label '
                f'of {size[0]}x{size[1]} pixels makes {fitting[0]}x{fitting[1]}: give '
                f'{type(self).__name__} the stride of its backbone')
        return super().loss_by_feat(seg_logits[:, :, :fitting[0], :fitting[1]],
                                    batch_data_samples)

    def predict_by_feat(self, seg_logits: Tensor, batch_img_metas: list[dict]) -> Tensor:
        """Interpolate the scores (N, C, h, w) to the padded image, (N, C, H, W)."""
        return resample_aligned(seg_logits, Fraction(1, self.stride),
                                image_size(batch_img_metas[0]))


@MODELS.register_module()
class DeepLabLargeFOVHead(DeepLabHead):
    """fc8 of DeepLab-LargeFOV: one 1 x 1 convolution, compared with every eighth label.

    Args:
        in_channels (int): Channels of fc7, 1024 in ``DeepLabVGG16``.
        num_classes (int): Number of classes ``C``.
        kwargs: Of :class:`DeepLabHead`; the backbone has the dropout.
    """

    def __init__(self, in_channels: int, *, num_classes: int, **kwargs) -> None:
        super().__init__(in_channels, in_channels, num_classes=num_classes, **kwargs)

    def forward(self, inputs: Sequence[Tensor]) -> Tensor:
        """Score the last level (N, in_channels, h, w) of the backbone: (N, C, h, w)."""
        return self.cls_seg(self._transform_inputs(inputs))


def image_size(meta: dict) -> tuple[int, int]:
    """``(H, W)`` of what enters the network: a window of ``slide``, or the padded image."""
    window = isinstance(meta['img_shape'], torch.Size)
    size = meta['img_shape'] if window else meta.get('pad_shape', meta['img_shape'])
    return int(size[0]), int(size[1])
