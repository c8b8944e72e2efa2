"""Slow oracles for the operators of mmcv, in plain Python, written from their papers.

Nothing here is fast, and nothing here is imported by the plugin.
"""
import math

import torch


def iou(a: list, b: list, offset: int = 0) -> float:
    """Intersection over union of two boxes x1, y1, x2, y2; NaN if neither has an area."""
    width = max(0.0, min(a[2], b[2]) - max(a[0], b[0]) + offset)
    height = max(0.0, min(a[3], b[3]) - max(a[1], b[1]) + offset)
    union = sum((box[2] - box[0] + offset) * (box[3] - box[1] + offset) for box in (a, b))
    union -= width * height
    return width * height / union if union else math.nan


def nms(boxes: torch.Tensor, order: list, threshold: float, offset: int = 0) -> list:
    """Indices of the boxes that overlap no kept box before them in ``order``."""
    boxes, kept = boxes.tolist(), []
    for box in order:
        if not any(iou(boxes[other], boxes[box], offset) > threshold for other in kept):
            kept.append(box)
    return kept


def soft_nms(boxes: torch.Tensor, scores: torch.Tensor, threshold: float, sigma: float,
             min_score: float, method: str, offset: int = 0) -> tuple[list, list]:
    """Indices of the boxes that are taken, and their scores then.

    The foremost of the highest scores is taken: it changes places with the first box that is not
    taken yet. The place of a box that falls below the least score goes to the last one.
    """
    corners = boxes.tolist()
    queue = [[box, score] for box, score in enumerate(scores.tolist())]
    taken = []
    while queue:
        best = max(range(len(queue)), key=lambda place: (queue[place][1], -place))
        queue[0], queue[best] = queue[best], queue[0]
        box, score = queue.pop(0)
        taken.append((box, score))
        place = 0
        while place < len(queue):
            overlap = iou(corners[box], corners[queue[place][0]], offset)
            if method == 'gaussian':
                queue[place][1] *= math.exp(-overlap ** 2 / sigma)
            elif overlap >= threshold:
                queue[place][1] *= 1 - overlap if method == 'linear' else 0
            if queue[place][1] < min_score:
                queue[place] = queue[-1]
                queue.pop()
            else:
                place += 1
    return [box for box, _ in taken], [score for _, score in taken]


def interpolate(image: torch.Tensor, y: float, x: float) -> torch.Tensor:
    """Value of maps (C, H, W) at a point; zero more than a cell before or at all behind them."""
    height, width = image.shape[1:]
    if not (-1 <= y <= height and -1 <= x <= width):
        return image.new_zeros(image.size(0))
    y, x = min(max(y, 0.0), height - 1.0), min(max(x, 0.0), width - 1.0)
    total = image.new_zeros(image.size(0))
    for row in range(height):
        for column in range(width):
            weight = max(0.0, 1 - abs(y - row)) * max(0.0, 1 - abs(x - column))
            if weight:
                total = total + weight * image[:, row, column]
    return total


def roi_align(maps: torch.Tensor, rois: torch.Tensor, bins: tuple, scale: float, ratio: int,
              mode: str, aligned: bool) -> torch.Tensor:
    """RoIAlign of maps (N, C, H, W) by a loop over samples, (R, C, *bins); autograd derives it."""
    results = []
    for image, *corners in rois.tolist():
        x1, y1, x2, y2 = (corner * scale - 0.5 * aligned for corner in corners)
        width, height = x2 - x1, y2 - y1
        if not aligned:
            width, height = max(width, 1.0), max(height, 1.0)
        steps = height / bins[0], width / bins[1]
        counts = [ratio or math.ceil(step) for step in steps]
        for row in range(bins[0]):
            for column in range(bins[1]):
                values = [interpolate(maps[int(image)],
                                      y1 + (row + (i + 0.5) / counts[0]) * steps[0],
                                      x1 + (column + (j + 0.5) / counts[1]) * steps[1])
                          for i in range(counts[0]) for j in range(counts[1])]
                if not values:
                    empty = 0.0 if mode == 'avg' else -10000.0
                    values = [maps.new_full((maps.size(1), ), empty)]
                samples = torch.stack(values)
                results.append(samples.mean(0) if mode == 'avg' else samples.max(0).values)
    return torch.stack(results).view(len(rois), *bins, -1).permute(0, 3, 1, 2)


def sigmoid_focal_loss(logits: torch.Tensor, target: list, gamma: float, alpha: float
                       ) -> torch.Tensor:
    """-alpha_t (1 - p_t)^gamma log(p_t) of each logit, (N, C)."""
    rows = []
    for row, label in zip(logits, target):
        values = []
        for number, logit in enumerate(row):
            p = 1 / (1 + torch.exp(-logit))
            p, weight = (p, alpha) if number == label else (1 - p, 1 - alpha)
            values.append(-weight * (1 - p) ** gamma * torch.log(p))
        rows.append(torch.stack(values))
    return torch.stack(rows)


def softmax_focal_loss(logits: torch.Tensor, target: list, gamma: float, alpha: float
                       ) -> torch.Tensor:
    """-alpha (1 - p_t)^gamma log(p_t) of each sample, (N,)."""
    losses = []
    for row, label in zip(logits, target):
        p = torch.exp(row[label]) / torch.exp(row).sum()
        losses.append(-alpha * (1 - p) ** gamma * torch.log(p))
    return torch.stack(losses)
