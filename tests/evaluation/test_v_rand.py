"""The Rand score of ISBI 2012 against pairs of pixels that are counted one by one."""
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from mmengine.config import Config
from mmengine.evaluator import Evaluator
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample

from plugin.evaluation import VRandMetric, v_rand
from tests.helpers.paths import CONFIGS
from tests.reference import slow_components, slow_rand_scores

MAPS = arrays(np.uint8, (4, 6), elements=st.integers(0, 1))


def sample(prediction, truth):
    data = SegDataSample(metainfo=dict(img_path='cells.png'))
    data.pred_sem_seg = PixelData(data=torch.as_tensor(prediction)[None])
    data.gt_sem_seg = PixelData(data=torch.as_tensor(truth)[None])
    return data.to_dict()


def walls(*columns, width=21, height=5):
    """Cells with walls of membrane."""
    result = np.ones((height, width), np.uint8)
    result[:, list(columns)] = 0
    return result


@settings(deadline=None, max_examples=60)
@given(MAPS, MAPS)
def test_pairs_of_pixels(prediction, truth):
    found = v_rand(prediction, truth)
    cells = slow_components(truth == 1)
    expected = slow_rand_scores(segments_of(prediction), cells)
    assert (found is None) == (expected is None)
    if expected is not None:
        np.testing.assert_allclose(found, expected, atol=1e-12)
        if expected[2] == expected[2]:
            from skimage.metrics import adapted_rand_error
            assert found.f_score == pytest.approx(1 - adapted_rand_error(
                cells, alone(segments_of(prediction)))[0])


def segments_of(prediction):
    """Cells grown until lines part them, by skimage; the growth has tests of its own."""
    from skimage.segmentation import watershed
    return watershed((prediction != 1).astype(np.uint8), slow_components(prediction == 1),
                     connectivity=1, watershed_line=True)


def alone(segments):
    """Every pixel of a line a segment of its own."""
    lines = segments == 0
    segments[lines] = 1000 + np.arange(lines.sum())
    return segments


@pytest.mark.parametrize('thick', [(10, ), (9, 10, 11), (7, 8, 9, 10, 11, 12, 13)])
def test_the_width_of_a_membrane_does_not_matter(thick):
    assert v_rand(walls(*thick), walls(10)) == (1, 1, 1)


def test_a_wall_in_the_wrong_place():
    """Thinned to column 12, it leaves column 11 with the cell on the left."""
    height, truth = 5, walls(10)
    left, right = 10 * height, 10 * height
    # of the right cell 5 pixels are on the left, 5 on the line, 40 where they belong
    stray, on_line, rest = height, height, 8 * height
    assert stray + on_line + rest == right
    together = left * (left - 1) + stray * (stray - 1) + rest * (rest - 1)
    split = together / (left * (left - 1) + right * (right - 1))
    merge = together / ((left + stray) * (left + stray - 1) + rest * (rest - 1))
    found = v_rand(walls(10, 11, 12, 13, 14), truth)
    np.testing.assert_allclose(found, (2 * split * merge / (split + merge), split, merge))


def test_cells_that_merge_and_cells_that_split():
    merged, split = v_rand(walls(), walls(10)), v_rand(walls(5, 10, 15), walls(10))
    assert merged.split == 1 and merged.merge < 0.5
    assert split.merge == 1 and split.split < 0.6
    # a gap of one pixel merges two cells
    gap = walls(10)
    gap[2, 10] = 1
    assert v_rand(gap, walls(10)) == merged


def test_membranes_and_ignored_pixels_do_not_count():
    truth, other = walls(10), walls(10)
    other[:, 15:] = 255
    assert v_rand(walls(10, 15), other) == (1, 1, 1)
    assert v_rand(walls(10, 15), truth).split < 1


def test_corners_do_not_join_cells():
    checks = np.eye(2, dtype=np.uint8).repeat(2, 0).repeat(2, 1)
    assert v_rand(checks, checks) == (1, 1, 1)
    # the two cells are one where corners join
    assert v_rand(np.ones_like(checks), checks).merge == pytest.approx(24 / 56)


def test_images_without_cells_are_left_out():
    metric = VRandMetric()
    nothing = np.zeros((5, 21), np.uint8)
    metric.process(None, [sample(walls(10), walls(10)), sample(walls(10), nothing)])
    assert metric.evaluate(2) == {'VRand': 100, 'VRand.split': 100, 'VRand.merge': 100}
    # no cell found: no pair is together
    metric.process(None, [sample(nothing, walls(10))])
    found = metric.evaluate(1)
    assert (found['VRand'], found['VRand.split']) == (0, 0) and np.isnan(found['VRand.merge'])
    metric.process(None, [sample(nothing, nothing)])
    assert np.isnan(list(metric.evaluate(1).values())).all()


def test_scores_are_means_of_images_in_percent():
    metric = VRandMetric(prefix='cells')
    pairs = [(walls(10), walls(10)), (walls(), walls(10)), (walls(4), walls(4, 10))]
    metric.process(None, [sample(*pair) for pair in pairs])
    expected = 100 * np.mean([v_rand(*pair) for pair in pairs], axis=0)
    assert metric.evaluate(3) == {
        f'cells/{name}': pytest.approx(value, abs=0.006)
        for name, value in zip(('VRand', 'VRand.split', 'VRand.merge'), expected)}


def test_mistakes_are_named():
    with pytest.raises(ValueError, match=r'cells.png: the prediction has the shape \(5, 20\)'):
        VRandMetric().process(None, [sample(walls(width=20), walls())])
    without = sample(walls(), walls())
    del without['gt_sem_seg']
    with pytest.raises(ValueError, match=r'cells.png has no truth; load it with LoadAnnotations'):
        VRandMetric().process(None, [without])


@pytest.mark.parametrize('name', ['unet_isbi', 'unet-plain_isbi', 'unet-paper_isbi'])
def test_the_configs_show_it_beside_the_pixel_error(name):
    cfg = Config.fromfile(CONFIGS / f'{name}.py')
    for metrics in (cfg.val_evaluator, cfg.test_evaluator):
        evaluator = Evaluator(dict(metrics))
        evaluator.dataset_meta = dict(classes=('membrane', 'cell'))
        evaluator.process([sample(walls(), walls(10))])
        found = evaluator.evaluate(1)
        assert 100 - found['PA'] == pytest.approx(100 * 5 / 105, abs=0.006)
        assert found['VRand'] == pytest.approx(100 * v_rand(walls(), walls(10)).f_score, abs=0.006)


def test_real_cells(shared):
    from PIL import Image
    label = np.asarray(Image.open(shared / 'data/isbi2012/labels/0.png')) // 255
    assert v_rand(label, label) == (1, 1, 1)
    # a membrane that is drawn two pixels wider on each side
    from scipy.ndimage import binary_dilation
    wide = (~binary_dilation(label == 0, iterations=2)).astype(np.uint8)
    assert 100 * (wide != label).mean() > 10
    assert v_rand(wide, label).f_score > 0.9
