#!/usr/bin/env python
"""Show what the augmentation of a config really feeds the network."""
import argparse
import sys
from pathlib import Path

import _cli

COLUMNS = 4
EXAMPLES = """  python tools/browse.py configs/fcn8s_barn.py
  python tools/browse.py configs/fcn8s_voc.py --number 8 --seed 3 --out voc.png
  python tools/browse.py configs/fcn8s_voc.py --split val"""


def parse_args(argv=None) -> argparse.Namespace:
    """Read the command line."""
    parser = _cli.parser_for(__doc__, EXAMPLES)
    parser.add_argument('--out', type=Path, metavar='FILE.png',
                        help='image to write (default: outputs/browse_<config>_<split>.png)')
    parser.add_argument('--number', type=_positive, default=16,
                        help='of samples (default: 16)')
    parser.add_argument('--split', choices=['train', 'val', 'test'], default='train',
                        help='which data loader of the config (default: train)')
    parser.add_argument('--seed', type=int, default=0, help='of the choice and the augmentation')
    args = parser.parse_args(argv)
    if args.out is None:
        args.out = Path('outputs') / f'browse_{Path(args.config).stem}_{args.split}.png'
    if args.out.suffix.lower() not in ('.png', '.jpg'):
        parser.error(f'--out {args.out} is neither .png nor .jpg')
    return args


def main(argv=None) -> int:
    """Write the image; returns the exit status."""
    args = parse_args(argv)
    with _cli.plain_errors(args.debug):
        browse(args)
    return 0


def browse(args: argparse.Namespace) -> None:
    """Draw samples through the pipeline and the data preprocessor of the model."""
    cfg = _cli.load_config(args.config, args.cfg_options)
    loader = cfg.get(f'{args.split}_dataloader')
    if not loader:
        raise UserError(f'{args.config} has no {args.split}_dataloader')
    import numpy as np
    from mmengine.registry import init_default_scope

    from plugin.engine.draws import seed_everything
    from plugin.utils import atomic_path
    from plugin.visualization.images import grid
    init_default_scope(cfg.get('default_scope', 'mmseg'))
    dataset = _registry(cfg).DATASETS.build(loader.dataset)
    if len(dataset) == 0:
        raise UserError(f'the {args.split} set is empty; look at data_root and ann_file')
    seed_everything(args.seed)
    chosen = np.random.default_rng(args.seed).permutation(len(dataset))[:args.number]
    samples = [dataset[int(index)] for index in chosen]
    # a training pads the images of a batch to one size, a test takes them one by one
    training = args.split == 'train'
    size = loader.get('batch_size', 1) if training else 1
    cells = [(image, labelled(image, sample, dataset.metainfo))
             for start in range(0, len(samples), size)
             for image, sample in fed(cfg, samples[start:start + size], training)]
    columns = min(COLUMNS, len(cells))
    rows = [[sheet for cell in cells[start:start + columns] for sheet in cell]
            for start in range(0, len(cells), columns)]
    # animals have a colour each, not a colour a class
    legend = None if cfg.get('default_scope') == 'mmdet' else list(
        zip(dataset.metainfo['classes'], dataset.metainfo['palette'], strict=True))
    sheet = grid(rows, titles=['input', 'labels'] * columns, legend=legend)
    from PIL import Image
    with atomic_path(args.out) as temporary:
        Image.fromarray(sheet).save(temporary)
    print(f'{len(cells)} of {len(dataset)} samples of the {args.split} set: {args.out}')


def _registry(cfg):
    """The registries of the library that the config is for."""
    import importlib
    return importlib.import_module(f'{cfg.get("default_scope", "mmseg")}.registry')


def fed(cfg, samples: list, training: bool) -> list:
    """What the network gets for a batch of samples, as images.

    Args:
        cfg (mmengine.Config): Config with the data preprocessor.
        samples (list[dict]): Samples of the data set.
        training (bool): Whether the network would train on them.

    Returns:
        list[tuple]: RGB ``(H, W, 3)``, uint8, and the data sample that goes with it.
    """
    import torch
    # a method with a teacher has the one of the segmentor inside
    holders = (cfg.model, cfg.model.get('segmentor') or {}, cfg)
    settings = next(filter(None, (holder.get('data_preprocessor') for holder in holders)), None)
    if settings is None:
        raise UserError(f'{cfg.filename} has no data_preprocessor; nothing can be fed')
    preprocessor = _registry(cfg).MODELS.build(settings)
    batch = preprocessor({key: [sample[key] for sample in samples]
                          for key in ('inputs', 'data_samples')}, training)
    images = torch.as_tensor(batch['inputs']).float()
    if settings.get('mean') is not None:
        images = images * preprocessor.std + preprocessor.mean
    images = images.round().clamp(0, 255).byte().permute(0, 2, 3, 1).numpy()
    if images.shape[3] == 1:  # grey
        images = images.repeat(3, axis=3)
    # OpenCV reads BGR; most preprocessors turn it round
    if not (settings.get('bgr_to_rgb') or settings.get('rgb_to_bgr')):
        images = images[..., ::-1]
    return list(zip(images.copy(), batch['data_samples'], strict=True))


def labelled(image, sample, metainfo: dict):
    """The image with its labels in colour: of the classes, or of each animal.

    Args:
        image (np.ndarray): RGB ``(H, W, 3)``, uint8.
        sample (SegDataSample | DetDataSample): Its truth.
        metainfo (dict): Of the data set, with ``palette``.

    Returns:
        np.ndarray: RGB ``(H, W, 3)``, uint8.
    """
    from plugin.visualization.images import overlay
    from plugin.visualization.instances import draw_instances
    if 'gt_sem_seg' in sample:
        return overlay(image, _fitting(sample.gt_sem_seg.data.squeeze(0).numpy(), image),
                       metainfo['palette'])
    if 'gt_instances' not in sample:
        return image  # of an unlabelled source
    masks = [_fitting(mask, image) for mask in sample.gt_instances.masks.to_ndarray()]
    return draw_instances(image, masks)


def _fitting(labels, image):
    """Labels in the size of the image; a test resizes its prediction to the labels instead."""
    import cv2
    if labels.shape == image.shape[:2]:
        return labels
    return cv2.resize(labels.astype('int16'), image.shape[1::-1], interpolation=cv2.INTER_NEAREST)


def _positive(text: str) -> int:
    if not text.isdigit() or int(text) == 0:
        raise argparse.ArgumentTypeError(f'{text} is not a number above 0')
    return int(text)


if __name__ == '__main__':
    sys.exit(main())
