"""Write what docs/papers.md generates: what each config should reach, and what its training costs.

    python docs/papers.py

The words are the first lines of the configs (``read_head``), the sizes and the steps those of the
resolved configs, the multiply-adds those of the built networks, on tensors without data.
"""
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

import plugin  # noqa: F401  registers the networks
from plugin.utils.config import network_config, wrapped_key

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / 'docs/papers.md'
MARK = '<!-- what follows is written by docs/papers.py -->\n'
KEYS = ('Published', 'Needs', 'Departs', 'Measured')
# operations a second that the estimates of hours assume
SUSTAINED = 10e12
# (height, width) of images that are trained on as they are; most of VOC's have the size given
NATIVE = {'CamVidDataset': (360, 480), 'VOCSegDataset': (375, 500)}
GROUPS = {
    'FCN': 'fcn', 'SegNet': 'segnet', 'U-Net': 'unet', 'DeepLab': 'deeplab', 'PSPNet': 'pspnet',
    'RefineNet': 'refinenet', 'Instances': '(cascade-)?mask-rcnn', 'UPerNet': 'upernet',
    'Few labels': 'suponly|u2pl|unimatch|mean-teacher|cutmix-seg|cps|maskteacher'}


class Head(NamedTuple):
    """The first lines of a config."""

    title: str
    facts: dict[str, str]
    commands: list[str]


def read_head(text: str) -> Head:
    """Title and facts from the comment that opens a config.

    A fact starts with one of ``KEYS`` and a colon, and goes on in lines that are indented. Lines
    after the facts that begin as a command does are commands.

    Example:
        >>> read_head('# A network.\\n# Published: none; it is\\n#   new.\\n# Usage.').facts
        {'Published': 'none; it is new.'}
    """
    title: list[str] = []
    facts: dict[str, str] = {}
    commands: list[str] = []
    last = None
    for line in text.splitlines():
        if not line.startswith('#'):
            break
        key = re.match(r'# (\w+): (.*)', line)
        if key and key[1] in KEYS:
            last = key[1]
            facts[last] = key[2].strip()
        elif last and line.startswith('#   '):
            facts[last] += ' ' + line[1:].strip()
        elif not facts:
            title.append(line[1:].strip())
        else:
            last = None
            if re.match(r'# ([A-Z_0-9]+=\S+ )*(python|tools/)', line):
                # what it does may follow
                commands.append(re.split(' takes |: ', line[2:])[0])
    return Head(' '.join(title), facts, commands)


def image_size(cfg: Config) -> tuple[int, int]:
    """(height, width) of the training images: the last crop or scale, or what the images have."""
    if cfg.default_scope == 'mmdet':
        width, height = _steps(cfg.val_dataloader.dataset, 'scale')[-1]['scale']
        return height, width
    dataset = cfg.train_dataloader.dataset
    height, width = NATIVE.get(dataset.get('labeled', dataset).type, (0, 0))
    for step in _steps(dataset, 'crop_size', 'scale', 'scale_factor'):
        if 'crop_size' in step:
            size = step['crop_size']
            height, width = (size, size) if isinstance(size, int) else size
        elif step['type'] == 'Resize':
            width, height = step.get('scale') or (
                round(side * step['scale_factor']) for side in (width, height))
    assert height and width, 'the pipeline says no size: add the images to NATIVE'
    return height, width


def multiply_adds(cfg: Config) -> float:
    """Multiply-adds of a forward pass of one training image; auxiliary heads are not counted, nor
    the border by which an unpadded network extends what it predicts.
    """
    height, width = image_size(cfg)
    model = _network(cfg)
    channels = network_config(cfg.model).backbone.get('in_channels', 3)
    image = torch.empty(1, channels, height, width, device='meta')
    with FlopCounterMode(display=False) as counter:
        if cfg.default_scope == 'mmdet':
            _detect(model, image)
        elif getattr(model.decode_head, 'margin', 0):
            model.decode_head(model.extract_feat(image))
        else:
            size = (height, width)
            model.encode_decode(image, [dict(img_shape=size, ori_shape=size, pad_shape=size,
                                             padding_size=[0] * 4)])
    return counter.get_total_flops() / 2


def hours(cfg: Config) -> float:
    """Hours of one GPU that a training is estimated to take: forward and backward passes as three
    forward ones and the teacher's as one more, a multiply-add as two operations, ``SUSTAINED`` of
    them a second.
    """
    passes = 3.0
    if wrapped_key(cfg.model):  # the batch size counts the images without labels, too
        passes = 6.0 if cfg.model.type == 'CPS' else 4.0
    images = cfg.train_cfg.max_iters * cfg.train_dataloader.batch_size
    return 2 * passes * multiply_adds(cfg) * images / SUSTAINED / 3600


