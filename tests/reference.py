"""Slow oracles, written from the papers and the published network definitions.

Nothing here is fast, and nothing here is imported by the plugin.
"""
import math

import numpy as np
import torch
import torch.nn.functional as F

# --- FCN: the published network, layer by layer as in its prototxt -------------------------------

def caffe_bilinear(factor: int, size: int = 0) -> torch.Tensor:
    """Caffe's ``bilinear`` filler for kernel size 2 * factor or less by one, pixel by pixel."""
    size = size or 2 * factor
    centre = factor - 1 if size % 2 else factor - 0.5
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


ALEXNET_LAYERS = {
    'conv1': (96, 3, 11, True), 'conv2': (256, 48, 5, True), 'conv3': (384, 256, 3, True),
    'conv4': (384, 192, 3, True), 'conv5': (256, 192, 3, True), 'fc6': (4096, 256, 6, True),
    'fc7': (4096, 4096, 1, True), 'score_fr': (21, 4096, 1, True), 'upscore': (21, 21, 63, False)}


def published_fcn_alexnet(weights: dict, data: torch.Tensor) -> torch.Tensor:
    """Forward pass of the published FCN-AlexNet, dropout off, one line a layer."""
    def conv(x, name, stride=1, pad=0, groups=1):
        return F.conv2d(x, weights[f'{name}.weight'], weights[f'{name}.bias'], stride=stride,
                        padding=pad, groups=groups)

    def pool(x):
        return F.max_pool2d(x, 3, 2, ceil_mode=True)

    def normalise(x):
        # across the channels, by the sum of the squares of five neighbours
        squares = F.pad(x.pow(2), (0, 0, 0, 0, 2, 2))
        total = sum(squares[:, k:k + x.shape[1]] for k in range(5))
        return x / (1 + 1e-4 / 5 * total).pow(0.75)

    x = F.relu(conv(data, 'conv1', stride=4, pad=100))
    x = normalise(pool(x))
    x = F.relu(conv(x, 'conv2', pad=2, groups=2))
    x = normalise(pool(x))
    x = F.relu(conv(x, 'conv3', pad=1))
    x = F.relu(conv(x, 'conv4', pad=1, groups=2))
    x = F.relu(conv(x, 'conv5', pad=1, groups=2))
    x = pool(x)
    x = F.relu(conv(x, 'fc6'))
    x = F.relu(conv(x, 'fc7'))
    x = F.conv_transpose2d(conv(x, 'score_fr'), weights['upscore.weight'], stride=32)
    return x[:, :, 18:18 + data.shape[2], 18:18 + data.shape[3]]


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


# --- counts of animals, image by image --------------------------------------------------------

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


# --- animals of one image, matched by trying everything -----------------------------------------

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


# --- DeepLab v1 and v2: the published networks, layer by layer as in their prototxts --------------

def slow_resample(maps, step: float, size: tuple) -> list:
    """A nested list (h, w), interpolated at the positions ``0, step, 2 * step, ...``, as a list."""
    height, width = len(maps), len(maps[0])
    result = []
    for row in range(size[0]):
        line = []
        for column in range(size[1]):
            y, x = min(row * step, height - 1), min(column * step, width - 1)
            top, left = int(y), int(x)
            below, right = min(top + 1, height - 1), min(left + 1, width - 1)
            upper = maps[top][left] * (1 - (x - left)) + maps[top][right] * (x - left)
            lower = maps[below][left] * (1 - (x - left)) + maps[below][right] * (x - left)
            line.append(upper * (1 - (y - top)) + lower * (y - top))
        result.append(line)
    return result


def interp(x: torch.Tensor, size) -> torch.Tensor:
    """Caffe's layer ``Interp``: the first and the last position stay where they are."""
    return F.interpolate(x, size, mode='bilinear', align_corners=True)


