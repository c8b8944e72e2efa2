"""The plan of k-fold training: what is divided, what stays together, and what another run is."""
import json
import shutil
from pathlib import Path

import pytest
from mmengine.config import Config
from PIL import Image

from plugin import runs
from plugin.utils import UserError
from tests.helpers import small_coco
from tests.helpers.small_kfold import Trainer, pretend


@pytest.fixture
def trainer(monkeypatch):
    return Trainer(monkeypatch, pretend)


def kfold(config='tiny.py', **settings):
    return runs.kfold(config, **{**dict(folds=2, report=False), **settings})


@pytest.mark.parametrize(('more', 'changed'), [
    (dict(folds=3), '--folds'), (dict(seed=1), '--seed'),
    (dict(arguments=['--amp']), 'the arguments of'),
    (dict(options=['train_cfg.max_iters=3']), 'the config or its --cfg-options'),
    (dict(data='train'), '--data, the data'),
])
def test_another_plan_is_refused(project, trainer, more, changed):
    kfold()
    trainer.commands.clear()
    before = {path: path.read_bytes() for path in project.rglob('*') if path.is_file()}
    with pytest.raises(UserError) as error:
        kfold(**more)
    assert f'work_dirs/tiny_kfold holds folds of another run ({changed}' in str(error.value)
    assert trainer.commands == []
    assert before == {path: path.read_bytes() for path in project.rglob('*') if path.is_file()}
    # what changes nothing of the result may change
    kfold(arguments=['--no-check', '--debug'])


def test_data_that_changed_are_refused(project, trainer):
    kfold()
    for kind in ('images', 'labels'):
        file = next(path for path in (project / f'barn/{kind}/val').iterdir()
                    if path.suffix in ('.jpg', '.png'))
        file.with_stem('another').write_bytes(file.read_bytes())
    with pytest.raises(UserError, match=r'\(the data changed since\): give another --work-dir'):
        kfold()


def test_groups_and_copies_of_images_stay_together(project, trainer, capsys):
    images = sorted((project / 'barn/images').glob('*/*.jpg'))
    shutil.copy(images[0], images[5])
    twins = {f'{path.parent.name}/{path.stem}' for path in (images[0], images[5])}
    kfold(group_by=r'(\d)$', jobs=1)
    out = capsys.readouterr().out
    assert '--group-by "(\\d)$" finds' in out
    assert 'near-duplicates kept on one side: 2 images in 1 sets' in out
    folds = [set((project / f'work_dirs/tiny_kfold/folds/fold{k}_val.txt').read_text().split())
             for k in range(2)]
    assert sorted(len(twins & fold) for fold in folds) == [0, 2]
    last = [{name[-1] for name in fold} for fold in folds]
    assert not last[0] & last[1]
    kfold(folds=9, work_dir='other')
    with pytest.raises(UserError, match='cannot fill 10 parts'):
        kfold(folds=10, work_dir='third')


SEMI = """
labeled = dict(type='BarnDataset', ann_file='labeled.txt', pipeline=train_pipeline,
               data_prefix=dict(img_path='barn/images/train', seg_map_path='barn/labels/train'))
unlabeled = dict(type='UnlabeledDataset', data_prefix=dict(img_path='barn/images/train'),
                 pipeline=[dict(type='LoadImageFromFile'), dict(type='PackSemiInputs')])
train_dataloader['dataset'] = dict(type='SemiDataset', labeled=labeled, unlabeled=unlabeled)
"""


def test_labelled_part_of_semi_supervised_data_is_divided(project, trainer, capsys):
    names = sorted(path.stem for path in (project / 'barn/images/train').glob('*.jpg'))
    (project / 'labeled.txt').write_text('\n'.join(names[:4]))
    (project / 'tiny.py').write_text((project / 'tiny.py').read_text() + SEMI)
    kfold()
    assert '4 labelled images are among the unlabelled ones as well' in capsys.readouterr().err
    cfg = Config.fromfile('work_dirs/tiny_kfold/folds/fold1.py')
    base = Config.fromfile('tiny.py')
    folder = project / 'work_dirs/tiny_kfold/folds'
    assert cfg.train_dataloader.dataset.unlabeled == base.train_dataloader.dataset.unlabeled
    labeled = cfg.train_dataloader.dataset.labeled
    assert labeled.ann_file == str(folder / 'fold1_train.txt')
    assert labeled.pipeline == base.labeled.pipeline and labeled.type == 'BarnDataset'
    val = cfg.val_dataloader.dataset
    assert val.ann_file == str(folder / 'fold1_val.txt') and val.test_mode
    assert val.pipeline == base.val_dataloader.dataset.pipeline
    # what was the validation set is also the test set, and is no third part any more
    assert cfg.test_dataloader.dataset == val
    found = [(folder / f'fold{k}_val.txt').read_text().split() for k in range(2)]
    assert sorted(sum(found, [])) == names[:4]


