"""Parameters of the full networks, derived from the architecture tables of their papers."""

import torch
from mmengine.config import Config
from mmseg.registry import MODELS

from tests.helpers.paths import CONFIGS, ROOT


def test_pspnet_and_deeplab_v3():
    """ResNet-101 (He et al., table 1) with its heads, each as the config builds it."""
    configs = CONFIGS

    def conv(kernel, maps_in, maps_out, groups=1):
        # a convolution without bias, and the scale and shift of its norm
        return kernel * kernel * maps_in // groups * maps_out + 2 * maps_out

    def separable(maps_in, maps_out):
        return conv(3, maps_in, maps_in, groups=maps_in) + conv(1, maps_in, maps_out)

    def bottlenecks(number, maps_in, planes):
        unit = conv(1, 4 * planes, planes) + conv(3, planes, planes) + conv(1, planes, 4 * planes)
        first = conv(1, maps_in, planes) + conv(3, planes, planes) + conv(1, planes, 4 * planes)
        projection = conv(1, maps_in, 4 * planes) if maps_in != 4 * planes else 0
        return first + projection + (number - 1) * unit

    blocks = (bottlenecks(3, 64, 64) + bottlenecks(4, 256, 128) + bottlenecks(23, 512, 256)
              + bottlenecks(3, 1024, 512))
    # 44.55 M with the classifier of ImageNet
    assert conv(7, 3, 64) + blocks + 2048 * 1000 + 1000 == 44_549_160
    # three 3x3 convolutions in place of the 7x7 one
    resnet = conv(3, 3, 32) + conv(3, 32, 32) + conv(3, 32, 64) + blocks

    def classifier(maps):
        return maps * 21 + 21

    # four pooled levels beside the 2048 maps, a 3x3 convolution; a 3x3 one for the other loss
    psp = (4 * conv(1, 2048, 512) + conv(3, 2048 + 4 * 512, 512) + classifier(512)
           + conv(3, 1024, 256) + classifier(256))
    # 1x1, three rates, the pooled image; behind them a 3x3 convolution
    image, behind = 2 * conv(1, 2048, 256), conv(3, 5 * 256, 256)
    aspp = image + 3 * conv(3, 2048, 256) + behind + classifier(256)
    plain = (image + 3 * conv(3, 2048, 256) + conv(1, 5 * 256, 256) + conv(1, 256, 48)
             + conv(3, 256 + 48, 256) + conv(3, 256, 256) + classifier(256))
    decoder = (image + 3 * separable(2048, 256) + behind + conv(1, 256, 48)
               + separable(256 + 48, 256) + separable(256, 256) + classifier(256))
    # each of blocks 5 to 7 has three units and no projection
    cascade = 3 * bottlenecks(3, 2048, 512) + classifier(2048)
    for name, expected in (('pspnet_r101_voc', resnet + psp), ('deeplabv3_r101_voc', resnet + aspp),
                           ('deeplabv3-cascaded_r101_voc', resnet + cascade),
                           ('deeplabv3plus_r101_voc', resnet + plain),
                           ('deeplabv3plus_xception65_voc', xception65() + decoder)):
        with torch.device('meta'):
            model = MODELS.build(Config.fromfile(configs / f'{name}.py').model)
        assert sum(parameter.numel() for parameter in model.parameters()) == expected, name


def xception65() -> int:
    """Figure 4 of DeepLab v3+ (arXiv 1802.02611), a norm behind every convolution."""
    def separable(maps_in, maps_out):
        return 9 * maps_in + 2 * maps_in + maps_in * maps_out + 2 * maps_out

    def unit(*maps, shortcut):
        chain = sum(separable(*pair) for pair in zip(maps, maps[1:]))
        return chain + (maps[0] * maps[-1] + 2 * maps[-1] if shortcut else 0)

    stem = 9 * 3 * 32 + 2 * 32 + 9 * 32 * 64 + 2 * 64
    entry = (unit(64, 128, 128, 128, shortcut=True) + unit(128, 256, 256, 256, shortcut=True)
             + unit(256, 728, 728, 728, shortcut=True))
    middle = 16 * unit(728, 728, 728, 728, shortcut=False)
    end = (unit(728, 728, 1024, 1024, shortcut=True)
           + unit(1024, 1536, 1536, 2048, shortcut=False))
    total = stem + entry + middle + end
    # 39.92 M with the classifier of ImageNet
    assert total + 2048 * 1000 + 1000 == 39_916_312
    return total


