"""Checkpoints in the names of the published FCN."""
import re
from collections.abc import Iterable

from torch import Tensor

# conv1_1 ... conv5_3 or conv1 ... conv5, fc6, fc7, score_fr, score_pool4, upscore2, upscore8, ...
PUBLISHED = re.compile(r'(conv[1-5](_[1-3])?|fc[67]|score_\w+|upscore\w*)\.(weight|bias)')


def rename_published(state_dict: dict[str, Tensor],
                     model_keys: Iterable[str]) -> dict[str, Tensor]:
    """Give the layers of a published FCN checkpoint the places they have in a segmentor.

    The network published with `Fully Convolutional Networks for Semantic Segmentation
    <https://arxiv.org/abs/1411.4038>`_ is flat; here its layers are divided between
    ``backbone`` and ``decode_head``. Other names, and names the model has, stay as they are.

    Args:
        state_dict (dict[str, Tensor]): Parameters by name, e.g. ``score_fr.weight``.
        model_keys (Iterable[str]): Names of the model that is to load them.

    Returns:
        dict[str, Tensor]: The same tensors, e.g. as ``decode_head.score_fr.weight``.
    """
    model_keys = set(model_keys)
    places: dict[str, str] = {}
    for key in model_keys:
        prefix, _, name = key.rpartition('.')
        parent, _, layer = prefix.rpartition('.')
        if parent in ('backbone', 'decode_head'):
            places[f'{layer}.{name}'] = key
    return {
        places.get(key, key) if key not in model_keys and PUBLISHED.fullmatch(key) else key: value
        for key, value in state_dict.items()
    }
