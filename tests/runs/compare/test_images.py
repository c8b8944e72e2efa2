"""Images that configs share, or not."""
import pytest

from plugin.runs.compare.images import check_apart, check_same, images_of
from plugin.utils import UserError
from plugin.utils.config import load_config


def test_images_of_each_part(project):
    train = sorted(map(str, (project / 'barn/images/train').glob('*.jpg')))
    val = sorted(map(str, (project / 'barn/images/val').glob('*.jpg')))
    assert len(train) == 8 and len(val) == 2
    for name in ('a.py', 'semi.py'):
        cfg = load_config(name)
        assert images_of(cfg, 'labelled') == tuple(train)
        assert images_of(cfg, 'val') == tuple(val)
    test = sorted(map(str, (project / 'barn/images/test').glob('*.jpg')))
    assert len(test) == 2 and images_of(load_config('a.py'), 'test') == tuple(test)
    assert images_of(load_config('a.py'), 'unlabelled') == ()
    assert images_of(load_config('semi.py'), 'unlabelled') == tuple(train)
    assert images_of(load_config('a.py', ['test_dataloader=None']), 'test') == ()
    wrapped = load_config('a.py')
    wrapped.train_dataloader.dataset = dict(type='RepeatDataset', times=3,
                                            dataset=wrapped.train_dataloader.dataset)
    assert images_of(wrapped, 'labelled') == tuple(train)
    # a wrapper with transforms of its own, as for pasted instances
    wrapped.train_dataloader.dataset.update(type='MultiImageMixDataset', pipeline=[])
    del wrapped.train_dataloader.dataset['times']
    assert images_of(wrapped, 'labelled') == tuple(train)


def test_a_difference_is_named():
    check_same(dict(a=('/x/1.png', '/x/2.png'), b=('/x/2.png', '/x/1.png')), 'val', 'cure')
    with pytest.raises(UserError, match=(
            r'a has 2 val images and b 1, and they are not the same: 2 only in a \(1.png, 2.png\); '
            r'1 only in b \(3.png\); the cure')):
        check_same(dict(a=('/x/1.png', '/x/2.png'), b=('/y/3.png', )), 'val', 'the cure')


@pytest.mark.parametrize('one, two', [
    ('labelled', 'val'), ('labelled', 'test'), ('unlabelled', 'val'), ('unlabelled', 'test')])
def test_what_is_trained_on_measures_nothing(one, two):
    parts = dict(labelled=['/x/1.png'], unlabelled=['/x/2.png'], val=['/x/3.png'],
                 test=['/x/4.png'])
    check_apart(parts, 'mine')
    parts[one], parts[two] = [*parts[one], '/x/5.png'], [*parts[two], '/x/5.png']
    with pytest.raises(UserError, match=(
            rf'mine trains on 1 of its 2 {two} images \(/x/5.png\), so that their score says '
            rf'little of other images: take them out of the {one} or of the {two} images')):
        check_apart(parts, 'mine')


def test_test_is_val_or_has_nothing_of_it():
    parts = dict(labelled=[], unlabelled=[], val=['/x/3.png', '/x/4.png'])
    for test in ([], ['/x/4.png', '/x/3.png'], ['/x/5.png']):
        check_apart({**parts, 'test': test}, 'mine')
    with pytest.raises(UserError, match=r'mine chooses with 1 of its 2 test images \(/x/4.png\)'):
        check_apart({**parts, 'test': ['/x/4.png', '/x/5.png']}, 'mine')
