"""The settings of tiled prediction."""
from dataclasses import dataclass
from typing import Any

from plugin.utils import UserError

BORDERS = ('reflect', 'zero', 'inside')
BLENDS = ('linear', 'mean', 'none')


@dataclass(frozen=True)
class Tiling:
    """Settings of ``test_cfg=dict(mode='tile', ...)``; each side is ``(height, width)`` in pixels.

    A network that pads its convolutions sees tiles of ``crop_size``. One that does not, such as
    the published U-Net, has a ``margin``: it sees a tile and the margin around it, and
    ``crop_size`` is the size of what comes out.

    Attributes:
        crop_size (tuple[int, int]): Size of a tile.
        overlap (tuple[int, int]): What neighbours share at least.
        border (str): What lies outside the image. ``'reflect'`` mirrors it at its border
            pixels, ``'zero'`` is the mean colour of the normalised image: with both, tiles reach
            over the border by half the overlap, so that its pixels are seen as those inside are.
            With ``'inside'`` tiles lie where those of the slide mode do.
        blend (str): What counts where tiles overlap. ``'linear'``: all, the less the nearer to
            their edge. ``'mean'``: all, equally, as in the slide mode. ``'none'``: the tile in
            which the pixel lies deepest.
        step (int): Tiles lie at multiples of so many pixels; the last ones then reach over the
            border. With the stride of the network they meet the pooling grid of the whole image,
            so that seams cannot be seen. No effect on ``border='inside'``.
        batch_size (int, optional): Tiles that go through the network at a time. Defaults to 1 on
            a CPU, where more of them are slower, and 4 elsewhere.
        keep_logits (bool): Whether predictions hold ``seg_logits`` beside ``pred_sem_seg``.
            Without, only a band of rows of them is ever in memory.
    """

    crop_size: tuple[int, int]
    overlap: tuple[int, int]
    border: str = 'reflect'
    blend: str = 'linear'
    step: int = 1
    batch_size: int | None = None
    keep_logits: bool = True

    def __post_init__(self) -> None:
        for name, choices in (('border', BORDERS), ('blend', BLENDS)):
            if getattr(self, name) not in choices:
                raise UserError(f'test_cfg.{name}={getattr(self, name)!r} is unknown: use '
                                f'{", ".join(map(repr, choices))}')
        for tile, overlap in zip(self.crop_size, self.overlap):
            if not 0 <= overlap < tile:
                raise UserError(f'an overlap of {overlap} pixels does not fit tiles of {tile}: '
                                f'give 0 to {tile - 1} (test_cfg.overlap, or stride from 1)')
        for name in ('batch_size', 'step'):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise UserError(f'test_cfg.{name}={value} is out of range: give 1 or more')
        if self.step > min(self.crop_size):
            raise UserError(f'tiles of {min(self.crop_size)} pixels do not cover an image in '
                            f'steps of {self.step}: give a crop_size of {self.step} or more')

    @classmethod
    def from_cfg(cls, test_cfg: dict[str, Any], *, margin: int = 0, step: int = 1) -> 'Tiling':
        """Read the settings; other keys are left to others.

        Args:
            test_cfg (dict): ``crop_size``, and ``overlap`` or, as in the slide mode, ``stride``,
                each a number or ``(height, width)``. The overlap is a quarter of the tile where
                it is not given, 0 for a network with a margin.
            margin (int): Pixels that the network loses on each side. Defaults to 0.
            step (int): Where ``test_cfg`` has none. Defaults to 1.

        Raises:
            UserError: If a setting is missing, contradicts another one or is out of range.
        """
        if 'crop_size' not in test_cfg:
            raise UserError("test_cfg.mode='tile' needs the size of the tiles: "
                            'set test_cfg.crop_size=(height, width)')
        size = _pair(test_cfg['crop_size'], 'crop_size')
        rest = ('border', 'blend', 'batch_size', 'keep_logits', 'step')
        given = {key: test_cfg[key] for key in rest if key in test_cfg}
        tiling = cls(size, _overlap(test_cfg, size, margin), **{'step': step, **given})
        if margin and tiling.border == 'inside':
            raise UserError(f"test_cfg.border='inside' leaves the outer {margin} pixels without a "
                            "prediction, as this network pads nothing: use 'reflect'")
        return tiling


def _overlap(test_cfg: dict[str, Any], size: tuple[int, int], margin: int) -> tuple[int, int]:
    if 'stride' in test_cfg and 'overlap' in test_cfg:
        raise UserError(f'test_cfg has stride={test_cfg["stride"]} and '
                        f'overlap={test_cfg["overlap"]}: give one of them, the other follows')
    if 'stride' in test_cfg:
        stride = _pair(test_cfg['stride'], 'stride')
        return size[0] - stride[0], size[1] - stride[1]
    if 'overlap' in test_cfg:
        return _pair(test_cfg['overlap'], 'overlap')
    return (0, 0) if margin else (size[0] // 4, size[1] // 4)


def _pair(value: Any, name: str) -> tuple[int, int]:
    pair = (value, value) if isinstance(value, int) else tuple(value)
    if len(pair) != 2 or not all(isinstance(side, int) for side in pair):
        raise UserError(f'test_cfg.{name}={value!r} is no size: give (height, width) in pixels')
    return pair
