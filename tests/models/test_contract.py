"""What every backbone and every head keeps to: one suite over all of them."""
import pytest

from tests.helpers import network_contract as contract
from tests.helpers.networks import NETWORKS

SIZES = [(97, 131), (64, 64), (224, 224)]


@pytest.mark.parametrize('size', SIZES, ids=lambda size: f'{size[0]}x{size[1]}')
@pytest.mark.parametrize('name', NETWORKS)
def test_predicts_the_images_size(name, size):
    contract.check_size_of_prediction(name, size)


@pytest.mark.parametrize('num_classes', [2, 21])
@pytest.mark.parametrize('name', NETWORKS)
def test_every_parameter_learns(name, num_classes):
    contract.check_every_parameter_learns(name, num_classes)


@pytest.mark.parametrize('name', NETWORKS)
def test_trains_on_a_batch_of_one(name):
    contract.check_batch_of_one(name)


@pytest.mark.parametrize('name', NETWORKS)
def test_half_precision_stays_close(name):
    contract.check_half_precision(name)


@pytest.mark.parametrize('name', NETWORKS)
def test_wrong_channels_are_named(name):
    contract.check_wrong_channels(name)


@pytest.mark.parametrize('name', NETWORKS)
def test_windows_of_slide_and_tiles(name):
    contract.check_windows_and_tiles(name)


def test_the_suite_is_whole():
    """A check that is added to the contract is run here as well."""
    checks = {name for name in vars(contract) if name.startswith('check_')}
    assert checks == {check.__name__ for check in contract.CONTRACT}
    assert len(checks) == sum(name.startswith('test_') for name in globals()) - 1
