"""What happens to predictions after the network."""
from .dense_crf import DenseCRF
from .detection import Detection
from .label_rows import LabelRows
from .mask_suppression import mask_nms
from .original_image import original_image
from .probabilities import logits, probabilities, set_probabilities
from .tile_axis import plan_axes
from .tile_bands import join_bands, predict_bands
from .tiles import Tile, check_tiling, join_tiles, tile_grid, tile_starts
from .tiling import Tiling

__all__ = ['DenseCRF', 'Detection', 'LabelRows', 'Tile', 'Tiling', 'check_tiling', 'join_bands',
           'join_tiles', 'logits', 'mask_nms', 'original_image', 'plan_axes', 'predict_bands',
           'probabilities', 'set_probabilities', 'tile_grid', 'tile_starts']
