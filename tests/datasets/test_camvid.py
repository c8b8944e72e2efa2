"""CamVid without its test part: trainings go on, tests say what to do."""
import pytest
from mmengine.config import Config
from mmengine.runner import Runner
from mmseg.registry import DATASETS

from plugin.datasets.doctor import examine_config
from plugin.engine.hooks import CheckDataHook
from plugin.runs.unlabelled import write_only
from plugin.utils.errors import is_mistake, sentence
from tests.helpers.drawn_images import draw_camvid
from tests.helpers.paths import CONFIGS
from tests.helpers.tool_calls import call_tool

CURE = ('add the test part, 233 images and their labels (data/README.md), or measure on the '
        'validation images by --cfg-options test_dataloader.dataset.data_prefix.img_path=images/'
        'val test_dataloader.dataset.data_prefix.seg_map_path=labels/val')


@pytest.fixture
def untested(tmp_path, monkeypatch):
    """The root of a CamVid that has no test part."""
    root = draw_camvid(tmp_path / 'camvid', dict(train=8, val=2), (36, 48))
    monkeypatch.setenv('CAMVID_ROOT', str(root))
    return root


def load(name='_base_/datasets/camvid'):
    cfg = Config.fromfile(CONFIGS / f'{name}.py')
    cfg.default_scope = 'mmseg'
    return cfg


@pytest.mark.parametrize('kind', ['images', 'labels'])
def test_a_test_says_in_one_sentence_what_to_do(untested, kind):
    if kind == 'labels':
        (untested / 'images/test').mkdir()
        (untested / 'images/val/0.png').rename(untested / 'images/test/0.png')
    cfg = load()
    with pytest.raises(FileNotFoundError) as error:
        write_only(cfg, False)
    assert is_mistake(error.value)
    assert sentence(error.value) == f'folder {untested}/{kind}/test does not exist: {CURE}.'


def test_the_cure_works(untested):
    cfg = load()
    cfg.merge_from_dict(dict(word.split('=') for word in CURE.split() if '=' in word))
    assert len(DATASETS.build(cfg.test_dataloader.dataset)) == 2


def test_another_root_is_told_as_before(tmp_path, monkeypatch):
    monkeypatch.setenv('CAMVID_ROOT', str(tmp_path / 'nowhere'))
    for part in ('train', 'test'):
        with pytest.raises(FileNotFoundError, match='nowhere does not exist: set CAMVID_ROOT='):
            DATASETS.build(load()[f'{part}_dataloader'].dataset)


def test_the_doctor_warns(untested):
    report = examine_config(load())
    found, = [one for one in report.findings if one.code == 'data-set']
    assert (found.severity, found.places, found.cure) == ('warning', ('test', ), CURE)
    assert [part['name'] for part in report.parts] == ['train', 'val']
    # the training needs its own part
    cfg = load()
    cfg.train_dataloader.dataset.data_prefix = dict(img_path='images/no', seg_map_path='labels/no')
    assert [(one.severity, one.places) for one in examine_config(cfg).findings
            if one.code == 'data-set'] == [('error', ('train', )), ('warning', ('test', ))]


def test_a_training_passes_its_checks(untested, tmp_path):
    cfg = load('unet_camvid')
    cfg.work_dir = str(tmp_path / 'run')
    cfg.model.backbone.base_channels = 1
    cfg.model.decode_head.in_channels = [1, 2, 4, 8, 16]
    for name in ('train', 'val', 'test'):
        cfg[f'{name}_dataloader'].update(num_workers=0, persistent_workers=False)
    runner = Runner.from_cfg(cfg)
    for loop, build in (('_train_loop', runner.build_train_loop),
                        ('_val_loop', runner.build_val_loop)):
        setattr(runner, loop, build(getattr(runner, loop)))
    CheckDataHook().before_train(runner)
    with pytest.raises(FileNotFoundError, match='add the test part'):
        runner.test()


def test_the_tool_ends_without_a_traceback(untested, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'empty.pth').touch()
    assert call_tool('test', CONFIGS / 'unet_camvid.py', 'empty.pth') == 1
    told = capsys.readouterr().err
    assert told == f'error: folder {untested}/images/test does not exist: {CURE}.\n'