def test_deeplab_v1_and_v2():
    """VGG16 (Simonyan & Zisserman, table 1, column D) and ResNet-101 with the layers of DeepLab."""
    configs = CONFIGS

    def conv(kernel, maps_in, maps_out):
        return kernel * kernel * maps_in * maps_out + maps_out

    widths = [3, 64, 64, 128, 128, 256, 256, 256, *[512] * 6]
    vgg = sum(conv(3, before, after) for before, after in zip(widths, widths[1:]))
    assert vgg == 14_714_688
    # LargeFOV (arXiv 1412.7062, table 2): fc6 is 3x3 to 1024 maps, fc7 and the classifier 1x1
    fc = conv(3, 512, 1024) + conv(1, 1024, 1024)
    large_fov = vgg + fc + conv(1, 1024, 21)
    assert large_fov == 20_505_429  # the paper's 20.5 M
    # section 4.3: 3x3 to 128 maps and 1x1 to 128, for the image and four poolings
    msc = large_fov + sum(conv(3, maps, 128) + conv(1, 128, 128) + conv(1, 128, 21)
                          for maps in (3, 64, 128, 256, 512))
    # arXiv 1606.00915, figure 7: four branches
    aspp_vgg = vgg + 4 * (fc + conv(1, 1024, 21))
    # ResNet-101 without its classifier of ImageNet; 3x3 convolutions to the classes
    aspp_resnet = 44_549_160 - (2048 * 1000 + 1000) + 4 * conv(3, 2048, 21)
    for name, expected in (('deeplabv1_voc', large_fov), ('deeplabv1-msc_voc', msc),
                           ('deeplabv2_vgg16_voc', aspp_vgg),
                           ('deeplabv2_r101_voc', aspp_resnet)):
        with torch.device('meta'):
            model = MODELS.build(Config.fromfile(configs / f'{name}.py').model)
        assert sum(parameter.numel() for parameter in model.parameters()) == expected, name


def test_unet():
    """Figure 1 of U-Net: grey images, 2 classes, biases everywhere."""
    def conv(kernel, maps_in, maps_out):
        return kernel * kernel * maps_in * maps_out + maps_out

    widths = (64, 128, 256, 512, 1024)
    contracting = sum(conv(3, before, maps) + conv(3, maps, maps)
                      for before, maps in zip((1, *widths), widths))
    # up-convolutions halve the maps, the skips double them again
    expanding = sum(conv(2, 2 * maps, maps) + conv(3, 2 * maps, maps) + conv(3, maps, maps)
                    for maps in widths[:-1])
    classifier = conv(1, 64, 2)
    # 23 convolutional layers
    assert 2 * 5 + 3 * 4 + 1 == 23
    assert contracting + expanding + classifier == 31_030_658

    cfg = Config.fromfile(ROOT / 'configs/unet-paper_isbi.py')
    with torch.device('meta'):
        model = MODELS.build(cfg.model)
    assert sum(parameter.numel() for parameter in model.parameters()) == 31_030_658


def test_segnet():
    """VGG16 and its mirror image (arXiv 1511.00561, section 3), 11 classes, norms everywhere."""
    configs = CONFIGS

    def conv(kernel, maps_in, maps_out, bias):
        return kernel * kernel * maps_in * maps_out + maps_out * bias + 2 * maps_out

    def count(name):
        cfg = Config.fromfile(configs / f'{name}.py')
        cfg.model.decode_head.num_classes = 11
        with torch.device('meta'):
            model = MODELS.build(cfg.model)
        return sum(parameter.numel() for parameter in model.parameters())

    widths = [3, 64, 64, 128, 128, 256, 256, 256, *[512] * 6]
    encoder = sum(conv(3, before, after, True) for before, after in zip(widths, widths[1:]))
    back = widths[:0:-1]
    decoder = sum(conv(3, before, after, True) for before, after in zip(back, back[1:]))
    segnet = encoder + decoder + 9 * 64 * 11 + 11
    assert count('segnet_voc') == segnet == 29_449_355  # the paper's 29.45 M

    # eight layers 7x7 without biases, a classifier 1x1
    basic = conv(7, 3, 64, False) + 7 * conv(7, 64, 64, False) + 64 * 11 + 11
    assert count('segnet-basic_camvid') == basic == 1_416_075  # the paper's 1.42 M


def test_refinenet():
    """ResNet-101 and four blocks (arXiv 1611.06612, figures 2 and 3), 21 classes."""
    cfg = Config.fromfile(ROOT / 'configs/refinenet_r101_voc.py')

    def conv(maps_in, maps_out):
        return 9 * maps_in * maps_out

    def units(number, maps):
        return number * (2 * conv(maps, maps) + maps)

    # 44.55 M with the classifier of ImageNet
    resnet = 44_549_160 - (2048 * 1000 + 1000)
    reduced = conv(2048, 512) + conv(1024, 256) + conv(512, 256) + conv(256, 256)
    # at each level two residual units, at its output one; two for the path between two blocks
    refined = units(2 + 1, 512) + 3 * units(2 + 1, 256) + units(2, 512) + 2 * units(2, 256)
    fused = conv(512, 256) + 5 * conv(256, 256)
    classifier = units(2, 256) + conv(256, 21) + 21
    total = resnet + reduced + refined + fused + classifier
    chain = conv(512, 512) + 3 * conv(256, 256)
    with torch.device('meta'):
        model = MODELS.build(cfg.model)
    found = sum(parameter.numel() for parameter in model.parameters())
    assert found == total + 2 * chain == 109_794_901
    # with the four poolings published later, arXiv 1810.03272 counts 118 M
    assert total + 4 * chain == 118_052_437
    for block in model.decode_head.blocks:
        assert len(block.pooling.convs) == 2


