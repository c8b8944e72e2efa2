"""What a real run leaves behind."""
import base64
import io
import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.runner import Runner
from mmseg.registry import MODELS
from PIL import Image

from plugin import visualization
from plugin.engine.hooks import RunSummaryHook, run_summary
from plugin.engine.summary import scores as summary_scores

CLASSES = ('ground', 'Kuh $1$', 'never there')
PALETTE = [(90, 60, 30), (250, 240, 20), (0, 0, 250)]
COUNT = 8
ALL = {'scores.json', 'confusion_matrix.json', 'confusion_matrix.png', 'predictions.png',
       'curves.png'}


@MODELS.register_module()
class PixelBackbone(torch.nn.Module):
    """One 1x1 convolution."""

    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Conv2d(3, 4, 1)

    def forward(self, x):
        return [self.layer(x)]


@pytest.fixture(scope='module')
def images(tmp_path_factory):
    """Images whose bright half is class 1, of different sizes, with names that bite."""
    folder = tmp_path_factory.mktemp('daten é [1]')
    rng = np.random.default_rng(0)
    for index in range(COUNT):
        high, wide = 20 + index, 600 if index == 0 else 31
        labels = (np.arange(wide)[None, :] > wide // 2).astype(np.uint8).repeat(high, axis=0)
        image = (rng.integers(0, 40, (high, wide, 3)) + 200 * labels[..., None]).astype(np.uint8)
        labels[0, :3] = 255
        for name, content in (('images', image), ('labels', labels)):
            (folder / name).mkdir(exist_ok=True)
            (folder / name / f'kühe {index}.png').write_bytes(cv2.imencode('.png', content)[1])
    return folder


def make_runner(images, work_dir, evaluator='SegMetric', **changes):
    pipeline = [dict(type='LoadImageFromFile'), dict(type='LoadAnnotations'),
                dict(type='PackSegInputs')]
    loader = dict(
        batch_size=1, num_workers=0, sampler=dict(type='DefaultSampler', shuffle=False),
        dataset=dict(type='BaseSegDataset', metainfo=dict(classes=CLASSES, palette=PALETTE),
                     img_suffix='.png', data_root=str(images), pipeline=pipeline,
                     data_prefix=dict(img_path='images', seg_map_path='labels')))
    cfg = dict(
        default_scope='mmseg', work_dir=str(work_dir), log_level='INFO',
        experiment_name=f'summary_{make_runner.number}', randomness=dict(seed=1),
        model=dict(type='EncoderDecoder', backbone=dict(type='PixelBackbone'),
                   data_preprocessor=dict(type='SegDataPreProcessor', mean=[128.] * 3,
                                          std=[64.] * 3, size_divisor=1),
                   decode_head=dict(type='FCNHead', in_channels=4, channels=4, num_convs=0,
                                    in_index=0, concat_input=False, num_classes=3),
                   test_cfg=dict(mode='whole')),
        train_dataloader=loader, val_dataloader=loader, test_dataloader=loader,
        val_evaluator=dict(type=evaluator), test_evaluator=dict(type=evaluator),
        train_cfg=dict(type='IterBasedTrainLoop', max_iters=6, val_interval=3),
        val_cfg=dict(type='ValLoop'), test_cfg=dict(type='TestLoop'),
        optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.1)),
        log_processor=dict(by_epoch=False),
        default_hooks=dict(
            logger=dict(type='LoggerHook', interval=1, log_metric_by_epoch=False),
            checkpoint=dict(type='CheckpointHook', by_epoch=False, interval=3),
            summary=dict(type='RunSummaryHook')),
        visualizer=dict(type='SegLocalVisualizer', name=f'summary_{make_runner.number}',
                        vis_backends=[dict(type='LocalVisBackend')]))
    make_runner.number += 1
    cfg.update(changes)
    return Runner.from_cfg(Config(cfg))


make_runner.number = 0


def log_of(runner):
    return '\n'.join(path.read_text() for path in Path(runner.log_dir).glob('*.log'))


def files_of(folder):
    """What the hook wrote; the logger and the checkpoints have files of their own."""
    return {path.name for path in Path(folder).iterdir()} & ALL


@pytest.fixture(scope='module')
def trained(images, tmp_path_factory):
    runner = make_runner(images, tmp_path_factory.mktemp('run é'))
    runner.train()
    return runner