def published_vgg16_poolings(weights: dict, data: torch.Tensor) -> dict:
    """``pool1`` ... ``pool5`` of DeepLab on VGG16, from weights in Caffe's names."""
    def conv(x, name, rate=1):
        return F.relu(F.conv2d(x, weights[f'{name}.weight'], weights[f'{name}.bias'],
                               padding=rate, dilation=rate))

    def pool(x, stride):
        return F.max_pool2d(x, 3, stride, 1, ceil_mode=True)

    pools = {}
    pools['pool1'] = x = pool(conv(conv(data, 'conv1_1'), 'conv1_2'), 2)
    pools['pool2'] = x = pool(conv(conv(x, 'conv2_1'), 'conv2_2'), 2)
    pools['pool3'] = x = pool(conv(conv(conv(x, 'conv3_1'), 'conv3_2'), 'conv3_3'), 2)
    pools['pool4'] = x = pool(conv(conv(conv(x, 'conv4_1'), 'conv4_2'), 'conv4_3'), 1)
    pools['pool5'] = pool(conv(conv(conv(x, 'conv5_1', 2), 'conv5_2', 2), 'conv5_3', 2), 1)
    return pools


def published_deeplabv1(weights: dict, data: torch.Tensor, msc: bool = False,
                        test: bool = False) -> torch.Tensor:
    """DeepLab-LargeFOV or DeepLab-MSc-LargeFOV without dropout, for sizes ``8 k + 1``.

    Scores at 1/8 as in train.prototxt, or those of the pixels as in test.prototxt.
    """
    def conv(x, name, pad=0, rate=1, stride=1):
        return F.conv2d(x, weights[f'{name}.weight'], weights[f'{name}.bias'], stride=stride,
                        padding=pad, dilation=rate)

    pools = published_vgg16_poolings(weights, data)
    pool5a = F.avg_pool2d(pools['pool5'], 3, 1, 1)
    fc6 = F.relu(conv(pool5a, 'fc6', 12, 12))
    fc7 = F.relu(conv(fc6, 'fc7'))
    scores = [conv(fc7, 'fc8_voc12')]
    if msc:
        for name, stride in dict(data=8, pool1=4, pool2=2, pool3=1, pool4=1).items():
            level = pools.get(name, data)
            x = F.relu(conv(level, f'{name}_conv', 1, stride=1 if test else stride))
            x = F.relu(conv(x, f'{name}_fc'))
            scores.append(conv(x, f'{name}_ms'))
    if test:
        scores = [interp(x, data.shape[2:]) for x in scores]
    total = scores[0]
    for x in scores[1:]:
        total = total + x
    return total


def published_aspp_vgg16(weights: dict, data: torch.Tensor) -> torch.Tensor:
    """DeepLab v2 on VGG16 without dropout: the sum of four branches, at 1/8."""
    pool5 = published_vgg16_poolings(weights, data)['pool5']
    total = 0
    for branch, rate in enumerate((6, 12, 18, 24), 1):
        x = F.relu(F.conv2d(pool5, weights[f'fc6_{branch}.weight'], weights[f'fc6_{branch}.bias'],
                            padding=rate, dilation=rate))
        x = F.relu(F.conv2d(x, weights[f'fc7_{branch}.weight'], weights[f'fc7_{branch}.bias']))
        name = f'fc8_voc12_{branch}'
        total = total + F.conv2d(x, weights[f'{name}.weight'], weights[f'{name}.bias'])
    return total


