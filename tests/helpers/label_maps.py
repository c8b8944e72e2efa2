"""Random label maps, and the scores that a metric gives them."""
import torch


def make_maps(num_classes, size=(13, 17), seed=0, ignored=0.1, classes=None):
    """A prediction that is often right and its truth, int64 (1, H, W)."""
    generator = torch.Generator().manual_seed(seed)
    truth = torch.randint(0, classes or num_classes, (1, *size), generator=generator)
    other = torch.randint(0, classes or num_classes, (1, *size), generator=generator)
    prediction = torch.where(torch.rand(1, *size, generator=generator) < 0.6, truth, other)
    truth[torch.rand(1, *size, generator=generator) < ignored] = 255
    return prediction, truth


def make_sample(prediction, truth=None, **meta):
    sample = {'pred_sem_seg': {'data': prediction}, 'img_path': 'a.png', **meta}
    if truth is not None:
        sample['gt_sem_seg'] = {'data': truth}
    return sample


def evaluate(metric, pairs, num_classes):
    metric.dataset_meta = {'classes': [f'c{i}' for i in range(num_classes)]}
    for prediction, truth in pairs:
        metric.process(None, [make_sample(prediction, truth)])
    return metric.evaluate(len(pairs))
