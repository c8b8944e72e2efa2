# RefineNet on ResNet-101, PASCAL VOC 2012 (Lin, Milan, Shen and Reid, CVPR 2017).
# Published: none; the authors' code promises an IoU of about 69.1 with ResNet-50 after these 1464
#   images, and the paper scores ResNet-101 after those of SBD and COCO as well.
# Needs: VOC 2012 (data/README.md); torchvision's ResNet-101 as weights/resnet101.pth.
# Departs: the network is the paper's, where the code has four poolings in each chain, each behind
#   its convolution, and three residual units at the end of each block; torchvision's ResNet-101 and
#   its normalised RGB, where the code subtracts 128; every image as often as any other, and crops
#   anywhere, where the code draws classes first (its second set of options does not); crops of
#   images lower than 400 pixels keep 400 of the longer side, where the code takes squares; the loss
#   is that of every pixel that the network sees, where the code compares at a quarter of that size;
#   the rate falls after 100000 steps and training ends after 120000, where the authors stop by
#   hand; upsampling passes its gradient back exactly, where the code resizes it; OpenCV's bicubic
#   interpolation, where the code has MATLAB's.
_base_ = [
    '_base_/models/refinenet_r101.py',
    '_base_/datasets/voc_400.py',
    '_base_/schedules/refinenet_120k.py',
]
model = dict(
    # one image of its own size a step
    data_preprocessor=dict(size_divisor=1),
    decode_head=dict(num_classes={{_base_.num_classes}}))