def published_deeplabv2(weights: dict, data: torch.Tensor) -> dict:
    """DeepLab v2 on a ResNet at the scales 1, 0.75 and 0.5, for images of ``32 k + 1`` pixels.

    ``weights`` have the names of the PyTorch conversion, ``Scale.layer1.0.conv1.weight``. Returns
    ``{1: (h, w) scores, 0.75: brought to (h, w), 0.5: at its own size, 'max': (h, w)}``.
    """
    def get(name):
        return weights[f'Scale.{name}']

    def conv(x, name, stride=1, pad=0, rate=1):
        return F.conv2d(x, get(f'{name}.weight'), None, stride, pad, rate)

    def norm(x, name):
        return F.batch_norm(x, get(f'{name}.running_mean'), get(f'{name}.running_var'),
                            get(f'{name}.weight'), get(f'{name}.bias'))

    def block(x, name, stride, rate):
        y = F.relu(norm(conv(x, f'{name}.conv1', stride), f'{name}.bn1'))
        y = F.relu(norm(conv(y, f'{name}.conv2', 1, rate, rate), f'{name}.bn2'))
        y = norm(conv(y, f'{name}.conv3'), f'{name}.bn3')
        if f'Scale.{name}.downsample.0.weight' in weights:
            x = norm(conv(x, f'{name}.downsample.0', stride), f'{name}.downsample.1')
        return F.relu(x + y)

    def network(x):
        x = F.relu(norm(conv(x, 'conv1', 2, 3), 'bn1'))
        x = F.max_pool2d(x, 3, 2, 1, ceil_mode=True)
        for layer, (stride, rate) in enumerate([(1, 1), (2, 1), (1, 2), (1, 4)], 1):
            number = 0
            while f'Scale.layer{layer}.{number}.conv1.weight' in weights:
                x = block(x, f'layer{layer}.{number}', stride if number == 0 else 1, rate)
                number += 1
        total = 0
        for branch, rate in enumerate((6, 12, 18, 24)):
            name = f'layer5.conv2d_list.{branch}'
            total = total + F.conv2d(x, get(f'{name}.weight'), get(f'{name}.bias'), padding=rate,
                                     dilation=rate)
        return total

    side = data.shape[2]
    full = network(data)
    middle = interp(network(interp(data, [int(side * 0.75) + 1] * 2)), full.shape[2:])
    half = network(interp(data, [int(side * 0.5) + 1] * 2))
    largest = torch.max(torch.max(full, middle), interp(half, full.shape[2:]))
    return {1: full, 0.75: middle, 0.5: half, 'max': largest}


# --- U-Net: sizes step by step, weights pixel by pixel, deformations point by point ---------------

def slow_unpadded_output(size: int, levels: int):
    """Output of an unpadded U-Net for a side of ``size`` pixels; None where it does not fit."""
    for _ in range(levels - 1):
        size -= 4
        if size <= 0 or size % 2:
            return None
        size //= 2
    size -= 4
    for _ in range(levels - 1):
        size = 2 * size - 4
    return size if size > 0 else None


def slow_receptive_field(first: int, levels: int) -> tuple:
    """First and last pixel that an output of an unpadded U-Net sees, by intervals."""
    def encoder(low, high, level):
        low, high = low, high + 4
        return (low, high) if level == 0 else encoder(2 * low, 2 * high + 1, level - 1)

    # pixels that everything below a level loses, in pixels of that level: half of them a side
    crops, lost = [], 4
    for _ in range(levels - 1):
        crops.insert(0, lost)
        lost = 2 * lost + 8
    low, high, seen = first, first, []
    for level in range(levels - 1):
        low, high = low, high + 4
        seen.append(encoder(low + crops[level], high + crops[level], level))
        low, high = low // 2, high // 2
    seen.append(encoder(low, high, levels - 1))
    return min(one for one, _ in seen), max(one for _, one in seen)


def slow_border_weight(label, w0: float, sigma: float, class_weight, cell_class: int = 1,
                       ignore_index: int = 255) -> list:
    """Equation 2 of U-Net by comparing each pixel with each pixel of each cell (4-connected)."""
    height, width = len(label), len(label[0])
    cells, owner = [], {}
    for place in ((y, x) for y in range(height) for x in range(width)):
        if label[place[0]][place[1]] != cell_class or place in owner:
            continue
        cell, walk = [], [place]
        owner[place] = True
        while walk:
            y, x = walk.pop()
            cell.append((y, x))
            for near in ((y + 1, x), (y - 1, x), (y, x + 1), (y, x - 1)):
                inside = 0 <= near[0] < height and 0 <= near[1] < width
                if inside and near not in owner and label[near[0]][near[1]] == cell_class:
                    owner[near] = True
                    walk.append(near)
        cells.append(cell)
    weights = []
    for y in range(height):
        weights.append([])
        for x in range(width):
            value = int(label[y][x])
            weight = 0. if value == ignore_index else class_weight[value]
            if value not in (cell_class, ignore_index) and len(cells) > 1:
                distances = sorted(min(((y - v) ** 2 + (x - u) ** 2) ** 0.5 for v, u in cell)
                                   for cell in cells)
                weight += w0 * 2.718281828459045 ** (
                    -(distances[0] + distances[1]) ** 2 / (2 * sigma ** 2))
            weights[-1].append(weight)
    return weights


