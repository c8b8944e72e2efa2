"""Small batches for the contrastive loss, whose random choices an oracle can repeat."""
import torch
import torch.nn.functional as F

from plugin.models.semi.contrast import ContrastiveLoss

M, K, D = 6, 5, 4


def make_case(num_classes=5, num_labeled=2, num_unlabeled=2, size=(5, 7), seed=0, ties=False):
    """Images of which labels, logits and masks are at odds, as (dict of tensors)."""
    generator = torch.Generator().manual_seed(seed)
    shape = (num_labeled + num_unlabeled, *size)
    logits = 2 * torch.randn(shape[0], num_classes, *size, generator=generator)
    labels = torch.where(torch.rand(shape, generator=generator) < 0.6, logits.argmax(1),
                         torch.randint(num_classes, shape, generator=generator))
    labels[torch.rand(shape, generator=generator) < 0.2] = 255
    unsure = torch.rand(shape, generator=generator)
    return dict(logits=logits.round() if ties else logits, labels=labels, reliable=unsure < 0.5,
                unreliable=unsure > 0.7, is_labeled=torch.arange(shape[0]) < num_labeled)


def make_batch(seed=0, **options):
    """Everything that ``forward`` asks for."""
    case = make_case(seed=seed, **options)
    generator = torch.Generator().manual_seed(seed + 100)
    shape = (len(case['labels']), D, *case['labels'].shape[1:])
    features = [torch.randn(shape, generator=generator) for _ in range(2)]
    return dict(student_features=features[0].requires_grad_(), teacher_features=features[1],
                teacher_logits=case.pop('logits'), **case)


def make_loss(num_classes=5, **options):
    options = dict(num_anchors=M, num_negatives=K,
                   bank=dict(capacity=500, background_capacity=None), **options)
    return ContrastiveLoss(num_classes, D, **options)


def pick_in_turn(bank):
    """Make the choice of negatives known: of the keys in the order of their first channel."""
    def sample(num_anchors, num_negatives):
        turn = torch.arange(num_anchors * num_negatives).view(num_anchors, num_negatives)
        rows = []
        for c, number in enumerate(bank.filled.tolist()):
            start = int(bank.start[c])
            order = bank.keys[start:start + max(number, 1), 0].argsort()
            rows.append(start + order[(turn * (c + 2)) % max(number, 1)])
        return torch.stack(rows)
    bank.sample = sample


def run(loss, batch, seed=3):
    torch.manual_seed(seed)
    return loss(**batch)


def slow(loss, batch, oracle, seed=3):
    """The oracle's loss with the anchors of :func:`run` and the keys that are in the bank now."""
    torch.manual_seed(seed)
    uniform = torch.rand(loss.num_classes, M).numpy()
    rows = loss.bank.sample(M, K) - loss.bank.start[:, None, None]
    banks = [loss.bank.keys[start:start + number].numpy() for start, number in zip(
        loss.bank.start.tolist(), loss.bank.filled.tolist(), strict=True)]
    arrays = {name: batch[name].detach().numpy() for name in (
        'teacher_features', 'teacher_logits', 'labels', 'reliable', 'is_labeled')}
    return oracle(batch['student_features'].detach().numpy(), *arrays.values(), uniform, banks,
                  rows.numpy(), threshold=loss.threshold, temperature=loss.temperature)


def directions(number, channels=4, seed=0):
    """Features of ``number`` pixels in one image, (1, D, 1, P)."""
    generator = torch.Generator().manual_seed(seed)
    return 3 * torch.randn(1, channels, 1, number, generator=generator)


def keys_of(bank, c):
    """The keys of class ``c``, as a set of rounded tuples."""
    start, number = int(bank.start[c]), int(bank.filled[c])
    return {tuple(round(float(v), 5) for v in row) for row in bank.keys[start:start + number]}


def units(features, mask):
    """The pixels under the mask as a set of rounded tuples of length 1."""
    rows = F.normalize(features.permute(0, 2, 3, 1).flatten(0, 2), dim=1)[mask]
    return {tuple(round(float(v), 5) for v in row) for row in rows}
