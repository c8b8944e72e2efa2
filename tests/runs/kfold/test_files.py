"""Configs of the folds."""
from mmengine.config import Config

from plugin.runs.kfold import files


def test_test_set_that_is_the_validation_set_follows_it(tmp_path):
    data = dict(type='CattleDataset', ann_file='val.json')
    metric = dict(type='FastCocoMetric', ann_file='val.json')
    cfg = Config(dict(
        train_dataloader=dict(dataset=dict(data, ann_file='train.json')),
        val_dataloader=dict(dataset=data), test_dataloader=dict(dataset=data),
        val_evaluator=metric, test_evaluator=metric))
    cfg.dump(tmp_path / 'base.py')
    files.write_config(cfg, str(tmp_path / 'base.py'), False, ['a.json', 'b.json'], None,
                             tmp_path / 'fold0.py')
    fold = Config.fromfile(tmp_path / 'fold0.py')
    assert fold.train_dataloader.dataset.ann_file == 'a.json'
    for part in ('val', 'test'):
        assert fold[f'{part}_dataloader'].dataset.ann_file == 'b.json'
        # the ids of the images are those of this file
        assert fold[f'{part}_evaluator'].ann_file == 'b.json'
    assert 'test_evaluator' in files.written_keys(cfg, False)


def test_a_published_count_stays_with_its_list(tmp_path):
    data = dict(type='VOCSegDataset', ann_file='val.txt', list_count=736)
    cfg = Config(dict(train_dataloader=dict(dataset=dict(data, list_count=8498)),
                      val_dataloader=dict(dataset=data), val_evaluator=dict(type='SegMetric')))
    cfg.dump(tmp_path / 'base.py')
    files.write_config(cfg, str(tmp_path / 'base.py'), False, ['a.txt', 'b.txt'], None,
                       tmp_path / 'fold0.py')
    fold = Config.fromfile(tmp_path / 'fold0.py')
    for part, file in (('train', 'a.txt'), ('val', 'b.txt')):
        assert fold[f'{part}_dataloader'].dataset == dict(type='VOCSegDataset', ann_file=file)
