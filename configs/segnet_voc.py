# SegNet on VGG16, PASCAL VOC 2012 (Badrinarayanan, Kendall and Cipolla, PAMI 2017).
# Published: none; the paper's recipe is for road scenes and rooms at 360x480.
# Needs: VOC 2012 (data/README.md); torchvision's VGG16 with batch norm through
#   tools/convert_vgg16.py.
# Departs: 4 crops of 512 a step, scaled by 0.5 to 2 and mirrored, where the paper has whole images
#   as they are; classes unbalanced; no dropout, as in the published prototxt, where the paper has
#   0.5 in the deeper layers; torchvision's VGG16 with batch norm and its normalised RGB, where the
#   authors have Caffe's VGG16 and plain BGR; running statistics of batch norm, where they take
#   those of the whole training set.
# Network, rates and number of steps are those of the published prototxt and solver.
_base_ = [
    '_base_/models/segnet.py',
    '_base_/datasets/voc.py',
    '_base_/schedules/segnet_40k.py',
]
model = dict(
    data_preprocessor=dict(size={{_base_.crop_size}}),
    decode_head=dict(num_classes={{_base_.num_classes}}))
