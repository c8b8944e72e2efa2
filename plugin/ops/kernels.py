"""Kernels of torchvision, where it works."""
import functools
import importlib

import torch
from torch import Tensor


@functools.cache
def torchvision_works(device: str) -> bool:
    """Whether torchvision's operators run on a type of device, tried on a tiny input."""
    try:
        importlib.import_module('torchvision')  # registers its operators
        boxes = torch.tensor([[0., 0, 2, 2], [0, 0, 2, 2], [2, 2, 4, 4]], device=device)
        kept = torchvision_nms(boxes, 0.5).tolist()
        maps = torch.ones(1, 1, 4, 4, device=device, dtype=torch.float32)
        rois = torch.tensor([[0., 0, 0, 2, 2]], device=device)
        pooled = torch.ops.torchvision.roi_align(maps, rois, 1.0, 1, 1, 2, True)
        return kept == [0, 2] and pooled.tolist() == [[[[1.0]]]]
    except Exception:
        # built for another torch or without this device, it fails in many ways
        return False


def torchvision_nms(ranked: Tensor, iou_threshold: float) -> Tensor:
    """Indices of the kept boxes among (N, 4), which come highest score first."""
    falling = torch.arange(len(ranked), 0, -1, device=ranked.device, dtype=ranked.dtype)
    # mmcv compares with the threshold in float32
    threshold = torch.tensor(iou_threshold, dtype=torch.float32).item()
    return torch.ops.torchvision.nms(ranked, falling, threshold)
