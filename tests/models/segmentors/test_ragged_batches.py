"""Images of a batch may have any sizes, labelled and unlabelled ones each their own."""
import pytest
import torch

from plugin.models.segmentors.semi_batch import split_batch, strong_views
from tests.helpers.small_semi import (
    METHODS,
    PREPROCESSOR,
    build,
    losses_of,
    ragged_batch,
    without_size,
)


@pytest.mark.parametrize('precision', [torch.float32, torch.bfloat16])
@pytest.mark.parametrize('method', METHODS)
def test_a_step_with_images_of_any_sizes(method, precision):
    model = build(method, without_size())
    for seed in range(6):
        with torch.autocast('cpu', dtype=precision, enabled=precision != torch.float32):
            total, _ = model.parse_losses(losses_of(model, ragged_batch(seed)))
        total.backward()
        assert torch.isfinite(total)
    assert all(torch.isfinite(parameter.grad).all() for parameter in model.student.parameters())


@pytest.mark.parametrize('seed', range(4))
def test_strong_views_are_padded_as_the_images_are(seed):
    model = build('UniMatch', without_size())
    raw = ragged_batch(seed)
    data = model.data_preprocessor(raw, training=True)
    batch = split_batch(inputs=data['inputs'], samples=data['data_samples'])
    views = strong_views(batch, 2, model.data_preprocessor)

    mean, std = (torch.tensor(PREPROCESSOR[key])[:, None, None] for key in ('mean', 'std'))
    for index, view in enumerate(views):
        assert view.shape == batch.images_u.shape
        assert (view[~batch.valid[:, None].expand_as(view)] == 0).all()
        for image, sample in zip(view, raw['data_samples'][2:]):
            own = sample.strong_views.data[3 * index:3 * index + 3].float()
            height, width = own.shape[1:]
            torch.testing.assert_close(image[:, :height, :width], (own - mean) / std)
