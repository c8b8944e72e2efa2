"""Whole images through a network that loses its borders."""

from mmseg.registry import MODELS
from torch import Tensor

from ..postprocess.tile_axis import cut_tile
from .encoder_decoder import EncoderDecoder


@MODELS.register_module()
class UnpaddedEncoderDecoder(EncoderDecoder):
    """An ``EncoderDecoder`` of unpadded convolutions that answers for every pixel it is shown.

    Images (or the windows of ``mode='slide'``) of any size are extended by their mirror image,
    such that each of their pixels is seen in full context (U-Net, figure 2), and the logits are
    cut to their size. In training nothing is extended: the loss is that of the pixels for which
    the network has real context.

    With ``mode='tile'`` tiles overlap in what they see, not in what they answer for; this is the
    overlap-tile strategy of the paper. The steps between them keep to the pooling grid, so that
    the logits are those of the whole image, but for rounding.

    The decode head tells its ``margin``, ``fitting_size`` and ``tile_step``, as
    :class:`~plugin.models.decode_heads.UNetHead` does.
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
        seen = self.decode_head.fitting_size((height, width))
        extended = cut_tile(inputs, -margin, -margin, *seen, 'reflect')
        logits = self.decode_head(self.extract_feat(extended))
        return logits[:, :, :height, :width]
