"""What the training pipelines of VOC make of a real picture."""
import pytest
from mmengine.config import Config
from mmseg.registry import DATASETS, MODELS

from tests.helpers.paths import CONFIGS


@pytest.mark.parametrize(('name', 'sides'), [
    ('fcn32s_voc', (281, 500)),
    ('fcn8s-bn_voc', (512, 512)),
    ('deeplabv1_voc', (321, 321)),
    ('deeplabv2_vgg16_voc', (321, 321)),
    ('deeplabv2_r101_voc', (321, 321)),
    ('deeplabv3_r101_voc', (513, 513)),
    ('deeplabv3plus_r101_voc', (513, 513)),
    ('deeplabv3plus_xception65_voc', (513, 513)),
    ('pspnet_r101_voc', (473, 473)),
])
def test_sizes_that_the_network_sees(name, sides, shared, monkeypatch):
    monkeypatch.setenv('VOC_ROOT', str(shared / 'data/voc_mini'))
    cfg = Config.fromfile(CONFIGS / f'{name}.py')
    dataset = dict(cfg.train_dataloader.dataset, list_count=None)
    dataset.update(ann_file='ImageSets/Segmentation/train.txt', data_prefix=dict(
        img_path='JPEGImages', seg_map_path='SegmentationClass'))
    sample = DATASETS.build(dataset)[0]  # 2007_000032
    assert sample['data_samples'].ori_shape == (281, 500)
    batch = MODELS.build(cfg.model.data_preprocessor)(
        dict(inputs=[sample['inputs']], data_samples=[sample['data_samples']]), training=True)
    assert batch['inputs'].shape[2:] == sides
    labels = batch['data_samples'][0].gt_sem_seg.data
    assert labels.shape[1:] == sides
    # what is padded has no class, and the picture has some
    assert set(labels.unique().tolist()) <= {*range(21), 255}
    assert labels.ne(255).any()

