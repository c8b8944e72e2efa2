"""A segmentor for networks without padding, whose logits are smaller than the image."""
from mmseg.registry import MODELS
from torch import Tensor

from ..postprocess.tile_axis import cut_tile
from .encoder_decoder import EncoderDecoder


@MODELS.register_module()
class UnpaddedEncoderDecoder(EncoderDecoder):
    """An ``EncoderDecoder`` of unpadded convolutions that predicts every pixel of its input.

    Images (or the windows of ``mode='slide'``) of any size are extended by their mirror image,
    such that each of their pixels is seen in full context (U-Net, figure 2), and the logits are
    cut to their size. In training nothing is extended: the loss is that of the pixels for which
    the network has real context.

    With ``mode='tile'`` the inputs of tiles overlap, their predictions do not: the overlap-tile
    strategy of the paper. The steps between tiles are multiples of the pooling grid, so that the
    logits are those of the whole image, apart from rounding.

    The decode head has ``margin``, ``fitting_size`` and ``tile_step``, as
    :class:`~plugin.models.decode_heads.UNetHead` has.
    """

    def encode_decode(self, inputs: Tensor, batch_img_metas: list[dict]) -> Tensor:
        """Logits of the size of the images.

        Args:
            inputs (Tensor): (N, 3, H, W).
            batch_img_metas (list[dict]): Not used where there is a margin.

        Returns:
            Tensor: (N, C, H, W).
        """
        margin = self.decode_head.margin
        if not margin:
            return super().encode_decode(inputs, batch_img_metas)
        height, width = inputs.shape[2:]
        rows, columns = self.decode_head.fitting_size((height, width))
        extended = cut_tile(inputs, -margin, -margin, rows, columns, 'reflect')
        logits = self.decode_head(self.extract_feat(extended))
        return logits[:, :, :height, :width]
