"""Weights of VGG16 of ImageNet for the networks that begin with it."""
from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from plugin.utils import UserError, write_checkpoint

from ..backbones.vgg16 import STAGES
from .deeplab import aspp_from_vgg16, subsample_vgg16
from .files import check_target, read_state_dict

NETWORKS = ('fcn', 'deeplabv1', 'deeplabv2', 'segnet')


def convert(source: str | Path, target: str | Path, *, network: str = 'fcn',
            overwrite: bool = False) -> dict[str, Tensor]:
    """Turn a file of VGG16 into weights for a network here.

    Args:
        source (str | Path): Torchvision's, as ``vgg16-397923af.pth``, or Caffe's in PyTorch, as
            ``vgg16-00b39a1b.pth``; see :func:`convert_vgg16`.
        target (str | Path): The file to write.
        network (str): ``fcn``: ``FCNVGG16``; ``deeplabv1``: ``DeepLabVGG16``; ``deeplabv2``: the
            same with the branches of ``ASPPSumHead``; ``segnet``: ``SegNetVGG16``. Defaults to
            'fcn'.
        overwrite (bool): Replace an older file.

    Returns:
        dict[str, Tensor]: The state dict that was written.

    Raises:
        OSError: If the source is missing, or the target must not be written.
        UserError: If the source holds other weights.
    """
    if network not in NETWORKS:
        raise UserError(f'network={network!r} is none of {", ".join(NETWORKS)}')
    check_target(Path(source), Path(target), overwrite)
    state_dict = convert_vgg16(read_state_dict(Path(source)))
    if network.startswith('deeplab'):
        state_dict = subsample_vgg16(state_dict)
    if network == 'deeplabv2':
        state_dict = aspp_from_vgg16(state_dict)
    if network == 'segnet':
        state_dict = encoder_from_vgg16(state_dict)
    write_checkpoint(dict(state_dict=state_dict), target)
    return state_dict


def convert_vgg16(state_dict: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Turn the state dict of VGG16, in the names of torchvision, into that of ``FCNVGG16``.

    Two sorts of weights circulate under these names: torchvision's, trained on RGB images of mean
    0 and deviation 1, and the authors' own (Caffe's), for BGR images of 0..255 without their mean.
    Names and shapes do not tell one from the other.

    The first two fully connected layers become convolutions: fc6 from ``classifier.0``, whose
    25,088 inputs are 512 maps of 7 x 7, and fc7 from ``classifier.3``; or from ``classifier.1`` and
    ``classifier.4``, where a dropout comes first. The third is left out.

    Args:
        state_dict (Mapping[str, Tensor]): ``features.0.weight`` ... ``classifier.6.bias``.

    Returns:
        dict[str, Tensor]: ``conv1_1.weight`` ... ``fc7.bias``; with batch norm also
        ``conv1_1_norm.weight`` and so on. fc6 and fc7 have no batch norm in torchvision's network.

    Raises:
        UserError: If a layer is missing or left over.
    """
    norm = 'features.1.running_mean' in state_dict
    rest = dict(state_dict)
    converted: dict[str, Tensor] = {}

    def move(source: str, target: str) -> None:
        found = [key for key in rest if key.rpartition('.')[0] == source]
        if f'{source}.weight' not in found:
            raise UserError(f'{source}.weight is missing: give the state dict of torchvision\'s '
                            'vgg16 or vgg16_bn with its classifier')
        for key in found:
            converted[f'{target}.{key.rpartition(".")[2]}'] = rest.pop(key)

    index = 0
    for stage, (depth, _) in enumerate(STAGES, 1):
        for layer in range(1, depth + 1):
            name = f'conv{stage}_{layer}'
            move(f'features.{index}', name)
            if norm:
                move(f'features.{index + 1}', f'{name}_norm')
            index += 3 if norm else 2  # convolution, norm, ReLU
        index += 1  # pooling
    # networks of 2017 and before have a dropout in front of fc6
    dropout = int('classifier.1.weight' in rest)
    move(f'classifier.{dropout}', 'fc6')
    move(f'classifier.{3 + dropout}', 'fc7')
    converted['fc6.weight'] = converted['fc6.weight'].unflatten(1, (512, 7, 7))
    converted['fc7.weight'] = converted['fc7.weight'][..., None, None]

    left = [key for key in rest if not key.startswith('classifier.6.')]
    if left:
        raise UserError(f'{", ".join(left[:5])} do not belong to VGG16: give the state dict of '
                        "torchvision's vgg16 or vgg16_bn")
    return converted


def encoder_from_vgg16(state_dict: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Take the weights of ``SegNetVGG16`` out of what :func:`convert_vgg16` returned.

    Args:
        state_dict (Mapping[str, Tensor]): Of VGG16 with batch norm.

    Returns:
        dict[str, Tensor]: ``conv1_1.weight`` ... ``conv5_3_norm.running_var``, without fc6 and fc7.

    Raises:
        UserError: If there is no batch norm.
    """
    if 'conv1_1_norm.weight' not in state_dict:
        raise UserError("SegNet has batch norm, but this VGG16 has none: give torchvision's "
                        'vgg16_bn')
    return {key: value for key, value in state_dict.items() if not key.startswith('fc')}
