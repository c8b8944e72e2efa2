"""Checkpoints that would run a program while they are read, and damaged ones."""
import pickle
from pathlib import Path

import torch


class Bomb:
    """Makes a file as soon as it is unpickled.

    Args:
        marker (Path): The file.
    """

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self):
        return open, (str(self.marker), 'w')


def write_bomb(path: Path, marker: Path, **content) -> Path:
    """Write a checkpoint with ``content`` and a bomb; returns ``path``."""
    torch.save({'state_dict': {}, **content, 'extra': Bomb(marker)}, path)
    return path


def raw_bomb(path: Path, marker: Path, protocol: int) -> Path:
    """Write a bare pickle with a bomb, as no PyTorch ever wrote it."""
    path.write_bytes(pickle.dumps(Bomb(marker), protocol))
    return path


def damage(path: Path, how: str) -> None:
    """Damage a checkpoint.

    Args:
        path (Path): The file.
        how (str): ``empty``, ``cut``, ``zeros``, ``flipped`` (one bit of a tensor), ``half``
            (begins as it should, then zeros), ``html`` or ``list`` (another content).
    """
    content = path.read_bytes()
    middle = len(content) // 2
    if how == 'list':
        torch.save([1, 2], path)
        return
    if how == 'flipped':
        # within the bytes of a tensor, which torch.load does not compare with their checksum
        content = bytearray(content)
        content[content.index(b'/data/0') + 100] ^= 1
    path.write_bytes({'empty': b'', 'cut': content[:middle], 'zeros': bytes(len(content)),
                      'half': content[:middle] + bytes(len(content) - middle),
                      'flipped': bytes(content), 'html': b'<html>404</html>'}[how])
