"""An mmcv as it is installed where nothing was compiled."""
from pathlib import Path

import mmcv


def write_bare_mmcv(folder: Path) -> Path:
    """Write mmcv without its compiled extension, as links to what is installed.

    Args:
        folder (Path): Where to; put first in ``PYTHONPATH``.

    Returns:
        Path: ``folder``.
    """
    (folder / 'mmcv').mkdir()
    for path in Path(mmcv.__file__).parent.iterdir():
        if not path.name.startswith(('_ext', '__pycache__')):
            (folder / 'mmcv' / path.name).symlink_to(path)
    return folder