def slow_bicubic(grid, size: tuple) -> list:
    """Bicubic interpolation (Keys, A = -0.75) of a grid whose corners are those of the image."""
    def share(distance):
        distance = abs(distance)
        if distance <= 1:
            return 1.25 * distance ** 3 - 2.25 * distance ** 2 + 1
        return -0.75 * (distance ** 3 - 5 * distance ** 2 + 8 * distance - 4) if distance < 2 else 0

    def value(y, x):
        total = 0.
        for j in range(int(y) - 1, int(y) + 3):
            for i in range(int(x) - 1, int(x) + 3):
                row, column = min(max(j, 0), len(grid) - 1), min(max(i, 0), len(grid[0]) - 1)
                total += share(y - j) * share(x - i) * grid[row][column]
        return total

    return [[value(y * (len(grid) - 1) / (size[0] - 1), x * (len(grid[0]) - 1) / (size[1] - 1))
             for x in range(size[1])] for y in range(size[0])]


# --- Tiled prediction, pixel by pixel ------------------------------------------------------------

def tiled_logits(network, image: torch.Tensor, tile: tuple, overlap: tuple, border: str,
                 blend: str) -> torch.Tensor:
    """What tiles say of an image (1, channels, H, W): weighted sums over the sum of weights.

    The image goes on by half the overlap, mirrored or as zeros, unless ``border='inside'``;
    the last tile of a side is moved inwards. The tiles are no larger than that.
    """
    size = image.shape[2:]
    reach = [0 if border == 'inside' else one // 2 for one in overlap]
    whole = [length + 2 * over for length, over in zip(size, reach)]

    def pixel(y, x):
        places = []
        for place, length in ((y - reach[0], size[0]), (x - reach[1], size[1])):
            while not 0 <= place < length:
                if border == 'zero':
                    return torch.zeros(image.shape[1])
                place = 0 if length == 1 else -place if place < 0 else 2 * (length - 1) - place
            places.append(place)
        return image[0, :, places[0], places[1]]

    extended = torch.stack([torch.stack([pixel(y, x) for x in range(whole[1])], -1)
                            for y in range(whole[0])], 1)[None]
    sides, starts = [], []
    for length, one, over in zip(whole, tile, overlap):
        sides.append(min(one, length))
        starts.append([0])
        while starts[-1][-1] + sides[-1] < length:
            starts[-1].append(min(starts[-1][-1] + one - over, length - sides[-1]))

    def weight(place, side, over):
        depth = min(place, side - 1 - place) + 1
        return dict(mean=1., linear=min(depth, max(over, 1)), none=depth)[blend]

    total, weights = 0., torch.zeros(1, 1, *whole)
    for top in starts[0]:
        for left in starts[1]:
            seen = extended[:, :, top:top + sides[0], left:left + sides[1]]
            mine = torch.zeros(1, 1, *whole)
            for y in range(sides[0]):
                for x in range(sides[1]):
                    sharing = ((y, top, starts[0], sides[0], overlap[0]),
                               (x, left, starts[1], sides[1], overlap[1]))
                    for place, first, firsts, side, over in sharing:
                        own = weight(place, side, over)
                        depths = [weight(place + first - one, side, over) for one in firsts
                                  if 0 <= place + first - one < side]
                        # the first of those in which the pixel lies equally deep
                        earlier = [weight(place + first - one, side, over) for one in firsts
                                   if one < first and 0 <= place + first - one < side]
                        if blend == 'none' and (own < max(depths) or own in earlier):
                            break
                    else:
                        mine[0, 0, top + y, left + x] = (
                            1. if blend == 'none' else weight(y, sides[0], overlap[0])
                            * weight(x, sides[1], overlap[1]))
            logits = network(seen)
            spread = torch.zeros(1, logits.shape[1], *whole)
            spread[:, :, top:top + sides[0], left:left + sides[1]] = logits
            total, weights = total + mine * spread, weights + mine
    result = total / weights
    return result[:, :, reach[0]:reach[0] + size[0], reach[1]:reach[1] + size[1]]


# --- DenseCRF: the sums over all pairs of pixels -------------------------------------------------

def dense_crf(probabilities, image, iterations: int, bilateral: dict, gaussian: dict):
    """Mean field of Kraehenbuehl and Koltun (2011), alg. 1 and eq. 3, over all pairs of pixels.

    As in the authors' second library, a pixel counts among its own neighbours, and each kernel
    is divided by the square roots of the sums of its rows and of its columns.

    Args: probabilities (C, H, W), image (H, W, 3). Returns the marginals (C, H, W), float64.
    """
    classes, height, width = probabilities.shape
    places = [(y, x) for y in range(height) for x in range(width)]
    kernels = []
    for settings, colours in ((gaussian, False), (bilateral, True)):
        kernel = np.zeros((len(places), len(places)))
        for i, (y, x) in enumerate(places):
            for j, (v, u) in enumerate(places):
                exponent = ((y - v) ** 2 + (x - u) ** 2) / (2. * settings['xy'] ** 2)
                if colours:
                    difference = image[y, x].astype(float) - image[v, u].astype(float)
                    exponent += (difference ** 2).sum() / (2. * settings['rgb'] ** 2)
                kernel[i, j] = np.exp(-exponent)
        rows = kernel.sum(1)
        kernels.append(settings['weight'] * kernel / np.sqrt(np.outer(rows, rows)))
    energy = -np.log(np.clip(probabilities.reshape(classes, -1).astype(float), 1e-5, 1))

    def shares(scores):
        scores = np.exp(scores - scores.max(0))
        return scores / scores.sum(0)

    marginals = shares(-energy)
    for _ in range(iterations):
        # Potts: what speaks for other labels speaks against this one, up to a constant
        marginals = shares(-energy + sum(marginals @ kernel for kernel in kernels))
    return marginals.reshape(classes, height, width)


# --- SegNet and RefineNet: pooling, unpooling and chained pooling, position by position -----------

def slow_pool(maps) -> tuple:
    """2x2 maxima of a nested list (H, W), and the rows and columns they come from."""
    height, width = len(maps), len(maps[0])
    pooled, places = [], []
    for top in range(0, height, 2):
        best = [max(((y, x) for y in range(top, min(top + 2, height))
                     for x in range(left, min(left + 2, width))), key=lambda p: maps[p[0]][p[1]])
                for left in range(0, width, 2)]
        pooled.append([maps[y][x] for y, x in best])
        places.append(best)
    return pooled, places


def slow_unpool(values, places, size: tuple) -> list:
    """A nested list of ``size`` that is 0 but for ``values`` at ``places``."""
    result = [[0.] * size[1] for _ in range(size[0])]
    for row, places_of_row in zip(values, places, strict=True):
        for value, (y, x) in zip(row, places_of_row, strict=True):
            result[y][x] = value
    return result


def published_segnet(weights: dict, data: torch.Tensor) -> torch.Tensor:
    """SegNet layer by layer as in its prototxt; classifier ``conv1_1_D``, norms ``*_norm``."""
    def conv(x, name):
        return F.conv2d(x, weights[f'{name}.weight'], weights[f'{name}.bias'], padding=1)

    def layer(x, name):
        bn = {key: weights[f'{name}_norm.{key}']
              for key in ('running_mean', 'running_var', 'weight', 'bias')}
        return F.relu(F.batch_norm(conv(x, name), **bn))

    x, masks = data, []
    for stage in ('1_1 1_2', '2_1 2_2', '3_1 3_2 3_3', '4_1 4_2 4_3', '5_1 5_2 5_3'):
        for name in stage.split():
            x = layer(x, f'conv{name}')
        size = x.shape[2:]
        # Caffe rounds up
        x, mask = F.max_pool2d(x, 2, 2, ceil_mode=True, return_indices=True)
        masks.append((mask, size))
    for stage in ('5_3 5_2 5_1', '4_3 4_2 4_1', '3_3 3_2 3_1', '2_2 2_1', '1_2'):
        mask, size = masks.pop()
        x = F.max_unpool2d(x, mask, 2, 2, output_size=size)
        for name in stage.split():
            x = layer(x, f'conv{name}_D')
    return conv(x, 'conv1_1_D')


def slow_chained_pooling(x: torch.Tensor, weights: list) -> torch.Tensor:
    """RefineNet, figure 3 (d), of maps (C, H, W) with 3x3 kernels, each (C, C, 3, 3)."""
    channels, height, width = x.shape

    def inside(y, x):
        return 0 <= y < height and 0 <= x < width

    def pool(maps):
        result = torch.zeros_like(maps)
        for c in range(channels):
            for i in range(height):
                for j in range(width):
                    result[c, i, j] = max(
                        maps[c, i + dy, j + dx].item() for dy in range(-2, 3)
                        for dx in range(-2, 3) if inside(i + dy, j + dx))
        return result

    def conv(maps, weight):
        result = torch.zeros_like(maps)
        for i in range(height):
            for j in range(width):
                for dy in range(-1, 2):
                    for dx in range(-1, 2):
                        if inside(i + dy, j + dx):
                            result[:, i, j] += weight[:, :, dy + 1, dx + 1] @ maps[:, i + dy,
                                                                                   j + dx]
        return result

    total = path = x.clamp(min=0)
    for weight in weights:
        path = conv(pool(path), weight)
        total = total + path
    return total


def slow_median_weights(labels: list, num_classes: int) -> list:
    """Median frequency balancing of nested lists of labels; 0 for classes that never occur."""
    frequencies = {}
    for label in range(num_classes):
        own = shown = 0
        for image in labels:
            pixels = [pixel for row in image for pixel in row]
            if label in pixels:
                own += sum(1 for pixel in pixels if pixel == label)
                shown += len(pixels)
        if shown:
            frequencies[label] = own / shown
    middle = sorted(frequencies.values())
    half = len(middle) // 2
    median = middle[half] if len(middle) % 2 else (middle[half - 1] + middle[half]) / 2
    return [median / frequencies[label] if label in frequencies else 0.
            for label in range(num_classes)]


# --- ISBI 2012: cells, and pairs of pixels -------------------------------------------------------

def slow_components(mask) -> np.ndarray:
    """Ids from 1 of the 4-connected parts of a mask (H, W), 0 elsewhere."""
    ids = np.zeros(np.shape(mask), int)
    for start in zip(*np.nonzero(mask)):
        if ids[start]:
            continue
        waiting, number = [start], ids.max() + 1
        while waiting:
            y, x = waiting.pop()
            if 0 <= y < ids.shape[0] and 0 <= x < ids.shape[1] and mask[y][x] and not ids[y, x]:
                ids[y, x] = number
                waiting += [(y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)]
    return ids


def slow_rand_scores(segments, cells) -> tuple | None:
    """F-score, split and merge score of ids (H, W), 0 is no segment; None without pairs."""
    pixels = [(cell, segment) for cell, segment in zip(np.ravel(cells), np.ravel(segments)) if cell]
    both = true = found = 0
    for place, (cell, segment) in enumerate(pixels):
        for other_cell, other_segment in pixels[place + 1:]:
            is_true = cell == other_cell
            is_found = segment == other_segment and segment > 0
            both, true, found = both + (is_true and is_found), true + is_true, found + is_found
    if not true:
        return None
    return 2 * both / (true + found), both / true, both / found if found else math.nan
