"""Vision transformers of DINOv2."""
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from mmcv.cnn.bricks import DropPath
from mmengine.logging import MMLogger
from mmengine.model import BaseModule
from mmengine.model.weight_init import trunc_normal_
from mmengine.runner import CheckpointLoader
from mmseg.registry import MODELS
from torch import Tensor, nn

from plugin.utils import UserError, first_few

# width, blocks, heads
SIZES = dict(small=(384, 12, 6), base=(768, 12, 12), large=(1024, 24, 16))
# tokens of no patch before those of the registers
CLASS_TOKENS = 1


@MODELS.register_module()
class DINOv2(BaseModule):
    """A vision transformer with LayerScale, registers and positions for any image size.

    M. Oquab et al., `DINOv2: Learning Robust Visual Features without Supervision
    <https://arxiv.org/abs/2304.07193>`_, with the registers of T. Darcet et al., `Vision
    Transformers Need Registers <https://arxiv.org/abs/2309.16588>`_. The parameters have the
    names of the published checkpoints (Apache-2.0), such as ``dinov2_vits14_pretrain.pth``.

    An image is divided into patches. One whose sides are no whole number of them is enlarged to the
    next, bilinearly: heads bring their logits to the size of the image, so that each position must
    keep its place in it. ``size_divisor`` of the data preprocessor and of ``test_cfg`` pads images
    and labels instead; a detector, which counts in pixels of a patch, needs that. Positions were
    learned on a grid and are interpolated bicubically to that of the image.

    Args:
        size (str): ``'small'``, ``'base'`` or ``'large'``, or with ``sizes`` of your own
            ``(width, blocks, heads)``. Defaults to ``'small'``.
        patch_size (int): Pixels of a patch. Defaults to 14, as published.
        registers (int): Register tokens; 4 in the published checkpoints whose name has ``reg4``.
            Defaults to 0.
        grid (int): Positions were learned for grid x grid patches. Defaults to 37, as published
            (518 pixels).
        out_indices (Sequence[int], optional): Blocks whose output is a level. Defaults to the
            end of each quarter; of ``large`` to 4, 11, 17 and 23, as published.
        drop_path_rate (float): Stochastic depth of the last block, that of the others rises to it.
            Defaults to 0.
        frozen (bool): Learn nothing, and keep no maps for the gradient. Defaults to False.
        init_cfg (dict, optional): ``dict(type='Pretrained', checkpoint=...)`` of a file of DINOv2.

    Raises:
        UserError: If the size is unknown, or there is no such block.
    """

    register_tokens: nn.Parameter | None

    def __init__(self,
                 size: str | Sequence[int] = 'small',
                 *,
                 patch_size: int = 14,
                 registers: int = 0,
                 grid: int = 37,
                 out_indices: Sequence[int] | None = None,
                 drop_path_rate: float = 0.,
                 frozen: bool = False,
                 init_cfg: dict | None = None) -> None:
        super().__init__(init_cfg)
        if isinstance(size, str) and size not in SIZES:
            raise UserError(f'size={size!r} is unknown: use {", ".join(map(repr, SIZES))}, or '
                            '(width, blocks, heads)')
        width, depth, heads = SIZES[size] if isinstance(size, str) else size
        if out_indices is None:
            out_indices = (4, 11, 17, 23) if size == 'large' else [
                depth * quarter // 4 - 1 for quarter in (1, 2, 3, 4)]
        if not all(0 <= index < depth for index in out_indices):
            raise UserError(f'out_indices={tuple(out_indices)}: the blocks are 0..{depth - 1}')
        self.patch_size, self.grid, self.frozen = patch_size, grid, frozen
        self.out_indices = tuple(out_indices)
        self.cls_token = nn.Parameter(torch.zeros(1, CLASS_TOKENS, width))
        self.pos_embed = nn.Parameter(torch.zeros(1, CLASS_TOKENS + grid**2, width))
        # None is no parameter: the published files without registers have none
        self.register_parameter('register_tokens', nn.Parameter(
            torch.zeros(1, registers, width)) if registers else None)
        self.patch_embed = PatchEmbed(width, patch_size)
        self.blocks = nn.ModuleList(
            Block(width, heads, drop_path_rate * index / max(1, depth - 1))
            for index in range(depth))
        self.norm = nn.LayerNorm(width, eps=1e-6)
        if frozen:
            self.requires_grad_(False)

    def init_weights(self) -> None:
        """Published weights where ``init_cfg`` names them, or random values as published."""
        if self.init_cfg:
            self._load(self.init_cfg['checkpoint'])
            return
        trunc_normal_(self.pos_embed, std=0.02)
        nn.init.normal_(self.cls_token, std=1e-6)
        if self.register_tokens is not None:
            nn.init.normal_(self.register_tokens, std=1e-6)
        for layer in self.modules():
            if isinstance(layer, nn.Linear):
                trunc_normal_(layer.weight, std=0.02)
                nn.init.zeros_(layer.bias)

    def _load(self, path: str) -> None:
        """Take all weights of a published file, or none."""
        loaded = CheckpointLoader.load_checkpoint(path, map_location='cpu')
        weights = dict(loaded.get('state_dict', loaded))
        weights.pop('mask_token', None)  # of its training, which hid patches
        own = self.state_dict()
        differing = [
            f'{name} {tuple(weights[name].shape) if name in weights else "missing"} instead of '
            f'{tuple(value.shape)}' for name, value in own.items()
            if name not in weights or weights[name].shape != value.shape]
        differing += [f'{name} is no part of it' for name in weights if name not in own]
        if differing:
            raise UserError(f'{path} is no DINOv2 of this size, patch_size, grid and registers: '
                            f'{first_few(differing)}; give the file that fits, e.g. '
                            'dinov2_vits14_pretrain.pth for size=small')
        self.load_state_dict(weights)
        MMLogger.get_current_instance().info(
            f'weights of DINOv2 (Meta AI, Apache License 2.0) from {path}')

    def train(self, mode: bool = True) -> 'DINOv2':
        """Set the mode; a frozen network stays in evaluation mode."""
        return super().train(mode and not self.frozen)

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Levels of images (N, 3, H, W): each (N, width, ceil(H / patch), ceil(W / patch))."""
        with torch.set_grad_enabled(torch.is_grad_enabled() and not self.frozen):
            return self._levels(x)

    def _levels(self, x: Tensor) -> tuple[Tensor, ...]:
        patch = self.patch_size
        height, width = (-(-side // patch) for side in x.shape[2:])
        whole = (height * patch, width * patch)
        if tuple(x.shape[2:]) != whole:
            x = F.interpolate(x, whole, mode='bilinear', align_corners=False)
        tokens = self._tokens(x, height, width)
        levels = {}
        for index, block in enumerate(self.blocks):
            tokens = block(tokens)
            if index in self.out_indices:
                patches = self.norm(tokens)[:, -height * width:]
                levels[index] = patches.transpose(1, 2).unflatten(2, (height, width))
        return tuple(levels[index] for index in self.out_indices)

    def _tokens(self, x: Tensor, height: int, width: int) -> Tensor:
        """Class token, registers and patches with their positions, (N, tokens, width)."""
        patches = self.patch_embed(x) + self._positions(height, width)
        number = len(patches)
        tokens = [(self.cls_token + self.pos_embed[:, :CLASS_TOKENS]).expand(number, -1, -1)]
        if self.register_tokens is not None:
            tokens.append(self.register_tokens.expand(number, -1, -1))
        return torch.cat([*tokens, patches], 1)

    def _positions(self, height: int, width: int) -> Tensor:
        """Positions of a grid of patches, (1, height * width, D)."""
        positions = self.pos_embed[:, CLASS_TOKENS:]
        if (height, width) == (self.grid, self.grid):
            return positions
        learned = positions.float().transpose(1, 2).unflatten(2, (self.grid, self.grid))
        # as published: networks without registers scale by a tenth of a patch more
        if self.register_tokens is None:
            scales = ((height + 0.1) / self.grid, (width + 0.1) / self.grid)
            grid = F.interpolate(learned, scale_factor=scales, mode='bicubic')
        else:
            grid = F.interpolate(learned, (height, width), mode='bicubic', antialias=True)
        return grid.flatten(2).transpose(1, 2).to(positions.dtype)


class PatchEmbed(nn.Module):
    """Patches as tokens.

    Args:
        width (int): Length of a token.
        patch_size (int): Pixels of a patch.
    """

    def __init__(self, width: int, patch_size: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(3, width, patch_size, patch_size)

    def forward(self, x: Tensor) -> Tensor:
        """(N, 3, H, W) to (N, patches, width), row by row."""
        return self.proj(x).flatten(2).transpose(1, 2)


class Block(nn.Module):
    """Attention and two linear layers, each scaled and added to what came in.

    Args:
        width (int): Length of a token.
        heads (int): Attention heads.
        drop_path_rate (float): Chance of an image to skip a part.
    """

    def __init__(self, width: int, heads: int, drop_path_rate: float) -> None:
        super().__init__()
        self.norm1, self.norm2 = (nn.LayerNorm(width, eps=1e-6) for _ in range(2))
        self.attn = Attention(width, heads)
        self.mlp = Mlp(width)
        self.ls1, self.ls2 = LayerScale(width), LayerScale(width)
        self.drop_path = DropPath(drop_path_rate)

    def forward(self, x: Tensor) -> Tensor:
        """(N, tokens, width) to the same."""
        x = x + self.drop_path(self.ls1(self.attn(self.norm1(x))))
        return x + self.drop_path(self.ls2(self.mlp(self.norm2(x))))


class Attention(nn.Module):
    """Every token attends to all of its image; in memory that grows with their number.

    Args:
        width (int): Length of a token.
        heads (int): Attention heads.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        """(N, tokens, width) to the same."""
        # (3, N, heads, tokens, width / heads)
        query, key, value = self.qkv(x).unflatten(2, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        attended = F.scaled_dot_product_attention(query, key, value)
        return self.proj(attended.transpose(1, 2).flatten(2))


class Mlp(nn.Module):
    """Two linear layers with a GELU between them.

    Args:
        width (int): Length of a token; four times as long between the layers.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        """(N, tokens, width) to the same."""
        return self.fc2(F.gelu(self.fc1(x)))


class LayerScale(nn.Module):
    """A learned factor of each channel.

    Args:
        width (int): Length of a token.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(width))

    def forward(self, x: Tensor) -> Tensor:
        """(N, tokens, width) to the same."""
        return x * self.gamma
