"""Records of runs, stitched together and drawn."""
import json

import numpy as np
import pytest
from PIL import Image

from plugin.visualization import draw_confusion, draw_curves, read_scalars, stitch


def train(step, loss, lr=0.1, **more):
    return {'iter': step, 'step': step, 'loss': loss, 'lr': lr, 'time': 1.0, 'memory': 5, **more}


def val(step, score):
    return {'mIoU': score, 'data_time': 0.1, 'time': 0.2, 'step': step}


def test_one_run():
    curves = stitch([[train(10, 3.0, **{'decode.loss_ce': 2.0, 'decode.acc_seg': 50.0}),
                      train(20, 2.0), val(20, 40.0)]])
    assert curves == {
        'loss': {'loss': [(10, 3.0), (20, 2.0)], 'decode.loss_ce': [(10, 2.0)]},
        'lr': {'lr': [(10, 0.1), (20, 0.1)]},
        'score': {'mIoU': [(20, 40.0)]}, 'count': {}}


def test_losses_of_validations_are_told_apart():
    record = {'loss': 2.0, 'decode.loss_ce': 2.0, 'mIoU': 5.0, 'step': 10}
    curves = stitch([[train(10, 3.0), record]])
    assert curves['loss'] == {
        'loss': [(10, 3.0)], 'val loss': [(10, 2.0)], 'val decode.loss_ce': [(10, 2.0)]}
    assert curves['score'] == {'mIoU': [(10, 5.0)]}


def test_later_run_wins_on_overlap():
    killed = [train(step, step / 10) for step in range(10, 80, 10)]
    killed.insert(5, val(50, 1.0))
    killed.append(val(70, 2.0))
    resumed = [train(step, step / 100) for step in range(60, 100, 10)] + [val(90, 3.0)]
    again = [train(90, 7.0), val(90, 4.0)]
    curves = stitch([killed, resumed, again])
    assert curves['loss']['loss'] == [(10, 1.0), (20, 2.0), (30, 3.0), (40, 4.0), (50, 5.0),
                                      (60, 0.6), (70, 0.7), (80, 0.8), (90, 7.0)]
    assert curves['score']['mIoU'] == [(50, 1.0), (90, 4.0)]


def test_runs_that_did_not_train_are_left_out():
    trained = [train(10, 1.0), val(10, 5.0)]
    assert stitch([trained, [val(0, 99.0)], []]) == stitch([trained])


def test_a_fresh_start_hides_what_came_before():
    assert stitch([[train(10, 1.0)], [train(10, 2.0)]]) == stitch([[train(10, 2.0)]])


def test_epochs_of_validations_become_iterations():
    curves = stitch([[train(100, 1.0), val(1, 5.0), train(200, 0.5), val(2, 6.0)]])
    assert curves['score']['mIoU'] == [(100, 5.0), (200, 6.0)]


def test_values_that_are_no_finite_numbers_are_left_out():
    curves = stitch([[train(10, float('nan')), train(20, float('inf')), train(30, 1.0),
                      {'step': 30, 'mIoU': float('nan'), 'name': 'x', 'flag': True}]])
    assert curves == {'loss': {'loss': [(30, 1.0)]}, 'score': {}, 'count': {},
                      'lr': {'lr': [(10, 0.1), (20, 0.1), (30, 0.1)]}}


def test_counts_have_a_panel_of_their_own_and_absent_sizes_none():
    record = {'coco/segm_mAP': 0.5, 'coco/segm_mAP_s': -1.0, 'count/MAE': 2.0, 'count/bias': -1.0,
              'count/threshold': 0.5, 'count/best_threshold': 0.7, 'step': 20}
    curves = stitch([[train(10, 1.0), record]])
    assert curves['score'] == {'coco/segm_mAP': [(20, 0.5)]}
    assert curves['count'] == {'count/MAE': [(20, 2.0)], 'count/bias': [(20, -1.0)]}


def test_torn_lines_are_no_records(tmp_path):
    path = tmp_path / 'kühe scalars.json'
    lines = [json.dumps(train(10, 1.0)), '{"loss": 2.0, "st', json.dumps(val(10, float('nan'))),
             '[1, 2]', '{"no": 1}', '', json.dumps(train(20, 1.0))[:-9]]
    path.write_text('\n'.join(lines))
    records = read_scalars(path)
    assert [record['step'] for record in records] == [10, 10]
    with pytest.raises(FileNotFoundError, match='nothing.json'):
        read_scalars(tmp_path / 'nothing.json')


def test_panels_are_drawn(tmp_path):
    both = {'loss': {'loss': [(1, 2.0), (2, 1e-4)]}, 'lr': {}, 'score': {'mIoU': [(2, 5.0)]}}
    sizes = {}
    for name, curves in {'two': both, 'one': {**both, 'score': {}}}.items():
        draw_curves(curves, tmp_path / f'{name}.png')
        image = np.asarray(Image.open(tmp_path / f'{name}.png').convert('RGB'))
        sizes[name] = image.shape[0]
        # the first series of a panel is blue
        assert (np.abs(image.astype(int) - (0, 114, 178)).max(axis=2) < 10).sum() > 100
    assert sizes['two'] > 1.5 * sizes['one']
    assert sorted(path.name for path in tmp_path.iterdir()) == ['one.png', 'two.png']
    with pytest.raises(ValueError, match='there is nothing to draw; no loss'):
        draw_curves({'loss': {}, 'lr': {}, 'score': {}}, tmp_path / 'none.png')


@pytest.mark.parametrize('count', [1, 2, 11, 21, 150])
def test_confusion_shows_shares_of_the_truth(tmp_path, count):
    matrix = np.diag(np.arange(count) * 1000)  # the first class is not in the truth
    if count > 1:
        matrix[1, 0] = 1000
    before = matrix.copy()
    draw_confusion(matrix, [f'eine Klasse mit $langem$ Namen {i}' for i in range(count)],
                   tmp_path / 'c.png')
    image = np.asarray(Image.open(tmp_path / 'c.png').convert('RGB')).astype(int)

    def area(colour):
        return (np.abs(image - colour).max(axis=2) < 6).sum()

    cell = area((204, 204, 204)) / count  # the grey row
    assert cell > 100
    full = area((8, 48, 107))  # a row with one entry; the end of the colour bar has it, too
    assert full > max(0, count - 2) * cell * 0.6
    assert max(image.shape) < 2200
    np.testing.assert_array_equal(matrix, before)


def test_confusion_that_does_not_fit(tmp_path):
    with pytest.raises(ValueError, match=r'\(3, 3\) does not fit 2 classes'):
        draw_confusion(np.eye(3), ['a', 'b'], tmp_path / 'c.png')
    assert not list(tmp_path.iterdir())
