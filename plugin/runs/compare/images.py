"""Which images the configs of a comparison train on and are measured with."""
import copy
import os
from collections.abc import Mapping, Sequence
from typing import Any

from mmengine.config import Config
from mmengine.registry import DATASETS, init_default_scope

from plugin.datasets.leaves import leaf_datasets
from plugin.utils import UserError, first_few

from .twins import is_semi

PARTS = {'labelled': 'train', 'unlabelled': 'train', 'val': 'val', 'test': 'test'}


def images_of(cfg: Config, part: str) -> tuple[str, ...]:
    """The images of a part of the data of a config.

    Args:
        cfg (mmengine.Config): The config.
        part (str): ``labelled`` or ``unlabelled``, those that it trains on; ``val`` or ``test``.

    Returns:
        tuple[str, ...]: Their paths without links, sorted; empty where the config has no such part.
    """
    node = (cfg.get(f'{PARTS[part]}_dataloader') or {}).get('dataset')
    if not node:
        return ()
    if part in ('labelled', 'unlabelled'):
        if is_semi(cfg):
            node = node[part.replace('ll', 'l')]  # as the config spells it
        elif part == 'unlabelled':
            return ()
    init_default_scope(cfg.get('default_scope') or 'mmseg')
    settings: dict[str, Any] = dict(copy.deepcopy(node))
    # a wrapper may have a pipeline, too
    if 'pipeline' in settings and not {'dataset', 'datasets'} & set(settings):
        settings.update(pipeline=[], serialize_data=False)
    leaves = leaf_datasets(DATASETS.build(settings))
    return tuple(sorted({os.path.realpath(leaf.get_data_info(place)['img_path'])
                         for leaf in leaves for place in range(len(leaf))}))


def check_apart(images: Mapping[str, Sequence[str]], name: str) -> None:
    """Stop where a config is measured with images that it trains on, or tested with those of val.

    That all images of test are those of val is allowed: there is no third part then.

    Args:
        images (Mapping): Those of each part.
        name (str): What the message calls the config.

    Raises:
        UserError: If parts overlap; names some of the images.
    """
    for one, two in (('labelled', 'val'), ('labelled', 'test'), ('unlabelled', 'val'),
                     ('unlabelled', 'test'), ('val', 'test')):
        shared = sorted(set(images[one]) & set(images[two]))
        if not shared or (one == 'val' and set(images[one]) == set(images[two])):
            continue
        use = 'chooses with' if one == 'val' else 'trains on'
        raise UserError(
            f'{name} {use} {len(shared)} of its {len(images[two])} {two} images '
            f'({first_few(shared, 3)}), so that their score says little of other images: take them '
            f'out of the {one} or of the {two} images (tools/data/make_partition.py and '
            'split_coco.py write lists of parts)')


def check_same(images: Mapping[str, Sequence[str]], part: str, cure: str) -> None:
    """Stop where configs do not share the images of a part.

    Args:
        images (Mapping): Those of each config by its name, the first one the reference.
        part (str): What the message calls them.
        cure (str): The end of the message.

    Raises:
        UserError: If they differ; names two configs and some of the images.
    """
    (first, own), *others = images.items()
    for name, found in others:
        if set(found) == set(own):
            continue
        told = [f'{len(set(one) - set(two))} only in {who} '
                f'({first_few([os.path.basename(path) for path in sorted(set(one) - set(two))])})'
                for who, one, two in ((first, own, found), (name, found, own))
                if set(one) - set(two)]
        raise UserError(f'{first} has {len(own)} {part} images and {name} {len(found)}, and they '
                        f'are not the same: {"; ".join(told)}; {cure}')
