#!/usr/bin/env python
"""Turn a published DeepLab v1 or v2 into a checkpoint of this project.

It keeps its classes, so that it can be tested and fine-tuned as it is. The start of DeepLab v2 from
COCO becomes a start of configs/deeplabv2_r101-coco_voc.py.
"""
import argparse
import sys
from pathlib import Path

import _cli

EXAMPLES = """examples:
  python tools/convert_deeplab.py DeepLab-LargeFOV.pth weights/deeplabv1.pth
  python tools/test.py configs/deeplabv1-caffe_voc.py weights/deeplabv1.pth
  python tools/convert_deeplab.py MS_DeepLab_resnet_trained_VOC.pth weights/deeplabv2_r101.pth
  python tools/test.py configs/deeplabv2_r101_voc.py weights/deeplabv2_r101.pth
  python tools/convert_deeplab.py deeplabv1_resnet101-coco.pth weights/deeplabv2_r101_coco.pth
  python tools/train.py configs/deeplabv2_r101-coco_voc.py

The source is a PyTorch state dict in Caffe's names (conv1_1.weight ... fc8_voc12.bias, with MSc
also data_conv ...; v2 on VGG16 fc6_1 ... fc8_voc12_4), or ResNet-101 with the names
Scale.layer1.0.conv1.weight ... Scale.layer5.conv2d_list.3.bias or
base.layer1.conv1.conv.weight ... base.aspp.c3.bias; of the start from COCO the classifier (fc) is
left out. These networks were trained on BGR images of 0 to 255 without their mean, as the configs
named above prepare them."""


def parse_args(argv=None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, epilog=EXAMPLES,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('source', type=Path, help='published file')
    parser.add_argument('target', type=Path, help='file to write')
    parser.add_argument('--overwrite', action='store_true', help='replace TARGET if it exists')
    _cli.add_trust(parser)
    return parser.parse_args(argv)


def main(argv=None) -> int:
    """Convert the checkpoint; returns the exit status."""
    args = parse_args(argv)
    with _cli.plain_errors():
        from plugin.models.weights.deeplab import class_count, convert
        state_dict = convert(args.source, args.target, overwrite=args.overwrite)
        classes = class_count(state_dict)
        words = 'no classifier, training adds one' if classes is None else f'{classes} classes'
        print(f'{args.target}: {len(state_dict)} tensors, {words}')
    return 0


if __name__ == '__main__':
    sys.exit(main())
