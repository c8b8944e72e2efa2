"""Weights for DeepLab v1 and v2: VGG16 of ImageNet, and the layouts they were published in."""
import re
from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from torch import Tensor

from plugin.utils import UserError, write_checkpoint

from .files import check_target, read_state_dict

FC_CHANNELS = 1024
FC6_STEP = 3  # taps 0, 3 and 6 of 7: three cells of stride 32 are 12 of stride 8
ASPP_BRANCHES = 4
# levels that DeepLab-MSc adds to fc7, in the order of `DeepLabMScHead`
MSC_LEVELS = ('data', 'pool1', 'pool2', 'pool3', 'pool4')
MSC_PLACES = dict(conv='branches.{}.conv', fc='branches.{}.fc', ms='scores.{}')

VGG_CONVOLUTION = re.compile(r'conv[1-5]_[1-3]')
MSC_LAYER = re.compile(r'(data|pool[1-4])_(conv|fc|ms)')
# it may have the name of the data set: fc8, fc8_voc12, fc8_pascal; of a branch fc8_voc12_1
VGG_CLASSIFIER = re.compile(r'fc8(?:_[a-z]+\d*)?')
ASPP_LAYER = re.compile(r'(fc[67])_([1-4])')
ASPP_CLASSIFIER = re.compile(r'fc8(?:_[a-z]+\d*)?_([1-4])')
RESNET_CLASSIFIER = re.compile(r'layer5\.conv2d_list\.(\d)')
RESNET_LAYER = re.compile(r'(conv1|bn1|layer[1-4]\..+)')
BLOCK_CLASSIFIER = re.compile(r'aspp\.c(\d)')
BLOCK_STEM = re.compile(r'layer1\.conv1\.(conv|bn)')
BLOCK_LAYER = re.compile(
    r'layer([2-5])\.block(\d+)\.(reduce|conv3x3|increase|shortcut)\.(conv|bn)')
BLOCK_PARTS = dict(reduce='1', conv3x3='2', increase='3')
# the classifier of the COCO start, of 91 classes, which DeepLab v2 replaces by its ASPP
COCO_CLASSIFIER = 'fc'
SCALE = re.compile(r'^(?:module\.)?(?:Scale\d?\.|base\.)?')


def convert(source: str | Path, target: str | Path, *,
            overwrite: bool = False) -> dict[str, Tensor]:
    """Turn a file of a published DeepLab v1 or v2 into a checkpoint of this project.

    It keeps its classes, so that it can be tested and fine-tuned as it is.

    Args:
        source (str | Path): The published file; see :func:`convert_deeplab`.
        target (str | Path): The file to write.
        overwrite (bool): Replace an older file.

    Returns:
        dict[str, Tensor]: The state dict that was written.

    Raises:
        OSError: If the source is missing, or the target must not be written.
        UserError: If the source is in none of the known layouts.
    """
    check_target(Path(source), Path(target), overwrite)
    state_dict = convert_deeplab(read_state_dict(Path(source)))
    write_checkpoint(dict(state_dict=state_dict), target)
    return state_dict


def class_count(state_dict: Mapping[str, Tensor]) -> int | None:
    """Number of classes of a converted DeepLab, by the rows of its classifier; None without one."""
    return next((len(value) for key, value in state_dict.items()
                 if key.startswith(('decode_head.conv_seg.', 'decode_head.classifiers.'))), None)


