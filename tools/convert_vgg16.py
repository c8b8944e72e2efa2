#!/usr/bin/env python
"""Turn VGG16 of ImageNet, torchvision's or Caffe's, into weights of a backbone of this project."""
import argparse
import sys
from pathlib import Path

import _cli

# of each network, what the weights are for
NETWORKS = dict(fcn='FCNVGG16', deeplabv1='DeepLabVGG16',
                deeplabv2='DeepLabVGG16 and the branches of ASPPSumHead', segnet='SegNetVGG16')


def parse_args(argv=None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog='The source is the state dict of torchvision.models.vgg16 or vgg16_bn, e.g. '
        'vgg16-397923af.pth or vgg16_bn-6c64b313.pth from download.pytorch.org/models, or the '
        "authors' VGG16 of Caffe under the same names, e.g. vgg16-00b39a1b.pth of "
        'jcjohnson/pytorch-vgg, which the published FCN starts from. fc6 and fc7 are its '
        'classifier 0 and 3, or 1 and 4; DeepLab keeps every fourth unit of them. Examples: '
        'python tools/convert_vgg16.py vgg16-00b39a1b.pth weights/vgg16_caffe.pth; '
        'python tools/convert_vgg16.py vgg16-397923af.pth weights/vgg16.pth')
    parser.add_argument('source', type=Path, help='checkpoint of VGG16')
    parser.add_argument('target', type=Path, help='file to write, e.g. weights/vgg16.pth')
    parser.add_argument('--network', choices=NETWORKS, default='fcn',
                        help='for whom (default: fcn); deeplabv2 is initialised as a whole')
    parser.add_argument('--overwrite', action='store_true', help='replace TARGET if it exists')
    _cli.add_trust(parser)
    return parser.parse_args(argv)


def main(argv=None) -> int:
    """Convert the checkpoint; returns the exit status."""
    args = parse_args(argv)
    with _cli.plain_errors():
        from plugin.models.weights.vgg16 import convert
        state_dict = convert(args.source, args.target, network=args.network,
                             overwrite=args.overwrite)
    norm = ' with batch norm' if any('_norm.' in key for key in state_dict) else ''
    print(f'{args.target}: {len(state_dict)} tensors for {NETWORKS[args.network]}{norm}')
    return 0


if __name__ == '__main__':
    sys.exit(main())
