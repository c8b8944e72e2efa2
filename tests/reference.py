"""Slow oracles, written from the papers and the published network definitions.

Nothing here is fast, and nothing here is imported by the plugin.
"""
import torch
import torch.nn.functional as F

# --- FCN: the published network, layer by layer as in its prototxt -------------------------------

def caffe_bilinear(factor: int) -> torch.Tensor:
    """Caffe's ``bilinear`` filler for kernel size 2 * factor, pixel by pixel."""
    size = 2 * factor
    centre = factor - 0.5
    kernel = torch.zeros(size, size)
    for i in range(size):
        for j in range(size):
            kernel[i, j] = (1 - abs(i - centre) / factor) * (1 - abs(j - centre) / factor)
    return kernel


def fcn_layers(stride: int) -> dict:
    """Layers of the published FCN-32s, -16s or -8s for the 21 classes of VOC.

    Returns a dict ``name -> (maps out, maps in, kernel size, has a bias)``.
    """
    layers, width = {}, 3
    for stage, (depth, out) in enumerate([(2, 64), (2, 128), (3, 256), (3, 512), (3, 512)], 1):
        for index in range(1, depth + 1):
            layers[f'conv{stage}_{index}'] = (out, width, 3, True)
            width = out
    layers['fc6'] = (4096, 512, 7, True)
    layers['fc7'] = (4096, 4096, 1, True)
    layers['score_fr'] = (21, 4096, 1, True)
    if stride == 32:
        layers['upscore'] = (21, 21, 64, False)
    else:
        layers['upscore2'] = (21, 21, 4, False)
        layers['score_pool4'] = (21, 512, 1, True)
    if stride == 16:
        layers['upscore16'] = (21, 21, 32, False)
    if stride == 8:
        layers['upscore_pool4'] = (21, 21, 4, False)
        layers['score_pool3'] = (21, 256, 1, True)
        layers['upscore8'] = (21, 21, 16, False)
    return layers


def published_fcn(weights: dict, data: torch.Tensor, stride: int,
                  at_once: bool = False) -> torch.Tensor:
    """Forward pass of the published FCN-32s, -16s or -8s, dropout off, one line a layer.

    pad 100 at conv1_1, ceil-mode pooling, fc6 without padding, ``Crop`` layers with offsets 5, 9
    and 19 (32s), 27 (16s) or 31 (8s).
    """
    def conv(x, name, pad=0):
        return F.conv2d(x, weights[f'{name}.weight'], weights[f'{name}.bias'], padding=pad)

    def deconv(x, name, step):
        return F.conv_transpose2d(x, weights[f'{name}.weight'], stride=step)

    def pool(x):
        return F.max_pool2d(x, 2, 2, ceil_mode=True)

    def crop(x, like, offset):
        height, width = like.shape[2:]
        return x[:, :, offset:offset + height, offset:offset + width]

    x = F.relu(conv(data, 'conv1_1', 100))
    x = F.relu(conv(x, 'conv1_2', 1))
    x = pool(x)
    x = F.relu(conv(x, 'conv2_1', 1))
    x = F.relu(conv(x, 'conv2_2', 1))
    x = pool(x)
    x = F.relu(conv(x, 'conv3_1', 1))
    x = F.relu(conv(x, 'conv3_2', 1))
    x = F.relu(conv(x, 'conv3_3', 1))
    pool3 = x = pool(x)
    x = F.relu(conv(x, 'conv4_1', 1))
    x = F.relu(conv(x, 'conv4_2', 1))
    x = F.relu(conv(x, 'conv4_3', 1))
    pool4 = x = pool(x)
    x = F.relu(conv(x, 'conv5_1', 1))
    x = F.relu(conv(x, 'conv5_2', 1))
    x = F.relu(conv(x, 'conv5_3', 1))
    x = pool(x)
    x = F.relu(conv(x, 'fc6'))
    x = F.relu(conv(x, 'fc7'))
    score = conv(x, 'score_fr')
    if stride == 32:
        return crop(deconv(score, 'upscore', 32), data, 19)
    upscore2 = deconv(score, 'upscore2', 2)
    score_pool4 = conv(pool4 * 0.01 if at_once else pool4, 'score_pool4')
    fuse_pool4 = upscore2 + crop(score_pool4, upscore2, 5)
    if stride == 16:
        return crop(deconv(fuse_pool4, 'upscore16', 16), data, 27)
    upscore_pool4 = deconv(fuse_pool4, 'upscore_pool4', 2)
    score_pool3 = conv(pool3 * 0.0001 if at_once else pool3, 'score_pool3')
    fuse_pool3 = upscore_pool4 + crop(score_pool3, upscore_pool4, 9)
    return crop(deconv(fuse_pool3, 'upscore8', 8), data, 31)


# --- scores of a segmentation, pixel by pixel ----------------------------------------------------

