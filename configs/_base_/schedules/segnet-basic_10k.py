# SegNet-Basic's training (arXiv 1511.00561, section 3.2, and the published solver): SGD 0.1
# throughout, 10k steps.
_base_ = './segnet_40k.py'
optim_wrapper = dict(optimizer=dict(lr=0.1))
train_cfg = dict(max_iters=10000, val_interval=1000)
default_hooks = dict(checkpoint=dict(interval=1000))
