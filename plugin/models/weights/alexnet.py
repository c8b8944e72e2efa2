"""Weights of AlexNet, as torchvision and Caffe name them, for ``AlexNet``."""
from collections.abc import Mapping

from torch import Tensor

from plugin.utils import UserError

# places of the layers in torchvision's network; its ReLUs, poolings and dropouts lie between them
TORCHVISION = {
    'features.0': 'conv1', 'features.3': 'conv2', 'features.6': 'conv3', 'features.8': 'conv4',
    'features.10': 'conv5', 'classifier.1': 'fc6', 'classifier.4': 'fc7', 'classifier.6': None,
}
CAFFE = {**{name: name for name in ('conv1', 'conv2', 'conv3', 'conv4', 'conv5', 'fc6', 'fc7')},
         'fc8': None}


def convert_alexnet(state_dict: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Turn the state dict of torchvision's ``alexnet`` or of CaffeNet into that of ``AlexNet``.

    The first two fully connected layers become convolutions, fc6 of 6 x 6; the third is left out.

    Args:
        state_dict (Mapping[str, Tensor]): ``features.0.weight`` ... ``classifier.6.bias``, or
            Caffe's ``conv1.weight`` ... ``fc8.bias``.

    Returns:
        dict[str, Tensor]: ``conv1.weight`` ... ``fc7.bias``; for ``AlexNet(variant='torchvision')``
        in the first case, for ``AlexNet(variant='caffe')`` in the second.

    Raises:
        UserError: If a layer is missing or left over.
    """
    names = TORCHVISION if 'features.0.weight' in state_dict else CAFFE
    wanted = {f'{source}.{kind}': target and f'{target}.{kind}'
              for source, target in names.items() for kind in ('weight', 'bias')}
    missing = [key for key, target in wanted.items() if target and key not in state_dict]
    left = [key for key in state_dict if key not in wanted]
    if missing or left:
        what = f'{missing[0]} is missing' if missing else f'{left[0]} does not belong to AlexNet'
        raise UserError(f"{what}: give the state dict of torchvision's alexnet with its "
                        'classifier, or of CaffeNet with the names conv1 ... fc8')
    converted = {target: state_dict[key] for key, target in wanted.items() if target}
    for name, kernel in (('fc6.weight', 6), ('fc7.weight', 1)):
        converted[name] = converted[name].reshape(len(converted[name]), -1, kernel, kernel)
    return converted