def test_folds_of_the_data_are_used(project, trainer, capsys):
    names = sorted(path.stem for path in (project / 'barn/images/train').glob('*.jpg'))
    for fold in range(2):
        (project / f'barn/fold{fold}').mkdir()
        for side, chosen in (('val', names[fold::2]), ('train', names[1 - fold::2])):
            (project / f'barn/fold{fold}/{side}.txt').write_text('\n'.join(chosen))
    prefix = "dict(img_path='images/train', seg_map_path='labels/train')"
    (project / 'tiny.py').write_text((project / 'tiny.py').read_text() + f"""
for side, loader in (('train', train_dataloader), ('val', val_dataloader)):
    loader['dataset'].update(ann_file=f'fold0/{{side}}.txt', data_prefix={prefix})
""")
    with pytest.raises(UserError, match='come with 2 folds'):
        kfold(folds=5)
    kfold()
    assert 'the data come with 2 folds, which are used' in capsys.readouterr().out
    cfg = Config.fromfile('work_dirs/tiny_kfold/folds/fold1.py')
    assert cfg.val_dataloader.dataset.ann_file == str(project / 'barn/fold1/val.txt')
    assert cfg.train_dataloader.dataset.ann_file == str(project / 'barn/fold1/train.txt')
    # a seed asks for new ones
    kfold(folds=5, seed=0, work_dir='new')
    assert len((project / 'new/folds/fold4_val.txt').read_text().split()) in (1, 2)
    (project / 'barn/fold1/val.txt').write_text('\n'.join(names[:2]))
    with pytest.raises(UserError, match='is validated in fold 0 and in fold 1'):
        kfold(work_dir='bad')


COCO = """
default_scope = 'mmdet'
custom_imports = dict(imports=['plugin'])
cows = dict(type='CattleDataset', metainfo=dict(classes=('cow', 'calf')), data_root='herd',
            ann_file='train.json', data_prefix=dict(img='images/'))
train_dataloader = dict(dataset=dict(pipeline=[], **cows))
val_dataloader = dict(dataset=dict(pipeline=[], test_mode=True, **cows))
test_dataloader = dict(dataset=dict(cows, ann_file='test.json'))
val_evaluator = [dict(type='FastCocoMetric', ann_file='herd/train.json', metric='segm'),
                 dict(type='CountMetric')]
"""


def test_outlined_animals(tmp_path, trainer, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'herd').mkdir()
    content = small_coco.content(('cow', 'calf'))
    (tmp_path / 'herd/train.json').write_text(json.dumps(content))
    (tmp_path / 'cows.py').write_text(COCO)
    settings = dict(folds=3, duplicates='ignore')
    with pytest.raises(FileNotFoundError, match=r'3 images do not exist \('):
        kfold('cows.py', **settings)
    (tmp_path / 'herd/images').mkdir()
    for name, (height, width) in small_coco.SIZES.items():
        Image.new('RGB', (width, height)).save(tmp_path / 'herd/images' / name)
    kfold('cows.py', **settings)
    cfg = Config.fromfile('work_dirs/cows_kfold/folds/fold2.py')
    file = cfg.val_dataloader.dataset.ann_file
    held_out = json.loads(Path(file).read_text())
    assert len(held_out['images']) == 1 and held_out['categories'] == content['categories']
    metric, count = cfg.val_evaluator
    assert metric == dict(type='FastCocoMetric', ann_file=file, metric='segm', classwise=True)
    assert count == dict(type='CountMetric')
    # a third part stays one
    assert cfg.test_dataloader.dataset.ann_file == 'test.json'
    assert 'cow' in capsys.readouterr().out
