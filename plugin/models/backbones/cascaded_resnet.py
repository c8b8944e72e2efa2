"""ResNet that goes deeper with atrous convolution, the cascaded DeepLab v3."""
from collections.abc import Sequence

from mmengine.model import constant_init, kaiming_init
from mmseg.models.backbones import ResNet
from mmseg.registry import MODELS
from torch import nn

from plugin.utils import UserError


@MODELS.register_module()
class CascadedResNet(ResNet):
    """ResNet with copies of its last block behind it: blocks 5, 6 and 7.

    L.-C. Chen, G. Papandreou, F. Schroff, H. Adam, `Rethinking Atrous Convolution for Semantic
    Image Segmentation <https://arxiv.org/abs/1706.05587>`_, section 3.2 and figure 3 (b). Each
    block keeps the stride and doubles the rate of the one before. The rate of a 3x3 convolution in
    blocks 4 to 7 is the rate of its block times its unit rate (section 3.2.1, "multi-grid").

    The blocks are ``layer1`` to ``layer7``, so that weights of an ordinary ResNet load as they
    are. New blocks start as the identity.

    Args:
        depth (int): Of the ResNet: 18, 34, 50, 101 or 152. Defaults to 101.
        cascaded_blocks (int): Blocks behind block 4. Defaults to 3.
        unit_rates (Sequence[int]): One unit rate for each unit of a block. ``multi_grid`` of
            :class:`mmseg.models.backbones.ResNet` has rates in its place, those of block 4.
            Defaults to ``(1, 2, 1)``, the best of the paper's table 4 for seven blocks.
        strides (Sequence[int]): Of blocks 1 to 4. Defaults to ``(1, 2, 2, 1)``: output stride 16.
        dilations (Sequence[int]): Rates of blocks 1 to 4. Defaults to ``(1, 1, 1, 2)``.
        out_indices (Sequence[int], optional): Blocks to return, 0 for block 1. Defaults to all.
        frozen_stages (int): Blocks that do not learn, from the first on; 0 is the stem alone.
            Defaults to -1, none.
        zero_init_residual (bool): Start the last norm of each unit at zero. Weights that are loaded
            replace that in blocks 1 to 4. Defaults to True.
        init_cfg (dict | list, optional): Defaults to He initialisation.
        kwargs: Of :class:`mmseg.models.backbones.ResNet`; ``dcn`` and ``plugins`` act in blocks 1
            to 4.

    Raises:
        UserError: If ``unit_rates`` or ``out_indices`` do not fit the blocks.
    """

    def __init__(self,
                 *,
                 depth: int = 101,
                 cascaded_blocks: int = 3,
                 unit_rates: Sequence[int] = (1, 2, 1),
                 strides: Sequence[int] = (1, 2, 2, 1),
                 dilations: Sequence[int] = (1, 1, 1, 2),
                 out_indices: Sequence[int] | None = None,
                 frozen_stages: int = -1,
                 zero_init_residual: bool = True,
                 init_cfg: dict | Sequence[dict] | None = None,
                 **kwargs) -> None:
        units = self.arch_settings[depth][1][-1] if depth in self.arch_settings else None
        if units is not None and len(unit_rates) != units:
            raise UserError(f'unit_rates={tuple(unit_rates)} has {len(unit_rates)} rates, but a '
                            f'block of ResNet-{depth} has {units} units: give each one a rate')
        blocks = range(4 + cascaded_blocks)
        out_indices = tuple(blocks if out_indices is None else out_indices)
        if not out_indices or not set(out_indices) <= set(blocks):
            raise UserError(f'out_indices={out_indices} names blocks that this network does not '
                            f'have: use numbers from 0 to {len(blocks) - 1}')
        # out_indices and frozen_stages may name blocks beyond the fourth, which do not exist yet
        super().__init__(
            depth, strides=tuple(strides), dilations=tuple(dilations), out_indices=(0, ),
            multi_grid=[rate * dilations[-1] for rate in unit_rates],
            zero_init_residual=zero_init_residual, init_cfg=init_cfg, **kwargs)
        self.unit_rates = tuple(unit_rates)
        for number in blocks[4:]:
            self._add_block(number + 1, dilations[-1] * 2 ** (number - 3))
        self.out_indices = out_indices
        self.frozen_stages = frozen_stages
        self._freeze_stages()

    def _add_block(self, number: int, dilation: int) -> None:
        # as block 4, but without a projection: it has as many maps in as out
        block = self.make_res_layer(
            block=self.block, inplanes=self.inplanes, planes=self.base_channels * 8,
            num_blocks=self.stage_blocks[-1], stride=1, dilation=dilation,
            multi_grid=[rate * dilation for rate in self.unit_rates], style=self.style,
            avg_down=self.avg_down, with_cp=self.with_cp, conv_cfg=self.conv_cfg,
            norm_cfg=self.norm_cfg, init_cfg=self.layer4[0].init_cfg)
        # MMEngine initialises nothing if weights are loaded, but those of a ResNet lack this block
        for module in block.modules():
            if isinstance(module, nn.Conv2d):
                kaiming_init(module)
        if self.zero_init_residual:
            for unit in block:
                constant_init(getattr(unit, 'norm3', None) or unit.norm2, 0)
        self.add_module(f'layer{number}', block)
        self.res_layers.append(f'layer{number}')