def subsample_vgg16(state_dict: Mapping[str, Tensor],
                    fc_channels: int = FC_CHANNELS) -> dict[str, Tensor]:
    """Turn the weights of ``FCNVGG16`` into those of ``DeepLabVGG16``, as DeepLab's authors do.

    L.-C. Chen et al., `DeepLab v1 <https://arxiv.org/abs/1412.7062>`_, section 3.2: the fully
    connected layers are subsampled. Every fourth of 4096 units is kept, and of fc6's 7 x 7 taps
    every third: 0, 3 and 6, whose distance of 3 cells at stride 32 is that of dilation 12 at
    stride 8. The kept weights are not scaled.

    Args:
        state_dict (Mapping[str, Tensor]): Of
            :func:`~plugin.models.weights.vgg16.convert_vgg16`; fc6.weight is
            (4096, 512, 7, 7).
        fc_channels (int): Units to keep. Defaults to 1024.

    Returns:
        dict[str, Tensor]: The same names; fc6.weight is (1024, 512, 3, 3), fc7.weight
        (1024, 1024, 1, 1).

    Raises:
        UserError: If the layers are not there or have another number of units.
    """
    if 'fc6.weight' not in state_dict or 'fc7.weight' not in state_dict:
        raise UserError('fc6.weight or fc7.weight is missing: give the weights of VGG16 with its '
                        'classifier, not of its features alone')
    units = len(state_dict['fc6.weight'])
    step, rest = divmod(units, fc_channels)
    if step < 1 or rest:
        raise UserError(f'fc6 has {units} units, which cannot be subsampled to {fc_channels}: '
                        'give the weights of VGG16, which has 4096')
    converted = dict(state_dict)
    converted['fc6.weight'] = state_dict['fc6.weight'][::step, :, ::FC6_STEP, ::FC6_STEP].clone()
    converted['fc7.weight'] = state_dict['fc7.weight'][::step, ::step].clone()
    for name in ('fc6.bias', 'fc7.bias'):
        converted[name] = state_dict[name][::step].clone()
    return converted


