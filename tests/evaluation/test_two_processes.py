"""SegMetric in two processes: each image counts once."""
import json
import os

import torch
from mmengine.dataset import DefaultSampler
from mmseg.evaluation import IoUMetric

from plugin.evaluation import SegMetric
from tests.helpers.forked import in_processes
from tests.helpers.label_maps import evaluate, make_maps, make_sample


def _rank_evaluates(rank, world_size, rendezvous, cases, result):
    os.environ.update(RANK=str(rank), WORLD_SIZE=str(world_size), LOCAL_RANK=str(rank))
    torch.distributed.init_process_group('gloo', init_method=f'file://{rendezvous}', rank=rank,
                                         world_size=world_size)
    answers = []
    for size, device in cases:
        folder = f'{rendezvous}_{size}' if device == 'cpu' else None
        metric = SegMetric(collect_device=device, collect_dir=folder)
        metric.dataset_meta = {'classes': [f'c{i}' for i in range(5)]}
        seen = list(DefaultSampler(range(size), shuffle=False))
        for start in range(0, len(seen), 2):  # batches of two
            batch = [make_maps(5, seed=i) for i in seen[start:start + 2]]
            metric.process(None, [make_sample(*maps) for maps in batch])
        reported = metric.evaluate(size)
        matrix = None if metric.confusion_matrix is None else metric.confusion_matrix.tolist()
        answers.append([len(seen), reported, matrix])
    with open(f'{result}.{rank}', 'w') as file:  # noqa: PTH123
        json.dump(answers, file)
    torch.distributed.destroy_process_group()


def test_two_processes_count_each_image_once(tmp_path):
    cases = [(7, 'cpu'), (7, 'gpu'), (6, 'cpu'), (1, 'cpu')]
    in_processes(_rank_evaluates, (2, str(tmp_path / 'meet'), cases, str(tmp_path / 'result')))
    answers = [json.loads((tmp_path / f'result.{rank}').read_text()) for rank in (0, 1)]
    for (size, _), first, second in zip(cases, *answers, strict=True):
        pairs = [make_maps(5, seed=i) for i in range(size)]
        alone = SegMetric()
        expected = evaluate(alone, pairs, 5)
        assert first[0] == second[0] == (size + 1) // 2  # the last round was filled
        assert first[1] == second[1] == expected
        assert first[2] == alone.confusion_matrix.tolist() and second[2] is None
        for name, value in evaluate(IoUMetric(), pairs, 5).items():
            assert first[1][name] == float(str(value))
