"""The classifier of DeepLab-MSc, which also sees the image and the first four poolings."""
from collections.abc import Sequence
from fractions import Fraction

import torch.nn.functional as F
from mmseg.registry import MODELS
from torch import Tensor, nn

from plugin.utils import UserError

from ..layers import resample_aligned
from .deeplab_head import DeepLabHead, image_size


@MODELS.register_module()
class DeepLabMScHead(DeepLabHead):
    """Multi-scale features of DeepLab v1.

    L.-C. Chen, G. Papandreou, I. Kokkinos, K. Murphy, A. Yuille, `Semantic Image Segmentation with
    Deep Convolutional Nets and Fully Connected CRFs <https://arxiv.org/abs/1412.7062>`_,
    section 4.3: the image and each of the first four poolings pass a 3 x 3 and a 1 x 1
    convolution of 128 maps; these features are concatenated to the last ones and classified
    together. As in the published model each level has a classifier of its own and the scores are
    added, which is the same function: ``conv_seg`` is fc8 of DeepLab-LargeFOV, whose checkpoints
    fit.

    The first convolution of a branch strides to 1/8 in the training. In the published test it does
    not, and the scores of each level are interpolated to the pixels before they are added. So does
    :meth:`predict`, whose scores agree with those of the training at every eighth pixel.

    The published branches start from a Gaussian of 0.001 for images of 0 to 255; here from He
    initialisation, which does not depend on the range.

    Args:
        in_channels (Sequence[int]): Channels of the levels, fine to coarse; the last one is that of
            the main network, the others get branches.
        num_classes (int): Number of classes ``C``.
        level_strides (Sequence[int]): Strides of the levels. Defaults to
            ``(1, 2, 4, 8, 8, 8)``: data, pool1 ... pool4, fc7.
        in_index (Sequence[int], optional): Where the levels stand in the backbone's output.
            Defaults to its first ones.
        branch_channels (int): Maps of a branch. Defaults to 128.
        branch_dropout (float): Dropout after both convolutions of a branch. Defaults to 0.5.
        dense (bool): Predict from the fine levels at their own stride, as published; False
            predicts at 1/8, which needs less memory. Defaults to True.
        kwargs: Of :class:`DeepLabHead`.
    """

    def __init__(self,
                 in_channels: Sequence[int],
                 *,
                 num_classes: int,
                 level_strides: Sequence[int] = (1, 2, 4, 8, 8, 8),
                 in_index: Sequence[int] | None = None,
                 branch_channels: int = 128,
                 branch_dropout: float = 0.5,
                 dense: bool = True,
                 init_cfg: dict | None = None,
                 **kwargs) -> None:
        if in_index is None:
            in_index = range(len(in_channels))
        if init_cfg is None:
            init_cfg = dict(type='Kaiming', layer='Conv2d',
                            override=[dict(type='Normal', name='conv_seg', std=0.01),
                                      dict(type='Normal', name='scores', std=0.01)])
        super().__init__(list(in_channels), in_channels[-1], num_classes=num_classes,
                         in_index=list(in_index), input_transform='multiple_select',
                         init_cfg=init_cfg, **kwargs)
        if len(level_strides) != len(in_channels) or level_strides[-1] != self.stride or any(
                self.stride % stride for stride in level_strides):
            raise UserError(
                f'level_strides={tuple(level_strides)} do not lead to {len(in_channels)} levels of '
                f'stride {self.stride}: give a divisor of it for each, and itself for the last')
        self.level_strides = tuple(level_strides)
        self.dense = dense
        self.branches = nn.ModuleList(
            Branch(channels, branch_channels, branch_dropout) for channels in in_channels[:-1])
        self.scores = nn.ModuleList(
            nn.Conv2d(branch_channels, self.out_channels, 1) for _ in self.branches)

    def forward(self, inputs: Sequence[Tensor]) -> Tensor:
        """Score every eighth pixel.

        Args:
            inputs (Sequence[Tensor]): The backbone's output, each level (N, channels, h, w).

        Returns:
            Tensor: Logits, (N, C, ceil(H / 8), ceil(W / 8)).
        """
        *fine, main = self._transform_inputs(inputs)
        scores = [score(branch(level, stride=self.stride // stride))
                  for level, stride, branch, score
                  in zip(fine, self.level_strides, self.branches, self.scores)]
        scores.append(self.cls_seg(main))
        # a level of an even size may have a position beyond the image
        height, width = (min(x.shape[axis] for x in scores) for axis in (2, 3))
        return sum(x[:, :, :height, :width] for x in scores)

    def predict(self, inputs: Sequence[Tensor], batch_img_metas: list[dict],
                test_cfg: dict) -> Tensor:
        """Logits at the size of the padded image, (N, C, H, W); see ``BaseDecodeHead.predict``."""
        if not self.dense:
            return super().predict(inputs, batch_img_metas, test_cfg)
        *fine, main = self._transform_inputs(inputs)
        size = image_size(batch_img_metas[0])
        total = self.predict_by_feat(self.cls_seg(main), batch_img_metas)
        for level, stride, branch, score in zip(fine, self.level_strides, self.branches,
                                                self.scores):
            total = total + resample_aligned(score(branch(level)), Fraction(1, stride), size)
        return total


class Branch(nn.Module):
    """A 3 x 3 and a 1 x 1 convolution, each with ReLU and dropout.

    Args:
        in_channels (int): Channels of the level.
        channels (int): Maps of both convolutions.
        dropout_ratio (float): Of both.
    """

    def __init__(self, in_channels: int, channels: int, dropout_ratio: float) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, channels, 3, padding=1)
        self.fc = nn.Conv2d(channels, channels, 1)
        self.dropout = nn.Dropout(dropout_ratio)

    def forward(self, x: Tensor, stride: int = 1) -> Tensor:
        """(N, in_channels, h, w) to (N, channels, ceil(h / stride), ceil(w / stride))."""
        x = F.conv2d(x, self.conv.weight, self.conv.bias, stride=stride, padding=1)
        x = self.fc(self.dropout(F.relu(x)))
        return self.dropout(F.relu(x))
