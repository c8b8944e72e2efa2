"""Published weights, turned into those of the networks here; and one network out of a training.

``vgg16``, ``deeplab`` and ``coco_head`` each hold the conversion of a state dict and a function
that reads, converts and writes a file; ``teacher`` does so for checkpoints of a semi-supervised
training. ``published_fcn`` renames layers while a checkpoint is loaded. ``files`` reads checkpoints
and refuses to replace a file unasked.
"""