def section(path: Path) -> str:
    """What the page says of one config."""
    head, cfg = read_head(path.read_text(encoding='utf-8')), Config.fromfile(path)
    height, width = image_size(cfg)
    lines = [f'### {path.stem}', '', f'[{head.title}](../configs/{path.name})', '']
    lines += [f'- **{key}**: {head.facts[key]}' for key in KEYS if key in head.facts]
    lines += [f'- **Weights**: {source}' for source in cfg.get('weights_from', {}).values()]
    batch, joined = (cfg.train_dataloader.batch_size,
                     cfg.optim_wrapper.get('accumulative_counts', 1))
    steps = 'steps' if joined == 1 else f'iterations, {joined} of them a step,'
    lines.append(f'- **Training**: {cfg.train_cfg.max_iters:,} {steps} of {batch} '
                 f'image{"s" * (batch > 1)} of {height}x{width}, {multiply_adds(cfg) / 1e9:.3g} G '
                 f'multiply-adds each; {_few(hours(cfg))}')
    lines += [f'- `{command}`' for command in head.commands]
    return '\n'.join([*lines, ''])


def sections() -> Iterator[str]:
    """The generated part of the page."""
    left = sorted((ROOT / 'configs').glob('*.py'))
    for title, prefix in GROUPS.items():
        members = [path for path in left if re.match(f'({prefix})', path.stem)]
        left = [path for path in left if path not in members]
        yield f'## {title}\n'
        yield from map(section, members)
    assert not left, f'{left}: no group of GROUPS takes them'


def page(text: str) -> str:
    """``text`` with its generated part anew."""
    before, mark, _ = text.partition(MARK)
    assert mark, f'{PAGE} has no line {MARK!r}'
    return before + MARK + '\n' + '\n'.join(sections())


def _network(cfg: Config) -> nn.Module:
    """The network that is trained, in evaluation mode, without data."""
    if cfg.default_scope == 'mmdet':
        from mmdet.registry import MODELS
    else:
        from mmseg.registry import MODELS
    init_default_scope(cfg.default_scope)
    settings = network_config(cfg.model)
    try:
        with torch.device('meta'):
            model = MODELS.build(settings)
    except RuntimeError:  # Swin reads values while it is built
        model = MODELS.build(settings).to('meta')
    return model.eval()


def _detect(model: nn.Module, image: torch.Tensor) -> None:
    """A two-stage detector on one image with the boxes that its training samples."""
    maps = model.extract_feat(image)
    model.rpn_head(maps)
    head, sampler = model.roi_head, _all(model.train_cfg.rcnn)[0].sampler
    for box_head in _all(head.bbox_head):
        box_head(_regions(sampler.num, maps[0].shape[1], box_head))
    for mask_head in _all(head.mask_head):
        mask_head(_regions(int(sampler.num * sampler.pos_fraction), maps[0].shape[1], mask_head))


def _regions(number: int, channels: int, head: nn.Module) -> torch.Tensor:
    """What a head of regions takes."""
    return torch.empty(number, channels, *head.roi_feat_size, device='meta')


def _all(stages):
    """The stages of a cascade; the one stage of others in a list."""
    return stages if isinstance(stages, list | nn.ModuleList) else [stages]


def _steps(dataset, *keys: str) -> list[dict]:
    """The transforms of a data set in order that have one of these settings.

    Those of the data set that it wraps come first, and of a choice the first one.
    """
    steps = _steps(dataset['dataset'], *keys) if 'dataset' in dataset else []
    steps += _steps(dataset['labeled'], *keys) if 'labeled' in dataset else []
    for step in dataset.get('pipeline', []):
        inner = step.get('transforms', [step])
        steps += inner[0] if inner and isinstance(inner[0], list | tuple) else inner
    return [step for step in steps if any(step.get(key) for key in keys)]


def _few(number: float) -> str:
    """Hours in two digits."""
    if number < 0.1:
        return 'minutes of a GPU, estimated'
    return f'about {number:.1f} GPU hours' if number < 10 else f'about {number:.0f} GPU hours'


if __name__ == '__main__':
    PAGE.write_text(page(PAGE.read_text(encoding='utf-8')), encoding='utf-8')
    sys.exit(0)
