"""Packs images with a weight for each pixel for a model."""
import torch
from mmengine.structures import PixelData
from mmseg.datasets import PackSegInputs
from mmseg.registry import TRANSFORMS

from plugin.utils import UserError


@TRANSFORMS.register_module()
class PackWeightedSegInputs(PackSegInputs):
    """Like mmseg's ``PackSegInputs``, and the weights of the pixels with it.

    The weights are ``sample.gt_weight_map.data``, (1, H, W) float32.
    :class:`~plugin.models.decode_heads.UNetHead` multiplies the losses with them.
    """

    def transform(self, results: dict) -> dict:
        """Pack ``results``, which must hold ``gt_weight_map`` (see ``BorderWeight``).

        Raises:
            UserError: If there are no weights, or they have another size than the label.
        """
        if 'gt_weight_map' not in results:
            raise UserError('there is no gt_weight_map to pack: put BorderWeight before '
                            'PackWeightedSegInputs, or use PackSegInputs')
        weights, label = results['gt_weight_map'], results['gt_seg_map']
        if weights.shape != label.shape:
            raise UserError(f'gt_weight_map is {weights.shape} and the label {label.shape}: a '
                            'transform between BorderWeight and here does not move seg_fields, '
                            'so put BorderWeight behind it')
        packed = super().transform(results)
        # a copy: flips leave strides that torch does not take
        packed['data_samples'].gt_weight_map = PixelData(
            data=torch.from_numpy(weights[None].astype('float32', order='C')))
        return packed