def test_training_writes_all(trained, images):
    folder = Path(trained.work_dir)
    assert files_of(folder) == ALL
    content = json.loads((folder / 'confusion_matrix.json').read_text(encoding='utf-8'))
    matrix = np.array(content['matrix'])
    assert content['classes'] == list(CLASSES)
    assert (content['rows'], content['columns']) == ('truth', 'prediction')
    pixels = sum((cv2.imdecode(np.fromfile(path, np.uint8), 0) != 255).sum()
                 for path in (images / 'labels').iterdir())
    assert matrix.sum() == pixels and matrix[2].sum() == 0
    scores = json.loads((folder / 'scores.json').read_text(encoding='utf-8'))
    assert scores['iteration'] == 6
    hits, union = np.diag(matrix), matrix.sum(0) + matrix.sum(1) - np.diag(matrix)
    assert [entry['class'] for entry in scores['classes']] == list(CLASSES)
    assert scores['classes'][0]['IoU'] == pytest.approx(100 * hits[0] / union[0], abs=1e-4)
    assert scores['classes'][2]['Acc'] is None  # NaN is no JSON
    assert scores['scores']['aAcc'] == pytest.approx(100 * hits.sum() / pixels, abs=0.006)
    log = log_of(trained)
    mean = np.mean((hits / np.maximum(union, 1))[union > 0])
    assert f'mIoU {mean:.4f} on the validation set' in log
    assert (f'wrote {folder / "curves.png"}, {folder / "predictions.png"}, '
            f'{folder / "vis_data/gallery.json"}\n') in log
    assert f'wrote {folder / "scores.json"}, ' in log


def test_images_are_small_and_spread(trained):
    hook = next(hook for hook in trained.hooks if isinstance(hook, RunSummaryHook))
    assert [Path(sample.path).stem for sample in hook._kept] == [
        f'kühe {index}' for index in (0, 1, 3, 4, 6, 7)]
    assert max(max(sample.prediction.shape) for sample in hook._kept) == 512
    assert all(sample.truth.shape == sample.prediction.shape for sample in hook._kept)
    image = np.asarray(Image.open(Path(trained.work_dir) / 'predictions.png'))
    assert image.shape[1] > 3 * 512
    for colour in PALETTE:  # the legend
        assert (image == colour).all(axis=2).sum() >= 100


def test_gallery_holds_the_worst_and_the_best(trained, images):
    content = json.loads((Path(trained.work_dir) / 'vis_data/gallery.json').read_text('utf-8'))
    assert content['classes'] == list(CLASSES) and content['total'] == COUNT
    assert content['palette'] == [list(colour) for colour in PALETTE]
    # eight of each kind were asked for, and there are no more
    assert all(one['groups'] == ['worst', 'best', 'random'] for one in content['pictures'])
    scores = {one['name']: one['score'] for one in content['pictures']}
    assert list(scores.values()) == sorted(scores.values()) and len(scores) == COUNT
    for batch in trained.val_dataloader:
        output = trained.model.eval().test_step(batch)[0]
        truth = output.gt_sem_seg.data.squeeze().numpy()
        found = output.pred_sem_seg.data.squeeze().numpy()
        known = truth != 255
        ious = [np.mean((truth == label)[known & ((truth == label) | (found == label))]
                        & (found == label)[known & ((truth == label) | (found == label))])
                for label in np.unique(truth[known])]
        assert scores[Path(output.img_path).name] == pytest.approx(np.mean(ious))
    for one in content['pictures']:
        layers = {name: np.asarray(Image.open(io.BytesIO(base64.b64decode(
            one[name].partition(',')[2]))).convert('RGBA'))
            for name in ('input', 'truth', 'prediction', 'errors')}
        assert {layer.shape[:2] for layer in layers.values()} == {tuple(one['size'])}
        assert max(one['size']) <= 480
        # where the truth is ignored the image is seen, and nothing is wrong
        assert layers['truth'][0, 0, 3] == 0 == layers['errors'][0, 0, 3]
        wrong = (layers['truth'] != layers['prediction']).any(axis=2)
        known = layers['truth'][..., 3] > 0
        assert np.array_equal(layers['errors'][..., 3] > 0, wrong & known)


def test_test_leaves_the_training_alone(trained, images):
    work_dir = Path(trained.work_dir)
    before = {name: (work_dir / name).read_bytes() for name in ALL}
    runner = make_runner(images, work_dir, load_from=str(work_dir / 'iter_6.pth'),
                         test_evaluator=dict(type='SegMetric', prefix='own'))
    runner._log_dir = str(work_dir / 'later')  # two runs may begin within one second
    metrics = runner.test()
    assert {name: (work_dir / name).read_bytes() for name in ALL} == before
    assert files_of(runner.log_dir) == ALL - {'curves.png'}
    scores = json.loads((work_dir / 'later' / 'scores.json').read_text(encoding='utf-8'))
    assert scores['scores'] == metrics and 'own/mIoU' in metrics
    trained_scores = json.loads(before['scores.json'])
    assert scores['classes'] == trained_scores['classes']


