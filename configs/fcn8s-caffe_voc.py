# FCN-8s on Caffe's VGG16 with published weights, PASCAL VOC 2012 (Shelhamer et al., PAMI 2017).
# Published: mIoU 65.5 on seg11valid (736 images), one scale, no CRF.
# Needs: VOC 2012 and seg11valid.txt; a PyTorch copy of fcn8s-heavy-pascal, in Caffe's names.
# Departs: validation masks of VOC 2012, not 2011.
# The network of fcn8s_voc.py, without the stage before it. No SBD is needed to score it:
# python tools/data/prepare_voc.py --voc VOCtrainval_11-May-2012.tar --voc11 seg11valid.txt
# python tools/test.py configs/fcn8s-caffe_voc.py fcn8s-heavy-pascal.pth
# The other published networks: --cfg-options model.decode_head.stride=16 (or 32), and for the one
# trained at once model.decode_head.at_once=True.
_base_ = './fcn8s_voc.py'
model = dict(init_cfg=None)
weights_from = dict(_delete_=True)
