"""The memory bank through fill, overflow, wrap, checkpoint and two processes."""
import pytest
import torch
import torch.nn.functional as F

from plugin.models.semi.memory_bank import MemoryBank
from tests.helpers.small_contrast import directions, keys_of, units
from tests.reference_u2pl_contrast import SlowRing


def test_a_class_gets_the_pixels_under_its_mask():
    bank = MemoryBank(3, 4, capacity=10, background_capacity=20)
    features = directions(12)
    mask = torch.zeros(3, 12, dtype=torch.bool)
    mask[0] = True
    mask[2, [1, 5]] = True
    before = features.clone(), mask.clone()
    bank.enqueue(features, mask)
    assert bank.filled.tolist() == [12, 0, 2]
    for c in range(3):
        assert keys_of(bank, c) == units(features, mask[c])
    torch.testing.assert_close(bank.fill, torch.tensor([0.6, 0, 0.2]))
    assert torch.equal(features, before[0]) and torch.equal(mask, before[1])


def test_images_and_places_are_told_apart():
    bank = MemoryBank(1, 4, background_capacity=99)
    features = torch.randn(3, 4, 2, 5)
    mask = torch.rand(1, 30) < 0.4
    bank.enqueue(features, mask)
    assert keys_of(bank, 0) == units(features, mask[0])


def test_fills_overflows_and_wraps_like_a_ring():
    """One key a step and class, so that the order is known; class 1 is absent every third step."""
    bank, rings = MemoryBank(2, 4, capacity=3, background_capacity=5), [SlowRing(5), SlowRing(3)]
    for step in range(17):
        features = directions(2, seed=step)
        mask = torch.tensor([[True, False], [False, step % 3 != 0]])
        bank.enqueue(features, mask)
        rows = F.normalize(features[0, :, 0].T, dim=1)
        for c, ring in enumerate(rings):
            ring.add(list(rows[mask[c]]))
            start = int(bank.start[c])
            assert bank.filled[c] == len(ring.rows) and bank.pointer[c] == ring.next
            for place, key in ring.rows.items():
                torch.testing.assert_close(bank.keys[start + place], key)
    assert not bank.keys[-1].any()


def test_several_keys_a_step_keep_the_newest():
    bank = MemoryBank(1, 4, background_capacity=7)
    steps = [directions(5, seed=step) for step in range(4)]
    every = torch.ones(1, 5, dtype=torch.bool)
    for features in steps:
        bank.enqueue(features, every)
    assert bank.filled.item() == 7 and bank.pointer.item() == 20 % 7
    newest, before = units(steps[3], every[0]), units(steps[2], every[0])
    found = keys_of(bank, 0)
    assert len(found) == 7 and newest < found and found - newest < before


def test_more_keys_in_a_step_than_the_ring_holds():
    bank = MemoryBank(2, 4, capacity=3, background_capacity=None)
    features, mask = directions(50), torch.ones(2, 50, dtype=torch.bool)
    for _ in range(2):
        bank.enqueue(features, mask)
        assert bank.filled.tolist() == [3, 3]
        for c in range(2):
            assert len(keys_of(bank, c)) == 3 and keys_of(bank, c) < units(features, mask[c])


def test_a_step_adds_a_sample_without_replacement():
    features, mask = directions(40), torch.arange(40)[None] % 2 == 0
    chosen = {}
    for seed in range(200):
        torch.manual_seed(seed)
        bank = MemoryBank(1, 4, background_capacity=30, keys_per_step=8)
        bank.enqueue(features, mask)
        found = keys_of(bank, 0)
        assert bank.filled.item() == len(found) == 8
        for key in found:
            chosen[key] = chosen.get(key, 0) + 1
    assert set(chosen) == units(features, mask[0])
    # 80 times each on average, with a deviation of 7
    assert min(chosen.values()) > 50 and max(chosen.values()) < 110


