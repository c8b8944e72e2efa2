"""Confusion matrices of pixels, and the scores that follow from one."""
import warnings

import numpy as np
import torch
from torch import Tensor

from plugin.utils import UserError


def joint_histogram(prediction: Tensor, truth: Tensor, num_classes: int,
                    ignore_index: int = 255) -> Tensor:
    """Count how often each id of the truth was predicted as each class.

    One ``bincount`` of ``truth * C + prediction`` does the work. No mask is applied
    to the pixels: :func:`fold` takes the ignored ones out of the sum over all images.

    Args:
        prediction (Tensor): Class ids 0..C-1, ``(H, W)`` or ``(1, H, W)``. Any
            type: models with one output predict 0 and 1 as floats.
        truth (Tensor): Ids in the same shape, any integer type.
        num_classes (int): C.
        ignore_index (int): Pixels with this id in the truth do not count.

    Returns:
        Tensor: int64 ``(R + 2, C)`` on the device of the prediction: the rows are
        ids 0..R-1 of the truth, with ``R = max(256, C)``, then all other ids,
        then ``ignore_index`` where that is no row of its own.

    Raises:
        UserError: If the two differ in size, or a prediction is no class.
    """
    if prediction.squeeze().shape != truth.squeeze().shape:
        raise UserError(f'the prediction has the shape {tuple(prediction.shape)} and the truth '
                        f'{tuple(truth.shape)}; predict at the size of the label map')
    # half the bytes of int64, which is enough for ids: reading memory takes most of the time
    prediction = prediction.reshape(-1).to(torch.int32)
    truth = truth.reshape(-1).to(prediction, copy=True)
    ids = max(256, num_classes)
    if prediction.numel() == 0:
        return prediction.new_zeros(ids + 2, num_classes, dtype=torch.int64)
    # all four in one tensor: one synchronisation with a GPU
    lowest, highest, first, last = torch.stack(
        (*torch.aminmax(prediction), *torch.aminmax(truth))).tolist()
    if lowest < 0 or highest >= num_classes:
        raise UserError(f'class id {lowest if lowest < 0 else highest} was predicted, which is '
                        f'outside 0..{num_classes - 1}; num_classes of the decode head must be '
                        f'the number of classes of the data set, {num_classes}')
    if first < 0 or last >= ids:
        outside = (truth < 0) | (truth >= ids)
        truth = torch.where(outside, ids + (truth == ignore_index).to(truth), truth)
    # into the copy made above, as allocating costs more than adding
    joint = torch.add(prediction, truth, alpha=num_classes, out=truth)
    return torch.bincount(joint, minlength=(ids + 2) * num_classes).view(-1, num_classes)


def fold(histogram: Tensor, ignore_index: int = 255) -> Tensor:
    """Confusion matrix of one or more summed :func:`joint_histogram`.

    Args:
        histogram (Tensor): int64 ``(R + 2, C)``.
        ignore_index (int): As in :func:`joint_histogram`.

    Returns:
        Tensor: int64 ``(C + 1, C)``: rows are the truth, columns the prediction.
        The last row counts the pixels whose truth is neither a class nor ignored.

    Example:
        >>> import torch
        >>> truth, prediction = torch.tensor([[0, 1, 255]]), torch.tensor([[0, 0, 1]])
        >>> fold(joint_histogram(prediction, truth, num_classes=2)).tolist()
        [[1, 0], [1, 0], [0, 0]]
    """
    num_classes = histogram.shape[1]
    rows = histogram[:-1].clone()
    if 0 <= ignore_index < len(rows) - 1:
        rows[ignore_index] = 0
    return torch.cat([rows[:num_classes], rows[num_classes:].sum(dim=0, keepdim=True)])


def seg_scores(counts: np.ndarray, dtype: type = np.float64) -> dict[str, np.ndarray]:
    """Scores of a confusion matrix (Long et al., CVPR 2015, section 5).

    With ``n_ij`` pixels of class i predicted as j, and ``t_i`` pixels of class i::

        PA    = sum_i n_ii / sum_i t_i                  Acc_i = n_ii / t_i
        IoU_i = n_ii / (t_i + sum_j n_ji - n_ii)        FWIoU = sum_i t_i IoU_i / sum_i t_i

    MPA and mIoU are the means of Acc and IoU. A class that is neither in the
    truth nor predicted is NaN and left out of the means; one that is predicted
    without being in the truth has IoU 0 and Acc NaN, as in MMSegmentation.

    Args:
        counts (np.ndarray): int64 ``(C, C)``, rows truth, columns prediction,
            or ``(C + 1, C)`` as :func:`fold` returns it: pixels of the
            last row count as wrongly predicted, and in no class of the truth.
        dtype (type): Floating type of the arithmetic.

    Returns:
        dict: Shares in 0..1: ``PA``, ``MPA``, ``mIoU``, ``FWIoU`` as scalars,
        ``IoU`` and ``Acc`` as arrays ``(C,)``. NaN where nothing was counted.

    Example:
        >>> scores = seg_scores(np.array([[6, 2], [0, 8]]))
        >>> scores['IoU'].tolist(), float(scores['PA'])
        ([0.75, 0.8], 0.875)
    """
    classes = counts.shape[1]
    hits, truth = np.diagonal(counts[:classes]), counts[:classes].sum(axis=1)
    union = truth + counts.sum(axis=0) - hits
    with np.errstate(divide='ignore', invalid='ignore'), warnings.catch_warnings():
        # without any pixel all is NaN, which the caller reports
        warnings.filterwarnings('ignore', 'Mean of empty slice', RuntimeWarning)
        iou = hits.astype(dtype) / union.astype(dtype)
        acc = hits.astype(dtype) / truth.astype(dtype)
        # integers are summed first and then rounded to the floating type
        pixels, right = truth.sum().astype(dtype), hits.sum().astype(dtype)
        weighted = np.where(truth > 0, truth.astype(dtype) * iou, dtype(0)).sum()
        return {'PA': right / pixels, 'MPA': np.nanmean(acc), 'mIoU': np.nanmean(iou),
                'FWIoU': weighted / pixels, 'IoU': iou, 'Acc': acc}
