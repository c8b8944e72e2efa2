"""What happens to predictions after the network."""
from .detection import Detection
from .tiles import Tile, check_tiling, join_tiles, tile_grid

__all__ = ['Detection', 'Tile', 'check_tiling', 'join_tiles', 'tile_grid']