def test_what_has_no_direction_is_no_key():
    bank = MemoryBank(1, 4, background_capacity=10)
    features = directions(6)
    features[..., 1] = 0
    features[0, 2, 0, 3] = float('nan')
    features[0, 0, 0, 4] = float('inf')
    bank.enqueue(features, torch.ones(1, 6, dtype=torch.bool))
    usable = torch.tensor([True, False, True, False, False, True])
    assert keys_of(bank, 0) == units(features, usable) and bank.keys.isfinite().all()


def test_half_precision_bank():
    bank = MemoryBank(2, 256, capacity=8, background_capacity=None, dtype='float16')
    features = 1e4 * directions(5, 256)
    bank.enqueue(features, torch.ones(2, 5, dtype=torch.bool))
    assert bank.keys.dtype == torch.float16 and bank.memory_bytes == 17 * 256 * 2
    lengths = torch.linalg.vector_norm(bank.keys[:5].float(), dim=1)
    torch.testing.assert_close(lengths, torch.ones(5), atol=1e-3, rtol=0)


def test_features_in_half_precision():
    bank = MemoryBank(1, 4, background_capacity=9)
    features = directions(5).half()
    bank.enqueue(features, torch.ones(1, 5, dtype=torch.bool))
    assert keys_of(bank, 0) == units(features.float(), torch.ones(5, dtype=torch.bool))


def test_a_checkpoint_goes_on_where_it_was():
    bank, mask = MemoryBank(2, 4, capacity=6), torch.rand(2, 10) < 0.5
    bank.enqueue(directions(10), mask)
    other = MemoryBank(2, 4, capacity=6)
    other.load_state_dict({name: value.clone() for name, value in bank.state_dict().items()})
    for one in (bank, other):
        torch.manual_seed(7)
        one.enqueue(directions(10, seed=1), mask)
    for name, value in bank.state_dict().items():
        assert torch.equal(other.state_dict()[name], value), name
    assert set(bank.state_dict()) == {'keys', 'filled', 'pointer'}
    torch.manual_seed(0)
    rows = bank.sample(3, 5)
    torch.manual_seed(0)
    assert torch.equal(other.sample(3, 5), rows)


def test_a_checkpoint_of_another_capacity_is_refused():
    with pytest.raises(RuntimeError, match='size mismatch for keys'):
        MemoryBank(2, 4, capacity=6).load_state_dict(MemoryBank(2, 4, capacity=7).state_dict())


def test_samples_are_uniform_over_the_keys_of_a_class():
    bank = MemoryBank(3, 4, capacity=10, background_capacity=20)
    bank.filled.copy_(torch.tensor([4, 0, 10]))
    torch.manual_seed(0)
    rows = bank.sample(50, 40)
    assert rows.shape == (3, 50, 40) and rows.dtype == torch.int64
    for c, (start, number) in enumerate([(0, 4), (20, 1), (30, 10)]):
        counts = torch.bincount(rows[c].flatten() - start, minlength=number)
        expected = 2000 / number
        assert len(counts) == number and (counts - expected).abs().max() <= 5 * expected ** 0.5
    assert not bank.keys[rows[1]].any()


def test_memory_of_the_published_size_is_told():
    with torch.device('meta'):
        assert MemoryBank(21).memory_bytes == (50000 + 20 * 30000 + 1) * 256 * 4
        assert MemoryBank(2, background_capacity=None, dtype='float16').memory_bytes == 60001 * 512


@pytest.mark.parametrize('options,message', [
    (dict(capacity=0), 'capacity=0 leaves a memory bank without keys; use 1 or more'),
    (dict(background_capacity=-1), 'background_capacity=-1'),
    (dict(keys_per_step=0), 'keys_per_step=0'),
    (dict(dtype='int8'), "dtype='int8' is none of a memory bank; use one of 'float32', 'float16'")])
def test_impossible_options_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        MemoryBank(2, 4, **options)


def test_features_of_another_width_are_refused():
    with pytest.raises(ValueError, match='features of 5 channels do not fit .* channels=4'):
        MemoryBank(2, 4).enqueue(directions(3, 5), torch.ones(2, 3, dtype=torch.bool))
