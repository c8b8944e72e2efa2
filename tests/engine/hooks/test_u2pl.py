"""The hook of U2PL: what it says of the memory banks."""
import json

import pytest
import torch

from plugin.models.semi.memory_bank import MemoryBank
from tests.helpers.toy_teacher import CLASSES, toy_runner

HOOK = dict(type='U2PLHook', warmup=1)


def banked(work_dir, **bank):
    """A runner whose model has banks of three classes, 4, 2 and 2 keys large, and what is said."""
    runner = toy_runner(work_dir, HOOK, iters=4)
    settings = {**dict(capacity=2, background_capacity=4), **bank}
    runner.model.bank = MemoryBank(len(CLASSES), 8, **settings)
    said = []
    runner.logger.info = lambda text, *args: said.append(text)
    return runner, said


@pytest.mark.parametrize('dtype, size', [('float32', 4), ('float16', 2)])
def test_memory_is_said_at_the_start(tmp_path, dtype, size):
    runner, said = banked(tmp_path, capacity=100_000, background_capacity=None, dtype=dtype)
    bytes_ = runner.model.bank.memory_bytes
    assert bytes_ == runner.model.bank.keys.shape[0] * 8 * size
    runner.call_hook('before_run')
    runner.build_train_loop(runner._train_loop)
    runner.call_hook('before_train')
    line, = [text for text in said if 'memory banks' in text]
    assert line == (f'memory banks: 300000 keys of 8 numbers for 3 classes take '
                    f'{bytes_ / 1e6:.0f} MB on cpu, and in each checkpoint')


def test_fill_of_the_banks_is_logged(tmp_path):
    runner, _ = banked(tmp_path)
    bank = runner.model.bank
    # one key of ground, none of cow, five of trough, whose ring holds two
    mask = torch.zeros(3, 6, dtype=torch.bool)
    mask[0, 0] = mask[2, 1:] = True
    bank.enqueue(torch.rand(1, 8, 2, 3) + 1, mask)
    runner.train()
    hub = runner.message_hub
    assert hub.get_scalar('train/bank_min').current() == 0
    assert hub.get_scalar('train/bank_mean').current() == pytest.approx((1 / 4 + 0 + 1) / 3)
    assert hub.get_scalar('train/gamma').current() == pytest.approx(3 / 4)
    text = next(tmp_path.glob('*/vis_data/scalars.json')).read_text()
    record = [json.loads(line) for line in text.splitlines() if 'bank/cow' in line][-1]
    assert [record[f'bank/{name}'] for name in CLASSES] == [0.25, 0, 1]
    assert record['class_share/cow'] == 0.5
    # a line of the log would be too long with them
    assert not [line for line in text.splitlines() if '"loss"' in line and 'bank/cow' in line]


def test_model_without_banks_trains(tmp_path):
    runner = toy_runner(tmp_path, HOOK, iters=3)
    runner.train()
    assert runner.model.decays == [0, 0.5]
    assert 'train/bank_min' not in runner.message_hub.log_scalars
