"""The decoder of RefineNet."""
from collections.abc import Sequence

from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from mmseg.registry import MODELS
from torch import Tensor, nn

from plugin.utils import UserError

from ..layers import RefineNetBlock, conv3x3

# levels of the backbone that each block takes, by the number of blocks; the coarsest block first
CASCADES = {1: ((3, 2, 1, 0), ), 2: ((3, 2), (1, 0)), 4: ((3, ), (2, ), (1, ), (0, ))}
# residual units at the end of the last block: the paper adds two before the classifier
LAST_OUTPUTS = 3


@MODELS.register_module()
class RefineNetHead(BaseDecodeHead):
    """Blocks that refine coarse features with finer ones, from the coarsest level to the finest.

    G. Lin, A. Milan, C. Shen, I. Reid, `RefineNet: Multi-Path Refinement Networks for
    High-Resolution Semantic Segmentation <https://arxiv.org/abs/1611.06612>`_, sections 3.2 and
    4.4. An adaptive 3x3 convolution reduces each level to its number of maps. Then a block takes
    one level and the block before (``cascade=4``, the paper's network), two levels and the block
    before (2), or all four levels at once (1). The blocks have one residual unit at their end, the
    last one three. As published, the classifier is a 3x3 convolution.

    Args:
        in_channels (Sequence[int]): Channels of the four levels, strides 4, 8, 16 and 32.
        channels (int): Maps of the three finer levels and of the classifier's input. Defaults
            to 256.
        num_classes (int): Number of classes ``C``.
        coarse_channels (int): Maps of the coarsest level. Defaults to 512.
        cascade (int): Number of blocks: 4, 2 or 1. Defaults to 4.
        pools (int): Poolings of each chain. Defaults to 2, as in the paper; 4 were published
            later.
        classifier_size (int): Kernel of ``conv_seg``, odd. Defaults to 3.
        in_index (Sequence[int]): Where the levels stand in the backbone's output. Defaults
            to (0, 1, 2, 3).
        norm_cfg (dict, optional): Norm after each convolution but the adaptive ones. Defaults to
            None: the paper takes batch norm out of the decoder.
        dropout_ratio (float): Dropout of single values, as in the published code, before the
            classifier and of the two coarsest levels. Defaults to 0.5.
        init_cfg (dict | list, optional): Defaults to the published normal distribution of standard
            deviation 0.01: without norms, He initialisation would double the variance with every
            residual unit. With norms, of the classifier alone; the others start from He's.
        kwargs: Of :class:`mmseg.models.decode_heads.decode_head.BaseDecodeHead`.
    """

    def __init__(self,
                 in_channels: Sequence[int],
                 channels: int = 256,
                 *,
                 num_classes: int,
                 coarse_channels: int = 512,
                 cascade: int = 4,
                 pools: int = 2,
                 classifier_size: int = 3,
                 in_index: Sequence[int] = (0, 1, 2, 3),
                 norm_cfg: dict | None = None,
                 dropout_ratio: float = 0.5,
                 init_cfg: dict | Sequence[dict] | None = None,
                 **kwargs) -> None:
        if cascade not in CASCADES:
            raise UserError(f'cascade={cascade!r} is unknown: use 4, 2 or 1 blocks')
        if len(in_channels) != 4 or len(in_index) != 4:
            raise UserError(f'RefineNet takes four levels, but in_channels={list(in_channels)} '
                            f'and in_index={list(in_index)}: name those of strides 4, 8, 16, 32')
        super().__init__(
            list(in_channels), channels, num_classes=num_classes, in_index=list(in_index),
            input_transform='multiple_select', norm_cfg=norm_cfg, dropout_ratio=dropout_ratio,
            init_cfg=init_cfg or _published_init(norm_cfg), **kwargs)
        # that of mmseg drops whole maps
        self.dropout = nn.Dropout(dropout_ratio) if dropout_ratio > 0 else None
        self.conv_seg = nn.Conv2d(channels, self.out_channels, classifier_size,
                                  padding=classifier_size // 2)
        widths = (channels, channels, channels, coarse_channels)
        self.reduce = nn.ModuleList(
            conv3x3(width, reduced) for width, reduced in zip(in_channels, widths))
        self._groups = CASCADES[cascade]
        self.blocks = nn.ModuleList()
        before: list[int] = []
        for group in self._groups:
            block = RefineNetBlock(
                [*before, *(widths[level] for level in group)], pools=pools,
                outputs=LAST_OUTPUTS if group is self._groups[-1] else 1,
                align_corners=self.align_corners, norm_cfg=norm_cfg)
            self.blocks.append(block)
            before = [block.out_channels]

    def forward(self, inputs: Sequence[Tensor]) -> Tensor:
        """Score every position of the finest level.

        Args:
            inputs (Sequence[Tensor]): The backbone's output; the levels that ``in_index`` names
                are (N, in_channels[k], h_k, w_k), the finest first.

        Returns:
            Tensor: Logits, (N, C, h_0, w_0).
        """
        levels = self._transform_inputs(inputs)
        if self.dropout is not None:
            levels = [*levels[:2], *map(self.dropout, levels[2:])]
        reduced = [conv(level) for conv, level in zip(self.reduce, levels)]
        paths: list[Tensor] = []
        for block, group in zip(self.blocks, self._groups):
            paths = [block([*paths, *(reduced[level] for level in group)])]
        return self.cls_seg(paths[0])


def _published_init(norm_cfg: dict | None) -> dict:
    if norm_cfg is None:
        return dict(type='Normal', std=0.01, layer='Conv2d')
    return dict(type='Normal', std=0.01, override=dict(name='conv_seg'))