def slow_confusion(prediction, truth, num_classes: int, ignore_index: int = 255) -> list:
    """Counts ``matrix[truth][prediction]`` of two nested lists; row C: the truth is no class."""
    matrix = [[0] * num_classes for _ in range(num_classes + 1)]
    for predicted_row, true_row in zip(prediction, truth, strict=True):
        for predicted, true in zip(predicted_row, true_row, strict=True):
            if true == ignore_index:
                continue
            row = true if 0 <= true < num_classes else num_classes
            matrix[row][int(predicted)] += 1
    return matrix


def slow_scores(matrix: list) -> dict:
    """Scores of :func:`slow_confusion`, from the definitions of Long et al. (2015)."""
    classes = range(len(matrix[0]))
    nan = float('nan')
    right = [matrix[i][i] for i in classes]
    truth = [sum(matrix[i]) for i in classes]
    predicted = [sum(row[i] for row in matrix) for i in classes]
    union = [truth[i] + predicted[i] - right[i] for i in classes]
    iou = [right[i] / union[i] if union[i] else nan for i in classes]
    acc = [right[i] / truth[i] if truth[i] else nan for i in classes]

    def mean(values):
        valid = [value for value in values if value == value]
        return sum(valid) / len(valid) if valid else nan

    pixels = sum(truth)
    return {
        'PA': sum(right) / pixels if pixels else nan, 'MPA': mean(acc), 'mIoU': mean(iou),
        'FWIoU': (sum(truth[i] * iou[i] for i in classes if truth[i]) / pixels
                  if pixels else nan),
        'IoU': iou, 'Acc': acc}


# --- sets of things that are linked, by walking ---------------------------------------------------

def slow_labels(number: int, linked) -> list:
    """Label ``number`` things by walking from link to link; ``linked(a, b)`` tells of each."""
    labels = [None] * number
    for first in range(number):
        walk = [first] if labels[first] is None else []
        while walk:
            here = walk.pop()
            labels[here] = first
            walk += [k for k in range(number) if labels[k] is None and linked(here, k)]
    return labels


def same_sets(labels, others) -> bool:
    """Whether two labellings put the same things together, under whatever labels."""
    return len(set(zip(labels, others))) == len(set(labels)) == len(set(others))


# --- polygons, point by point --------------------------------------------------------------------

def slow_inside(ring, x: float, y: float) -> bool:
    """Whether a point is inside ``[x0, y0, x1, y1, ...]`` by the even-odd rule."""
    points = list(zip(ring[::2], ring[1::2]))
    inside = False
    for (x0, y0), (x1, y1) in zip(points, points[1:] + points[:1]):
        if (y0 > y) != (y1 > y) and x < x0 + (y - y0) * (x1 - x0) / (y1 - y0):
            inside = not inside
    return inside


def slow_distance(ring, x: float, y: float) -> float:
    """Distance of a point from the nearest edge of a polygon."""
    points = list(zip(ring[::2], ring[1::2]))
    distances = []
    for (x0, y0), (x1, y1) in zip(points, points[1:] + points[:1]):
        length = (x1 - x0) ** 2 + (y1 - y0) ** 2
        along = ((x - x0) * (x1 - x0) + (y - y0) * (y1 - y0)) / length if length else 0
        along = min(max(along, 0), 1)
        distances.append(((x - x0 - along * (x1 - x0)) ** 2
                          + (y - y0 - along * (y1 - y0)) ** 2) ** 0.5)
    return min(distances)


# --- counts of animals, picture by picture --------------------------------------------------------

def slow_count_errors(scores: list, truth: list, threshold: float) -> dict:
    """MAE, RMSE and bias of the numbers of scores that reach the threshold."""
    differences = []
    for values, true in zip(scores, truth, strict=True):
        differences.append(sum(1 for value in values if value >= threshold) - true)
    number = len(differences)
    return {'MAE': sum(abs(d) for d in differences) / number,
            'RMSE': (sum(d * d for d in differences) / number) ** 0.5,
            'bias': sum(differences) / number}


def slow_best_threshold(scores: list, truth: list) -> tuple:
    """The best threshold by trying one between each two scores; see ``CountMetric`` for ties."""
    ends = sorted({0.0, 1.0, *(float(value) for values in scores for value in values)})
    tried = []
    for threshold in [0.0, *((low + high) / 2 for low, high in zip(ends[:-1], ends[1:]))]:
        found = slow_count_errors(scores, truth, threshold)
        tried.append((round(found['MAE'], 9), round(abs(found['bias']), 9), -threshold))
    error, _, threshold = min(tried)
    return -threshold, error


# --- animals of one picture, matched by trying everything -----------------------------------------

def slow_quality(ious: list, least: float = 0.5) -> float:
    """Best sum of IoUs / (pairs + missed / 2 + wrong / 2), for ``ious[prediction][true]``."""
    predictions, animals = len(ious), len(ious[0]) if ious else 0

    def best(row: int, free: frozenset) -> tuple:
        if row == predictions:
            return 0.0, 0
        found = best(row + 1, free)
        for column in free:
            if ious[row][column] >= least:
                total, pairs = best(row + 1, free - {column})
                found = max(found, (total + ious[row][column], pairs + 1))
        return found

    total, pairs = best(0, frozenset(range(animals)))
    return total / (pairs + (animals - pairs) / 2 + (predictions - pairs) / 2)