def test_validation_alone_writes_beside_its_log(images, tmp_path):
    runner = make_runner(images, tmp_path)
    runner.val()
    assert files_of(tmp_path) == set()
    assert files_of(runner.log_dir) == ALL - {'curves.png'}


def test_resumed_training_draws_one_curve(images, tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr(visualization, 'draw_curves', lambda curves, path: drawn.append(curves))
    first = make_runner(images, tmp_path)
    first.train()
    # as if the first run had been killed at iteration 6, after its checkpoint of iteration 3
    (tmp_path / first.timestamp).rename(tmp_path / '20200101_000000')
    longer = dict(type='IterBasedTrainLoop', max_iters=8, val_interval=4)
    second = make_runner(images, tmp_path, train_cfg=longer, resume=True,
                         load_from=str(tmp_path / 'iter_3.pth'))
    second.train()
    assert [step for step, _ in drawn[0]['loss']['loss']] == list(range(1, 7))
    assert [step for step, _ in drawn[1]['loss']['loss']] == list(range(1, 9))
    assert [step for step, _ in drawn[1]['score']['mIoU']] == [3, 4, 8]
    # first, as a training that begins in the same second has a folder of the same name
    (tmp_path / second.timestamp).rename(tmp_path / '20200101_000001')
    fresh = make_runner(images, tmp_path, resume=False,
                        train_cfg=dict(type='IterBasedTrainLoop', max_iters=2, val_interval=4))
    fresh._log_dir = str(tmp_path / fresh.timestamp)
    fresh.train()
    assert [step for step, _ in drawn[2]['loss']['loss']] == [1, 2]


def test_scores_of_other_metrics(images, tmp_path):
    runner = make_runner(images, tmp_path, evaluator='IoUMetric')
    metrics = runner.train() and runner.val_loop.run()
    assert files_of(tmp_path) == {'scores.json', 'curves.png', 'predictions.png'}
    scores = json.loads((tmp_path / 'scores.json').read_text(encoding='utf-8'))
    assert set(scores['scores']) == set(metrics) == {'aAcc', 'mIoU', 'mAcc'}
    assert 'classes' not in scores
    assert f'mIoU {metrics["mIoU"] / 100:.4f} on the validation set' in log_of(runner)


def test_full_disk_does_not_lose_a_training(images, tmp_path, monkeypatch):
    def full(*args):
        raise OSError(28, 'No space left on device')

    monkeypatch.setattr(visualization, 'draw_samples', full)
    monkeypatch.setattr(visualization, 'draw_confusion', full)
    monkeypatch.setattr(summary_scores, 'write_atomically', full)
    runner = make_runner(images, tmp_path)
    runner.train()
    assert runner.iter == 6 and files_of(tmp_path) == {'curves.png'}
    for name in ('scores.json', 'predictions.png', 'confusion_matrix.png'):
        assert f'{tmp_path / name} is not written: [Errno 28] No space left' in log_of(runner)


def test_mistakes_of_the_program_are_not_hidden(images, tmp_path, monkeypatch):
    def broken(*args):
        raise TypeError('a mistake')

    monkeypatch.setattr(visualization, 'draw_confusion', broken)
    with pytest.raises(TypeError, match='a mistake'):
        make_runner(images, tmp_path).train()


def test_without_scalars_there_are_no_curves(images, tmp_path):
    runner = make_runner(images, tmp_path, visualizer=dict(
        type='SegLocalVisualizer', name='no_backend'))
    runner.train()
    assert files_of(tmp_path) == ALL - {'curves.png'}
    assert 'curves.png is not written: no loss was logged in' in log_of(runner)


def test_only_predictions_without_truth(images, tmp_path):
    runner = make_runner(images, tmp_path / 'run', test_evaluator=dict(
        type='SegMetric', format_only=True, output_dir=str(tmp_path / 'out')))
    runner.test_dataloader.dataset.pipeline.transforms.pop(1)
    runner.test()
    assert files_of(runner.log_dir) == {'predictions.png'}
    assert len(list((tmp_path / 'out').iterdir())) == COUNT


def test_other_processes_keep_nothing(trained, monkeypatch):
    kept = next(hook for hook in trained.hooks if isinstance(hook, RunSummaryHook))._kept
    outputs = [trained.model.eval().test_step(batch)[0] for batch in trained.val_dataloader]
    for main, expected in ((True, len(kept)), (False, 0)):
        monkeypatch.setattr(run_summary, 'is_main_process', lambda main=main: main)
        hook = RunSummaryHook()
        hook.before_val_epoch(trained)
        hook.after_val_iter(trained, 0, outputs=outputs)
        assert len(hook._kept) == expected
