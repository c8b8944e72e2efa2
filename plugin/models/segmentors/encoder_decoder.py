"""MMSegmentation's segmentors, with tiles and a dense CRF that ``test_cfg`` switches on."""
from collections.abc import Iterator
from typing import Any

import torch
from mmengine.structures import PixelData
from mmseg.models import segmentors as mmseg_segmentors
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from mmseg.models.utils import resize
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample
from mmseg.utils import OptSampleList, SampleList
from torch import Tensor, nn

from plugin.utils import UserError

from ..postprocess import (
    LabelRows,
    Tiling,
    join_bands,
    original_image,
    plan_axes,
    predict_bands,
    probabilities,
    set_probabilities,
)


class PredictionSteps(mmseg_segmentors.BaseSegmentor):
    """Tiles and a dense CRF, which ``test_cfg`` switches on; a mixin before mmseg's segmentors.

    **Tiles**: ``test_cfg=dict(mode='tile', crop_size=(512, 512), overlap=(128, 128))`` and the
    other settings of :class:`~plugin.models.postprocess.Tiling`. Unlike ``slide``, which lays
    each window out over the whole image, it runs a batch of windows at a time and adds them
    up in place. With ``keep_logits=False`` the samples have ``pred_sem_seg`` only, and only
    the logits of a few rows are in memory at a time: for large images.

    The head of a network without padding says in ``decode_head.margin`` how many pixels are lost
    on each side and in ``decode_head.fitting_size`` which input sizes fit;
    ``decode_head.tile_step`` is the default of ``step``.

    **DenseCRF**: ``test_cfg=dict(..., crf=dict(type='DenseCRF', ...))``, see
    :class:`~plugin.models.postprocess.DenseCRF`, in any mode. It sees the original image (see
    :func:`~plugin.models.postprocess.original_image`) and the softmax of the logits at its
    size, in float32. After it ``seg_logits`` holds the logarithm of the marginals, whose softmax
    they are, so that their argmax is ``pred_sem_seg`` and test-time augmentation averages
    marginals: it runs the CRF once for each view. With one output channel ``seg_logits`` is the
    marginal of the foreground, as it is the sigmoid without a CRF, and the threshold of the
    head decides.

    Importing ``plugin`` replaces MMSegmentation's ``EncoderDecoder`` and ``CascadeEncoderDecoder``
    in its registry by the classes below, so that every config has these settings. Without the
    settings they do what MMSegmentation's do.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        crf = (self.test_cfg or {}).get('crf')
        self.crf = MODELS.build(crf) if crf else None
        self._drops_logits()  # raises for settings that exclude each other

    @property
    def tiling(self) -> Tiling | None:
        """The settings of ``mode='tile'``; None in other modes."""
        if (self.test_cfg or {}).get('mode') != 'tile':
            return None
        head = self._last_head
        return Tiling.from_cfg(self.test_cfg, margin=getattr(head, 'margin', 0),
                               step=self._tile_step())

    def predict(self, inputs: Tensor, data_samples: OptSampleList = None) -> SampleList:
        """Predict images.

        Args:
            inputs (Tensor): Normalised images, (N, 3, H, W).
            data_samples (list[SegDataSample], optional): Their meta information.

        Returns:
            list[SegDataSample]: With ``pred_sem_seg`` (1, H', W') and, unless
            ``keep_logits=False``, ``seg_logits`` (C, H', W'), at the original sizes.
        """
        if self._drops_logits():
            return self._predict_labels(inputs, data_samples)
        samples = super().predict(inputs, data_samples)
        return samples if self.crf is None else self._refine(inputs, samples)

    def inference(self, inputs: Tensor, batch_img_metas: list[dict]) -> Tensor:
        """Logits of images (N, 3, H, W) in the mode of ``test_cfg``: (N, C, H, W)."""
        if self.tiling is None:
            return super().inference(inputs, batch_img_metas)
        return join_bands(self._bands(inputs), inputs.shape[2])

    def postprocess_result(self, seg_logits: Tensor,
                           data_samples: OptSampleList = None) -> SampleList:
        """Logits (N, C, H, W) at the original sizes, and their labels.

        The same as of MMSegmentation in a third of the time: what has its size already is not
        resized, and the labels come from ``max``, which is faster than ``argmax`` along classes.

        Args:
            seg_logits (Tensor): Logits of N images, (N, C, H, W).
            data_samples (list[SegDataSample], optional): Their meta information.

        Returns:
            list[SegDataSample]: With ``seg_logits`` (C, H', W') and ``pred_sem_seg`` (1, H', W').
        """
        samples = data_samples or [SegDataSample() for _ in seg_logits]
        for sample, logits in zip(samples, seg_logits):
            if data_samples is not None:
                logits = self._at_original_size(logits, sample.metainfo)
            labels = self._labels(logits)
            sample.set_data(dict(
                seg_logits=PixelData(data=logits if len(logits) > 1 else logits.sigmoid()),
                pred_sem_seg=PixelData(data=labels)))
        return samples

    def _at_original_size(self, logits: Tensor, meta: dict) -> Tensor:
        """Logits (C, H', W') without padding and mirroring."""
        left, right, top, bottom = meta.get('img_padding_size', meta.get('padding_size', [0] * 4))
        height, width = logits.shape[1:]
        logits = logits[:, top:height - bottom, left:width - right]
        if meta.get('flip'):
            logits = logits.flip(2 if meta.get('flip_direction') == 'horizontal' else 1)
        size = tuple(meta['ori_shape'][:2])
        if tuple(logits.shape[1:]) == size:
            return logits
        return resize(logits[None], size=size, mode='bilinear', align_corners=self.align_corners,
                      warning=False)[0]

    def _drops_logits(self) -> bool:
        """Whether predictions are labels only; raises where the CRF needs the logits."""
        tiling = self.tiling
        if tiling is None or tiling.keep_logits:
            return False
        if self.crf is not None:
            raise UserError('test_cfg.crf needs the logits of whole images: set '
                            'test_cfg.keep_logits=True, or leave the crf out')
        return True

    def _predict_labels(self, inputs: Tensor, data_samples: OptSampleList) -> SampleList:
        """Labels of tiled images, whose logits are dropped row by row."""
        samples = data_samples or [SegDataSample() for _ in inputs]
        if any('flip' in sample.metainfo for sample in samples):
            raise UserError('mirrored views are averaged by their logits, which '
                            'test_cfg.keep_logits=False drops: set it to True')
        rows = [LabelRows(inputs.shape[2:], sample.metainfo, self.align_corners, self._labels)
                for sample in samples]
        for band in self._bands(inputs):
            for one, logits in zip(rows, band):
                one.add(logits)
        for sample, one in zip(samples, rows):
            sample.set_data(dict(pred_sem_seg=PixelData(data=one.labels)))
        return samples

    def _bands(self, inputs: Tensor) -> Iterator[Tensor]:
        """Logits of tiled images, some rows at a time: (N, C, h, W)."""
        tiling, head = self.tiling, self._last_head
        assert tiling is not None
        rows, columns = plan_axes(
            inputs.shape[2:], tiling, margin=getattr(head, 'margin', 0),
            fitting_size=getattr(head, 'fitting_size', None), device=inputs.device)
        return predict_bands(self._tile_logits, inputs, rows, columns, border=tiling.border,
                             batch_size=tiling.batch_size)

    def _tile_logits(self, tiles: Tensor) -> Tensor:
        """Logits of tiles (B, 3, h, w); those of an unpadded network have its margin less."""
        if getattr(self._last_head, 'margin', 0):
            return self.decode_head(self.extract_feat(tiles))
        # heads take a torch.Size as the size of a window, as in the mode `slide`
        meta = dict(img_shape=tiles.shape[2:], pad_shape=tiles.shape[2:], ori_shape=tiles.shape[2:])
        return self.encode_decode(tiles, [dict(meta) for _ in tiles])

    def _refine(self, inputs: Tensor, samples: SampleList) -> SampleList:
        """Samples with the predictions of the CRF."""
        assert self.crf is not None
        pairs = []
        for image, sample in zip(inputs, samples):
            given = probabilities(sample.seg_logits.data.float())
            restored = original_image(image, sample.metainfo, self.data_preprocessor)
            pairs.append((given.cpu().numpy(), restored))
        for sample, marginals in zip(samples, self.crf.many(pairs)):
            set_probabilities(sample, torch.from_numpy(marginals).to(inputs.device),
                              self._last_head.threshold)
        return samples

    def _labels(self, logits: Tensor) -> Tensor:
        """Labels (1, h, w) of logits (C, h, w), as ``postprocess_result`` makes them."""
        if len(logits) > 1:
            # of equal logits both take the first
            return logits.max(0, keepdim=True)[1]
        scores = logits.sigmoid()
        return (scores > self._last_head.threshold).to(scores)

    def _tile_step(self) -> int:
        return getattr(self._last_head, 'tile_step', 1)

    @property
    def _last_head(self) -> BaseDecodeHead:
        head = self.decode_head
        return head[-1] if isinstance(head, nn.ModuleList) else head


@MODELS.register_module(force=True)
class EncoderDecoder(PredictionSteps, mmseg_segmentors.EncoderDecoder):
    """MMSegmentation's ``EncoderDecoder`` with the settings of :class:`PredictionSteps`."""


@MODELS.register_module(force=True)
class CascadeEncoderDecoder(PredictionSteps, mmseg_segmentors.CascadeEncoderDecoder):
    """MMSegmentation's ``CascadeEncoderDecoder`` with the settings of :class:`PredictionSteps`."""