def aspp_from_vgg16(state_dict: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Weights of DeepLab v2 on VGG16: each branch of the ASPP starts from the same fc6 and fc7.

    Args:
        state_dict (Mapping[str, Tensor]): Of :func:`subsample_vgg16`.

    Returns:
        dict[str, Tensor]: For the whole segmentor, ``backbone.conv1_1.weight`` ...
        ``decode_head.trunks.3.fc7.bias``; no classifiers.
    """
    converted: dict[str, Tensor] = {}
    for key, value in state_dict.items():
        if key.startswith('fc'):
            for branch in range(ASPP_BRANCHES):
                converted[f'decode_head.trunks.{branch}.{key}'] = value.clone()
        else:
            converted[f'backbone.{key}'] = value
    return converted


def convert_deeplab(state_dict: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Give the layers of a published DeepLab v1 or v2 the places they have in a segmentor.

    The layouts are those of PyTorch files that circulate of the authors' Caffe models:

    - v1 in Caffe's names, ``conv1_1.weight`` ... ``fc7.bias``, ``fc8_voc12.weight``; with MSc also
      ``data_conv``, ``data_fc``, ``data_ms``, ``pool1_conv`` ... ``pool4_ms``;
    - v2 on VGG16 in Caffe's names: ``fc6_1``, ``fc7_1``, ``fc8_voc12_1`` ... of four branches;
    - v2 on ResNet-101: ``Scale.layer1.0.conv1.weight`` ... ``Scale.layer5.conv2d_list.3.bias``,
      with ``Scale1.``, ``Scale2.``, ``Scale3.`` (which must be equal) or nothing before; or
      ``base.layer1.conv1.conv.weight``, ``base.layer2.block1.reduce.conv.weight`` ...
      ``base.aspp.c3.bias``, with or without ``base.``;
    - the start of v2 from COCO, with the same names and ``fc.weight``, ``fc.bias`` in place of the
      ASPP: its classifier of 91 classes is left out, and training adds another.

    Args:
        state_dict (Mapping[str, Tensor]): Parameters in one of these layouts.

    Returns:
        dict[str, Tensor]: ``backbone.*`` and ``decode_head.*`` of the configs ``deeplabv1-caffe``,
        ``deeplabv1-msc-caffe``, ``deeplabv2_vgg16`` and ``deeplabv2_r101``.

    Raises:
        UserError: If it is in none of them, or a layer is missing, left over or contradicts
            another.
    """
    stripped = _one_scale(state_dict)
    layers = {key.rpartition('.')[0] for key in stripped}
    if any(RESNET_CLASSIFIER.fullmatch(layer) for layer in layers):
        return _placed(stripped, _resnet_place)
    if any(BLOCK_STEM.fullmatch(layer) for layer in layers):
        return _placed(_without_coco(stripped, layers), _block_place)
    if any(ASPP_CLASSIFIER.fullmatch(layer) for layer in layers):
        return _placed(stripped, _aspp_place)
    if any(VGG_CLASSIFIER.fullmatch(layer) for layer in layers):
        return _placed(stripped, _vgg_place)
    raise UserError(f'{", ".join(sorted(layers)[:3])} ... has no classifier of DeepLab (fc8, '
                    'fc8_voc12, fc8_voc12_1, layer5.conv2d_list.0 or aspp.c0): give a published '
                    'DeepLab v1 or v2 as a state dict')


def _one_scale(state_dict: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Without the names of the scales, which share their weights."""
    stripped: dict[str, Tensor] = {}
    for key, value in state_dict.items():
        name = SCALE.sub('', key, count=1)
        if name in stripped and not torch.equal(stripped[name], value):
            raise UserError(f'{key} differs from the same layer of another scale: only networks '
                            'that share their weights between the scales can be converted')
        stripped[name] = value
    return stripped


def _placed(state_dict: Mapping[str, Tensor],
            place: Callable[[str], str | None]) -> dict[str, Tensor]:
    converted = {}
    for key, value in state_dict.items():
        layer, _, kind = key.rpartition('.')
        target = place(layer)
        if target is None:
            raise UserError(f'{key} does not belong to the published network: remove it, or give '
                            'another file')
        converted[f'{target}.{kind}'] = value
    return converted


def _resnet_place(layer: str) -> str | None:
    match = RESNET_CLASSIFIER.fullmatch(layer)
    if match:
        return f'decode_head.classifiers.{match[1]}'
    return f'backbone.{layer}' if RESNET_LAYER.fullmatch(layer) else None


def _without_coco(state_dict: dict[str, Tensor], layers: set[str]) -> dict[str, Tensor]:
    """Without the classifier of the COCO start; that of a whole DeepLab v2 stays, and is named."""
    if any(BLOCK_CLASSIFIER.fullmatch(layer) for layer in layers):
        return state_dict
    return {key: value for key, value in state_dict.items()
            if key.rpartition('.')[0] != COCO_CLASSIFIER}


def _block_place(layer: str) -> str | None:
    match = BLOCK_CLASSIFIER.fullmatch(layer)
    if match:
        return f'decode_head.classifiers.{match[1]}'
    match = BLOCK_STEM.fullmatch(layer)
    if match:
        return f'backbone.{match[1]}1'
    match = BLOCK_LAYER.fullmatch(layer)
    if match is None:
        return None
    stage, block, part, kind = match.groups()
    name = f'downsample.{0 if kind == "conv" else 1}' if part == 'shortcut' \
        else f'{kind}{BLOCK_PARTS[part]}'
    return f'backbone.layer{int(stage) - 1}.{int(block) - 1}.{name}'


def _aspp_place(layer: str) -> str | None:
    match = ASPP_CLASSIFIER.fullmatch(layer)
    if match:
        return f'decode_head.classifiers.{int(match[1]) - 1}'
    match = ASPP_LAYER.fullmatch(layer)
    if match:
        return f'decode_head.trunks.{int(match[2]) - 1}.{match[1]}'
    return f'backbone.{layer}' if VGG_CONVOLUTION.fullmatch(layer) else None


def _vgg_place(layer: str) -> str | None:
    if VGG_CLASSIFIER.fullmatch(layer):
        return 'decode_head.conv_seg'
    match = MSC_LAYER.fullmatch(layer)
    if match:
        level = MSC_LEVELS.index(match[1])
        return f'decode_head.{MSC_PLACES[match[2]].format(level)}'
    inside = VGG_CONVOLUTION.fullmatch(layer) or layer in ('fc6', 'fc7')
    return f'backbone.{layer}' if inside else None

