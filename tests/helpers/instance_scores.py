"""What a metric of instances says of images."""
import contextlib
import copy
import io

from plugin.evaluation import FastCocoMetric

NAMES = ('cow', 'Kuh é', 'pig')


def evaluate(metric, images, names=NAMES):
    metric.dataset_meta = dict(classes=names)
    # mmdet changes the truth it is given
    for image in copy.deepcopy(images):
        metric.process(None, [image])
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        scores = metric.evaluate(len(images))
    if isinstance(metric, FastCocoMetric):
        assert 'Average Precision' not in printed.getvalue()
    return scores
