"""The operators of mmcv in both kinds."""
import sys
from types import ModuleType

import pytest

from plugin.ops import extension, serving

USERS = ('nms', 'roi_align', 'focal_loss', 'bbox')


@pytest.fixture
def compiled() -> ModuleType:
    """The compiled extension of mmcv; skips where there is none."""
    if serving() != 'compiled':
        pytest.skip('mmcv is here without its compiled operators')
    return sys.modules['mmcv._ext']


@pytest.fixture
def stand_in(monkeypatch) -> ModuleType:
    """Let ``mmcv.ops`` use the operators in PyTorch."""
    for name in USERS:
        # some functions hide the module that they come from
        monkeypatch.setattr(sys.modules[f'mmcv.ops.{name}'], 'ext_module', extension)
    return extension
