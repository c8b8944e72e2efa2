"""Trainings with a teacher of instances: schedule, log, alarms, drawings, export, resume."""
import json
import re
import signal

import pytest
import torch
from PIL import Image

from plugin.engine.hooks import MaskTeacherHook
from plugin.engine.teaching.number_alarm import NumberAlarm
from plugin.inference import load_model
from plugin.utils.counts import KEPT_COUNTS, KEPT_THRESHOLD
from tests.helpers.forked import run_tool
from tests.helpers.mask_teacher_project import write_project
from tests.helpers.stock_tools import stock
from tests.helpers.trainings import assert_same, killed_at, load


@pytest.fixture(scope='module')
def trained(tmp_path_factory):
    """A folder with a training that was never stopped, and one that was killed and gone on with."""
    folder = tmp_path_factory.mktemp('animals')
    write_project(folder)
    whole = run_tool('train', ['teacher.py', '--work-dir', 'whole'], folder)
    assert whole.status == 0, whole.out[-2000:] + whole.err[-3000:]
    # first parts before the unlabelled pictures begin to count, and after
    killed = run_tool('train', ['teacher.py', '--work-dir', 'killed', *killed_at(
        'before_train_iter', 5)], folder)
    assert killed.status == -signal.SIGKILL
    again = run_tool('train', ['teacher.py', '--work-dir', 'killed', '--resume'], folder)
    assert again.status == 0, again.out[-2000:] + again.err[-3000:]
    return folder


def records(folder):
    path = next(folder.glob('*/vis_data/scalars.json'))
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_killed_and_resumed_equals_uninterrupted(trained):
    whole, killed = (load(trained / name / 'iter_6.pth') for name in ('whole', 'killed'))
    assert_same(whole, killed)
    names = {name.split('.')[0] for name in whole['state_dict']}
    assert names == {'student', 'teacher', 'thresholds', 'notes'}
    assert whole['state_dict']['thresholds.pictures'].min() > 7


def test_what_is_logged(trained):
    lines = [one for one in records(trained / 'whole') if 'loss_cls' in one and 'iter' in one
             and 'count/MAE' not in one]
    numbers = {'pseudo_number', 'labelled_number', 'number_ratio', 'sure_boxes', 'sure_pixels'}
    assert not numbers & set(lines[0]) and not numbers & set(lines[1])  # the warm-up
    assert all(numbers <= set(one) and 'unsup_loss_mask' in one for one in lines[2:])
    # of the truth there is something to compare with
    assert any('pseudo_recall' in one for one in lines[2:])
    of_classes = [one for one in records(trained / 'whole') if 'threshold/cow' in one]
    assert of_classes and all(0 <= one['threshold/calf'] <= 0.3 + 1e-6 for one in of_classes)


def test_pseudo_instances_are_drawn_at_each_validation(trained):
    images = sorted((trained / 'whole/pseudo_labels').iterdir())
    assert [path.name for path in images] == ['iter_3.png', 'iter_6.png']
    with Image.open(images[0]) as image:
        assert image.mode == 'RGB' and 40 <= image.width <= 80


def test_the_teacher_is_exported_with_its_threshold_and_errors_of_counting(trained, monkeypatch):
    whole = torch.load(trained / 'whole/iter_6.pth', weights_only=False)
    exported = torch.load(trained / 'whole/detector.pth', weights_only=False)
    assert_same(exported['state_dict'], {
        name.removeprefix('teacher.'): value for name, value in whole['state_dict'].items()
        if name.startswith('teacher.')})
    kept = exported['message_hub']['log_scalars']
    assert list(kept) == [KEPT_THRESHOLD]
    # the log has the last validation, as has what is written after it
    counted = exported['message_hub']['runtime_info']
    assert list(counted) == [KEPT_COUNTS] and counted[KEPT_COUNTS]['truth'].tolist() == [0, 1, 2]
    best = torch.load(trained / 'whole/best_detector.pth', weights_only=False)
    assert list(best['message_hub']['runtime_info']) == [KEPT_COUNTS]
    monkeypatch.chdir(trained)
    found = load_model('supervised.py', 'whole/detector.pth', device='cpu')
    assert found.score_thr == pytest.approx(kept[KEPT_THRESHOLD].current())
    # what was saved in the last iteration remembers the validation before
    direct = load_model('teacher.py', 'whole/iter_6.pth', device='cpu', score_thr=found.score_thr)
    assert found.classes == direct.classes == ['cow', 'calf']
    assert '3 images' in found.count_intervals().reason  # too few, but they are there
    for one, two in zip(found('animals/images/4.png'), direct('animals/images/4.png'), strict=True):
        assert one.score == two.score
    assert direct.least_score == found.least_score == 0.05
    assert (found.cap[1], direct.cap[0]) == (12, 'model.detector.test_cfg.rcnn.max_per_img')


def test_the_stock_tools_of_mmdetection_train_and_test(trained):
    """From a folder of pictures that nobody outlined."""
    config = trained / 'folder.py'
    learned = stock('train.py', config, '--work-dir', trained / 'stock', '--cfg-options',
                    'train_cfg.max_iters=3', 'default_hooks.method.warmup=1', folder=trained,
                    library='mmdet')
    assert 'pseudo_number' in learned and 'pseudo_precision' not in learned
    tested = stock('test.py', config, trained / 'stock/iter_3.pth', '--work-dir',
                   trained / 'tested', folder=trained, library='mmdet')
    scores = [re.findall(r'coco/bbox_mAP: (\S+)', text)[-1] for text in (learned, tested)]
    assert scores[0] == scores[1]


def test_the_alarm_says_each_change_once():
    alarm = NumberAlarm(0.25, 4.)
    assert alarm.check() is None

    def look(*ratios):
        for ratio in ratios:
            alarm.add(torch.tensor(ratio))
        return alarm.check()

    assert look(1., 1.) is None
    assert look(0.1, 0.3) == ('collapse', pytest.approx(0.2))
    assert look(0.1) is None
    assert look(float('nan'), 1.) is None
    assert look(0.1)[0] == 'collapse'
    assert look(float('nan')) is None
    assert look(9., float('inf')) == ('flood', 9.)


@pytest.mark.parametrize('ratio, message', [
    (0.1, 'finds 0.1 instances for each labelled one in a picture: it may have collapsed; '
     'lengthen warmup, or lower unsupervised.lowest'),
    (20., 'finds 20 instances for each labelled one in a picture: it floods the student; raise '
     'unsupervised.lowest')])
def test_what_the_alarm_says(ratio, message):
    said = []
    hook = MaskTeacherHook(warmup=0)
    runner = type('Runner', (), dict(logger=type('Logger', (), dict(warning=said.append))))
    hook._numbers.add(torch.tensor(ratio))
    hook._warn(runner)
    assert len(said) == 1 and message in said[0]


def test_ranges_of_the_alarm():
    with pytest.raises(ValueError, match='lowest_ratio=4 and highest_ratio=1 are no range'):
        MaskTeacherHook(lowest_ratio=4, highest_ratio=1)