def test_fcn():
    """Table 1 of FCN (arXiv 1411.4038): VGG16 has 134 M parameters, AlexNet 57 M, GoogLeNet 6 M."""
    def conv(kernel, maps_in, maps_out, groups=1):
        return kernel * kernel * maps_in // groups * maps_out + maps_out

    def modern(kernel, maps_in, maps_out):
        # a convolution without bias, and the scale and shift of its norm
        return kernel * kernel * maps_in * maps_out + 2 * maps_out

    # Simonyan & Zisserman, table 1, column D, without the classifier of ImageNet
    widths = [3, 64, 64, 128, 128, 256, 256, 256, *[512] * 6]
    vgg = (sum(conv(3, before, after) for before, after in zip(widths, widths[1:]))
           + conv(7, 512, 4096) + conv(1, 4096, 4096))
    assert vgg + conv(1, 4096, 1000) == 138_357_544
    # Krizhevsky et al., figure 2: conv2, 4 and 5 see half of the maps
    fc = conv(6, 256, 4096) + conv(1, 4096, 4096)
    alexnet = (conv(11, 3, 96) + conv(5, 96, 256, 2) + conv(3, 256, 384) + conv(3, 384, 384, 2)
               + conv(3, 384, 256, 2) + fc)
    assert alexnet + conv(1, 4096, 1000) == 60_965_224
    # Krizhevsky, One weird trick: one tower
    single = (conv(11, 3, 64) + conv(5, 64, 192) + conv(3, 192, 384) + conv(3, 384, 256)
              + conv(3, 256, 256) + fc)
    assert single + conv(1, 4096, 1000) == 61_100_840
    # scores of 21 classes, and the kernels that bring them to the image's size, which do not learn
    coarse = conv(1, 4096, 21)
    kernels = {size: 21 * 21 * size * size for size in (4, 16, 32, 63, 64)}
    skips = conv(1, 512, 21) + 2 * kernels[4] + conv(1, 256, 21) + kernels[16]
    expected = {
        'fcn32s_voc': vgg + coarse + kernels[64],
        'fcn16s_voc': vgg + coarse + conv(1, 512, 21) + kernels[4] + kernels[32],
        'fcn8s_voc': vgg + coarse + skips,
        'fcn8s-torchvision_voc': vgg + coarse + skips,
        'fcn32s_alexnet_voc': alexnet + coarse + kernels[63],
        'fcn32s_alexnet-torchvision_voc': single + coarse + kernels[63],
        'fcn32s_googlenet_voc': googlenet(modern, 3) + conv(1, 1024, 21) + kernels[63],
    }
    for name, number in expected.items():
        with torch.device('meta'):
            model = MODELS.build(Config.fromfile(CONFIGS / f'{name}.py').model)
        assert sum(parameter.numel() for parameter in model.parameters()) == number, name
    with torch.device('meta'):
        paper = MODELS.build(dict(type='GoogLeNet'))
    count = sum(parameter.numel() for parameter in paper.parameters())
    assert count == googlenet(conv, 5)
    assert [round(number / 1e6) for number in (vgg + coarse, alexnet + coarse, count)] == [
        134, 57, 6]


def googlenet(conv, large_kernel: int) -> int:
    """Table 1 of GoogLeNet (arXiv 1409.4842), without the classifier."""
    total = conv(7, 3, 64) + conv(1, 64, 64) + conv(3, 64, 192)
    maps = 192
    for one, less, three, few, five, pooled in (
            (64, 96, 128, 16, 32, 32), (128, 128, 192, 32, 96, 64), (192, 96, 208, 16, 48, 64),
            (160, 112, 224, 24, 64, 64), (128, 128, 256, 24, 64, 64), (112, 144, 288, 32, 64, 64),
            (256, 160, 320, 32, 128, 128), (256, 160, 320, 32, 128, 128),
            (384, 192, 384, 48, 128, 128)):
        total += (conv(1, maps, one) + conv(1, maps, less) + conv(3, less, three)
                  + conv(1, maps, few) + conv(large_kernel, few, five) + conv(1, maps, pooled))
        maps = one + three + five + pooled
    assert maps == 1024
    return total
