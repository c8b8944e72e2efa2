#!/usr/bin/env python
"""Turn AlexNet or GoogLeNet of ImageNet into weights of a backbone of this project."""
import argparse
import sys
from pathlib import Path

import _cli

NETWORKS = dict(alexnet='AlexNet', googlenet='GoogLeNet')
EXAMPLES = """examples:
  python tools/convert_classifier.py alexnet alexnet-owt-7be5be79.pth weights/alexnet.pth
  python tools/convert_classifier.py googlenet googlenet-1378be20.pth weights/googlenet.pth

The source is the state dict of torchvision.models.alexnet or googlenet (download.pytorch.org/
models), or of CaffeNet with Caffe's names conv1.weight ... fc8.bias. Classifiers are left out; fc6
and fc7 of AlexNet become convolutions."""


def parse_args(argv=None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, epilog=EXAMPLES,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('network', choices=NETWORKS)
    parser.add_argument('source', type=Path, help='checkpoint of the classifier')
    parser.add_argument('target', type=Path, help='file to write, e.g. weights/alexnet.pth')
    parser.add_argument('--overwrite', action='store_true', help='replace TARGET if it exists')
    _cli.add_trust(parser)
    return parser.parse_args(argv)


def main(argv=None) -> int:
    """Convert the checkpoint; returns the exit status."""
    args = parse_args(argv)
    with _cli.plain_errors():
        from plugin.models.weights.classifiers import convert
        state_dict = convert(args.source, args.target, network=args.network,
                             overwrite=args.overwrite)
        print(f'{args.target}: {len(state_dict)} tensors for {NETWORKS[args.network]}')
    return 0


if __name__ == '__main__':
    sys.exit(main())
