"""Slow NumPy oracles of U2PL's contrastive part, equations 4 and 10 to 17, pixel by pixel.

Written from Y. Wang et al., https://arxiv.org/abs/2203.03884. Arrays: features (N, D, h, w), logits
(N, C, h, w), labels and masks (N, h, w), is_labeled (N,). A pixel is a tuple (n, y, x); pixels come
image by image and row by row.
"""
import math

import numpy as np


def pixels_of(labels: np.ndarray) -> list:
    """All pixels in their order."""
    return list(np.ndindex(*labels.shape))


def slow_softmax(values: list) -> list:
    top = max(float(value) for value in values)
    powers = [math.exp(float(value) - top) for value in values]
    return [power / sum(powers) for power in powers]


def slow_rank(values: list, c: int) -> int:
    """How many classes have a strictly larger value than class ``c``."""
    return sum(1 for value in values if value > values[c])


def slow_low(labels, reliable, is_labeled, num_classes: int) -> dict:
    """Pixels that stand for each class: labelled, or with a reliable pseudo-label."""
    return {c: [(n, y, x) for n, y, x in pixels_of(labels)
                if labels[n, y, x] == c and (is_labeled[n] or reliable[n, y, x])]
            for c in range(num_classes)}


def slow_anchors(logits, labels, reliable, is_labeled, threshold: float) -> dict:
    """Equations 10 to 12: of those the pixels whose own class is likelier than the threshold."""
    low = slow_low(labels, reliable, is_labeled, logits.shape[1])
    return {c: [(n, y, x) for n, y, x in pixels
                if slow_softmax(logits[n, :, y, x])[c] > threshold]
            for c, pixels in low.items()}


def slow_centre(features, pixels: list) -> np.ndarray:
    """Equation 13: mean feature of the pixels."""
    total = np.zeros(features.shape[1])
    for n, y, x in pixels:
        total += features[n, :, y, x]
    return total / len(pixels)


def slow_negatives(logits, labels, candidates, is_labeled, ranks) -> dict:
    """Equations 14 to 16."""
    low, high = ranks
    found = {c: [] for c in range(logits.shape[1])}
    for n, y, x in pixels_of(labels):
        for c, pixels in found.items():
            rank = slow_rank(logits[n, :, y, x], c)
            label = labels[n, y, x]
            if is_labeled[n]:
                wanted = label != 255 and label != c and rank < low
            else:
                wanted = candidates[n, y, x] and low <= rank < high
            if wanted:
                pixels.append((n, y, x))
    return found


def slow_official_negatives(logits, labels, candidates, is_labeled, ranks) -> dict:
    """The published behaviour: the pixel must carry label ``c`` and yet pass the test of ranks.

    A labelled one must besides not have label ``c``, so there is none.
    """
    low, high = ranks
    found = {c: [] for c in range(logits.shape[1])}
    for n, y, x in pixels_of(labels):
        for c, pixels in found.items():
            values = logits[n, :, y, x]
            has_label = labels[n, y, x] == c and (is_labeled[n] or candidates[n, y, x])
            if not has_label or not slow_softmax(values)[c] < 1:
                continue
            rank = slow_rank(values, c)
            if (rank < low and labels[n, y, x] != c) if is_labeled[n] else low <= rank < high:
                pixels.append((n, y, x))
    return found


def slow_cosine(one, other) -> float:
    length = math.sqrt(sum(float(v) ** 2 for v in one) * sum(float(v) ** 2 for v in other))
    return sum(float(a) * float(b) for a, b in zip(one, other, strict=True)) / length


def slow_info_nce(anchor, positive, negatives, temperature: float) -> float:
    """Equation 4 for one anchor."""
    good = math.exp(slow_cosine(anchor, positive) / temperature)
    bad = sum(math.exp(slow_cosine(anchor, negative) / temperature) for negative in negatives)
    return -math.log(good / (good + bad))


def _class_loss(student, pool: list, uniform, centre, bank, picks, temperature: float) -> float:
    total = 0
    for number, pick in zip(uniform, picks, strict=True):
        n, y, x = pool[min(int(np.float32(number) * np.float32(len(pool))), len(pool) - 1)]
        total += slow_info_nce(student[n, :, y, x], centre, [bank[j] for j in pick], temperature)
    return total / len(uniform)


def slow_contrast(student, teacher, logits, labels, reliable, is_labeled, uniform, banks: list,
                  picks, threshold: float = 0.3, temperature: float = 0.5) -> tuple:
    """The loss of the paper, and how many classes take part.

    Args:
        uniform: (C, M) in [0, 1), which anchors are taken.
        banks: Keys of each class, after those of this step were added.
        picks: (C, M, K) which keys of the class are the negatives of each anchor.
    """
    anchors = slow_anchors(logits, labels, reliable, is_labeled, threshold)
    losses = [
        _class_loss(student, pool, uniform[c], slow_centre(teacher, pool), banks[c], picks[c],
                    temperature)
        for c, pool in anchors.items() if pool and len(banks[c])]
    return (sum(losses) / len(losses) if losses else 0), len(losses)


def slow_official_contrast(student, teacher, logits, labels, reliable, is_labeled, uniform,
                           banks: list, picks, threshold: float = 0.3,
                           temperature: float = 0.5) -> tuple:
    """The published behaviour: place i of the classes present goes with class i.

    Anchors and centre are those of class i, the bank is that of the i-th class present.
    """
    anchors = slow_anchors(logits, labels, reliable, is_labeled, threshold)
    low = slow_low(labels, reliable, is_labeled, logits.shape[1])
    present = [c for c, pixels in low.items() if pixels]
    if len(present) < 2:
        return 0, 0
    losses = [
        _class_loss(student, anchors[i], uniform[i], slow_centre(teacher, low[i]), banks[c],
                    picks[c], temperature)
        for i, c in enumerate(present) if anchors[i] and len(banks[c])]
    return sum(losses) / len(present), len(losses)


class SlowRing:
    """A bank of one class (equation 17): of what was added, the last ones stay."""

    def __init__(self, capacity: int) -> None:
        self.rows, self.next, self.capacity = {}, 0, capacity

    def add(self, keys: list) -> None:
        for key in keys:
            self.rows[self.next] = key
            self.next = (self.next + 1) % self.capacity
