"""A slow forward pass of DINOv2 from a state dict in the layout of the published files.

Written from the papers (arXiv 2304.07193, 2309.16588) in plain loops: one image, one head, one
patch at a time.
"""
import math

import torch
from torch import Tensor


def levels(weights: dict[str, Tensor], image: Tensor, *, heads: int, patch: int,
           blocks: list[int]) -> list[Tensor]:
    """Normalised outputs of ``blocks`` for an image (3, H, W): each (D, H / patch, W / patch)."""
    height, width = image.shape[1] // patch, image.shape[2] // patch
    tokens = [weights['cls_token'][0, 0] + weights['pos_embed'][0, 0]]
    tokens += list(weights['register_tokens'][0]) if 'register_tokens' in weights else []
    positions = grid_positions(weights, height, width)
    kernel, bias = weights['patch_embed.proj.weight'], weights['patch_embed.proj.bias']
    for row in range(height):
        for column in range(width):
            pixels = image[:, patch * row:patch * (row + 1), patch * column:patch * (column + 1)]
            token = torch.stack([(pixels * own).sum() for own in kernel]) + bias
            tokens.append(token + positions[row][column])
    x = torch.stack(tokens)
    found = {}
    for index in range(max(blocks) + 1):
        own = {name.split('.', 2)[2]: value for name, value in weights.items()
               if name.startswith(f'blocks.{index}.')}
        x = x + own['ls1.gamma'] * attention(norm(x, own, 'norm1'), own, heads)
        x = x + own['ls2.gamma'] * mlp(norm(x, own, 'norm2'), own)
        found[index] = norm(x, weights, 'norm')[len(x) - height * width:]
    return [found[index].T.reshape(-1, height, width) for index in blocks]


def attention(x: Tensor, own: dict[str, Tensor], heads: int) -> Tensor:
    """Self-attention of tokens (T, D), head by head."""
    width = x.shape[1] // heads
    joined = x @ own['attn.qkv.weight'].T + own['attn.qkv.bias']
    query, key, value = joined.split(x.shape[1], 1)
    outputs = []
    for head in range(heads):
        part = slice(head * width, (head + 1) * width)
        rows = []
        for one in query[:, part]:
            scores = torch.tensor([float(one @ other) / math.sqrt(width)
                                   for other in key[:, part]], dtype=x.dtype)
            shares = (scores - scores.max()).exp()
            rows.append((shares / shares.sum()) @ value[:, part])
        outputs.append(torch.stack(rows))
    return torch.cat(outputs, 1) @ own['attn.proj.weight'].T + own['attn.proj.bias']


def mlp(x: Tensor, own: dict[str, Tensor]) -> Tensor:
    """Two linear layers; GELU is x times the normal distribution function."""
    hidden = x @ own['mlp.fc1.weight'].T + own['mlp.fc1.bias']
    hidden = hidden * (1 + torch.erf(hidden / math.sqrt(2))) / 2
    return hidden @ own['mlp.fc2.weight'].T + own['mlp.fc2.bias']


def norm(x: Tensor, own: dict[str, Tensor], name: str) -> Tensor:
    """Layer norm of each token."""
    mean = x.mean(1, keepdim=True)
    variance = ((x - mean) ** 2).mean(1, keepdim=True)
    return (x - mean) / (variance + 1e-6).sqrt() * own[f'{name}.weight'] + own[f'{name}.bias']


def grid_positions(weights: dict[str, Tensor], height: int, width: int) -> list[list[Tensor]]:
    """A position for each patch: those that were learned, interpolated bicubically.

    Networks without registers enlarge by (patches + 0.1) / grid, which shifts every position a
    little; those with registers are not written out here, but for the grid they were learned on.
    """
    learned = weights['pos_embed'][0, 1:]
    grid = math.isqrt(len(learned))
    if (height, width) == (grid, grid):
        return [[learned[row * grid + column] for column in range(width)] for row in range(height)]
    assert 'register_tokens' not in weights
    vertical = cubic_weights(height, (height + 0.1) / grid, grid)
    horizontal = cubic_weights(width, (width + 0.1) / grid, grid)
    return [[sum(vertical[row][i] * horizontal[column][j] * learned[i * grid + j]
                 for i in range(grid) for j in range(grid))
             for column in range(width)] for row in range(height)]


def cubic_weights(number: int, scale: float, grid: int) -> list[list[float]]:
    """Share of each of ``grid`` samples in each of ``number`` new ones; borders are repeated."""
    def kernel(distance: float) -> float:
        a, d = -0.75, abs(distance)
        if d <= 1:
            return (a + 2) * d**3 - (a + 3) * d**2 + 1
        return a * d**3 - 5 * a * d**2 + 8 * a * d - 4 * a if d < 2 else 0.

    rows = []
    for index in range(number):
        place = (index + 0.5) / scale - 0.5
        shares = [0.] * grid
        for tap in range(math.floor(place) - 1, math.floor(place) + 3):
            shares[min(max(tap, 0), grid - 1)] += kernel(place - tap)
        rows.append(shares)
    return rows
