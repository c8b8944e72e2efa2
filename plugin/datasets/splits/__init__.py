"""Parts of a data set that share no group of images.

``split`` divides a COCO file for training, validation and test, or into folds; ``partition``
chooses the labelled images of a training set, also by the lists that papers publish
(``PUBLISHED``). ``folds`` divides what a config reads, ``balanced_parts`` holds the assignment that
all share.
"""
from .coco_files import Split, split
from .partition_files import Partition, partition
from .published_lists import PUBLISHED, Published, read_names

__all__ = ['PUBLISHED', 'Partition', 'Published', 'Split', 'partition', 'read_names', 'split']
