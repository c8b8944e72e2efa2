"""Loaders whose settings contradict each other."""
from mmengine.config import Config

from plugin.utils.console import say

# settings of worker processes, which PyTorch refuses where there are none
OF_WORKERS = ('persistent_workers', 'prefetch_factor')


def mend_workers(cfg: Config) -> None:
    """Take back what loaders without worker processes cannot have, and say it.

    Args:
        cfg (mmengine.Config): The config; its loaders with ``num_workers=0`` are changed.
    """
    for name in ('train_dataloader', 'val_dataloader', 'test_dataloader'):
        loader = cfg.get(name)
        if not isinstance(loader, dict) or loader.get('num_workers', 0) != 0:
            continue
        given = [key for key in OF_WORKERS if loader.get(key)]
        if given:
            for key in given:
                del loader[key]
            say(f'{name}.num_workers=0: it has no {" and no ".join(given)}, which needs workers')
