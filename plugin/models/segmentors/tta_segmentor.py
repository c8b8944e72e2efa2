"""Test-time augmentation: the mean of the predictions for several views of an image."""
from collections.abc import Sequence
from functools import reduce
from operator import add

from mmengine.model import BaseTTAModel
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample
from mmseg.utils import SampleList
from torch import Tensor

from plugin.utils import UserError

from ..postprocess import probabilities, set_probabilities
from ..semi.networks import predicting_head


@MODELS.register_module()
class TTASegmentor(BaseTTAModel):
    """Test-time augmentation: probabilities of all views, averaged.

    Unlike MMSegmentation's ``SegTTAModel`` it holds the sum and one view at a time, takes
    semi-supervised methods (by the network that predicts) and networks with one output channel,
    and its ``seg_logits`` belong to its predictions.

    Args:
        module (dict | nn.Module): A segmentor.
        data_preprocessor (dict, optional): Defaults to that of ``module``.
    """

    def test_step(self, data: dict[str, list]) -> SampleList:
        """Predict images by all of their views.

        Args:
            data (dict): ``inputs`` and ``data_samples``, each a list with one entry a view, which
                is a list with one entry an image, as ``TTAViews`` and ``pseudo_collate`` make it.

        Returns:
            list[SegDataSample]: Of each image, with ``pred_sem_seg`` (1, H, W) and
            ``seg_logits`` (C, H, W), whose softmax is the mean of the probabilities; of one
            channel, it is the mean itself, as without views.

        Raises:
            UserError: If the segmentor drops its logits.
        """
        first: SampleList = []
        sums: list[Tensor] = []
        for inputs, samples in zip(data['inputs'], data['data_samples']):
            predicted = self.module.test_step(dict(inputs=inputs, data_samples=samples))
            views = [self._probabilities(sample) for sample in predicted]
            first = first or predicted
            sums = [total.add_(more) for total, more in zip(sums, views)] if sums else views
        return [self._merged(sample, total / len(data['inputs']))
                for sample, total in zip(first, sums)]

    def merge_preds(self, data_samples_list: Sequence[SampleList]) -> SampleList:
        """Average predictions of all views that were made before.

        Args:
            data_samples_list (Sequence[list[SegDataSample]]): All views of each image.
        """
        return [self._merged(views[0], reduce(add, map(self._probabilities, views)) / len(views))
                for views in data_samples_list]

    @staticmethod
    def _probabilities(sample: SegDataSample) -> Tensor:
        if 'seg_logits' not in sample:
            raise UserError('views are averaged by their logits, which '
                            'test_cfg.keep_logits=False drops: set it to True')
        return probabilities(sample.seg_logits.data.float())

    def _merged(self, sample: SegDataSample, mean: Tensor) -> SegDataSample:
        head = predicting_head(self.module)
        set_probabilities(sample, mean, getattr(head, 'threshold', None))
        return sample
