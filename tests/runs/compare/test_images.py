"""Images that configs share, or not."""
import pytest

from plugin.runs.compare.images import check_same, images_of
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
    assert images_of(load_config('a.py'), 'test') == tuple(train)
    assert images_of(load_config('a.py', ['test_dataloader=None']), 'test') == ()
    wrapped = load_config('a.py')
    wrapped.train_dataloader.dataset = dict(type='RepeatDataset', times=3,
                                            dataset=wrapped.train_dataloader.dataset)
    assert images_of(wrapped, 'labelled') == tuple(train)


def test_a_difference_is_named():
    check_same(dict(a=('/x/1.png', '/x/2.png'), b=('/x/2.png', '/x/1.png')), 'val', 'cure')
    with pytest.raises(UserError, match=(
            r'a has 2 val images and b 1, and they are not the same: 2 only in a \(1.png, 2.png\); '
            r'1 only in b \(3.png\); the cure')):
        check_same(dict(a=('/x/1.png', '/x/2.png'), b=('/y/3.png', )), 'val', 'the cure')
