"""Slow oracles of U2PL's pseudo-labels, pixel by pixel, from the equations of arXiv 2203.03884.

Nothing here is fast, and nothing here is imported by the plugin.
"""
import math

import numpy as np

IGNORE = 255


def softmax(scores):
    """Probabilities of one pixel from its scores, a list of C numbers."""
    top = max(scores)
    weights = [math.exp(score - top) for score in scores]
    return [weight / sum(weights) for weight in weights]


def pixels(logits):
    """All pixels of (N, C, H, W) scores: the index, and the C scores."""
    logits = np.asarray(logits, np.float64)
    for n, i, j in np.ndindex(logits.shape[0], *logits.shape[2:]):
        yield (n, i, j), list(logits[n, :, i, j])


def entropy(logits):
    """Equation 5."""
    result = np.zeros((logits.shape[0], *logits.shape[2:]))
    for index, scores in pixels(logits):
        result[index] = -sum(p * math.log(p) for p in softmax(scores) if p > 0)
    return result


def quantile(values, mask, q):
    """Linear interpolation between the two neighbours among the sorted values that count."""
    kept = sorted(float(value) for value, counts in zip(np.ravel(values), np.ravel(mask))
                  if counts)
    if not kept:
        return math.inf
    position = q * (len(kept) - 1)
    low = math.floor(position)
    high = min(low + 1, len(kept) - 1)
    return kept[low] + (position - low) * (kept[high] - kept[low])


def pseudo_labels(logits, valid):
    """argmax of equation 6 and its probability, with 255 where a pixel is not valid."""
    labels = np.full(valid.shape, IGNORE)
    confidence = np.zeros(valid.shape)
    for index, scores in pixels(logits):
        probabilities = softmax(scores)
        confidence[index] = max(probabilities)
        if valid[index]:
            labels[index] = probabilities.index(max(probabilities))
    return labels, confidence


def reliable_labels(logits, valid, alpha):
    """Equations 6 and 7 for a share ``alpha`` of unreliable pixels; ties with gamma are kept."""
    unsure = entropy(logits)
    gamma = quantile(unsure, valid, 1 - alpha)
    labels, _ = pseudo_labels(logits, valid)
    for index in np.ndindex(labels.shape):
        if unsure[index] > gamma + 1e-9:
            labels[index] = IGNORE
    return labels


def cross_entropy(logits, labels):
    """The cross-entropy of each pixel that has a label."""
    return [-math.log(softmax(scores)[labels[index]]) for index, scores in pixels(logits)
            if labels[index] != IGNORE]


def lambda_u(labels, valid):
    """Equation 8 without eta: valid pixels by reliable ones."""
    reliable = sum(label != IGNORE for label in np.ravel(labels))
    return sum(bool(pixel) for pixel in np.ravel(valid)) / reliable if reliable else 0.


def unsupervised_loss(logits, labels, valid, eta=1.):
    """Equations 3 and 8: lambda_u times the mean cross-entropy of the reliable pixels."""
    losses = cross_entropy(logits, labels)
    return eta * lambda_u(labels, valid) * sum(losses) / len(losses) if losses else 0.


def confident_loss(logits, labels, confidence, valid, threshold):
    """Equation 3 of UniMatch (arXiv 2208.09910), with padding left out of the mean."""
    kept = np.array(labels)
    for index in np.ndindex(kept.shape):
        if confidence[index] < threshold or not valid[index]:
            kept[index] = IGNORE
    number = sum(bool(pixel) for pixel in np.ravel(valid))
    return sum(cross_entropy(logits, kept)) / number if number else 0.


def consistency_loss(logits, target, weight):
    """Mean over pixels and classes of the weighted squared difference of probabilities."""
    total, number = 0., 0
    for (n, i, j), scores in pixels(logits):
        for c, probability in enumerate(softmax(scores)):
            total += float(weight[n, i, j]) * (probability - float(target[n, c, i, j])) ** 2
            number += 1
    return total / number
