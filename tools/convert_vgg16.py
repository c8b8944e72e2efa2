#!/usr/bin/env python
"""Turn torchvision's VGG16 weights into those of FCN's backbone."""
import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))


def parse_args(argv=None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog='The source is the state dict of torchvision.models.vgg16 or vgg16_bn, e.g. '
        'vgg16-397923af.pth or vgg16_bn-6c64b313.pth from download.pytorch.org/models. fc6 and fc7 '
        'are its classifier 0 and 3. Example: python tools/convert_vgg16.py vgg16-397923af.pth '
        'weights/vgg16.pth')
    parser.add_argument('source', type=Path, help='checkpoint of torchvision')
    parser.add_argument('target', type=Path, help='file to write, e.g. weights/vgg16.pth')
    return parser.parse_args(argv)


def main(argv=None) -> int:
    """Convert the checkpoint; returns the exit status."""
    args = parse_args(argv)
    import torch

    from plugin.models.backbones.convert_vgg16 import convert_vgg16
    from plugin.utils import atomic_path
    try:
        source = torch.load(args.source, map_location='cpu', weights_only=True)
        state_dict = convert_vgg16(source.get('state_dict', source))
    except (OSError, ValueError) as error:
        print(f'error: {error}', file=sys.stderr)
        return 1
    with atomic_path(args.target) as path:
        torch.save(dict(state_dict=state_dict), path)
    norm = ' with batch norm' if 'conv1_1_norm.weight' in state_dict else ''
    print(f'{args.target}: {len(state_dict)} tensors for FCNVGG16{norm}')
    return 0


if __name__ == '__main__':
    sys.exit(main())
