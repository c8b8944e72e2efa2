"""U2PL after the logits in the way of its published code, class by class, banks on the CPU.

A peer for time and memory: the same passes over the same sizes in the same order, so what could be
done once is done as often as there.
"""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

LOW_RANK, HIGH_RANK, THRESHOLD, TEMPERATURE = 3, 20, 0.3, 0.5


def _entropy(logits: Tensor) -> Tensor:
    prob = logits.softmax(1)
    return -torch.sum(prob * torch.log(prob + 1e-10), dim=1)


def _percentile(entropy: Tensor, labels: Tensor, percent: float) -> float:
    return np.percentile(entropy[labels != 255].cpu().numpy().flatten(), percent)


def _one_hot(labels: Tensor, num_classes: int) -> Tensor:
    known = labels.clone()
    known[labels == 255] = 0
    return F.one_hot(known, num_classes).permute(0, 3, 1, 2).float()


def published_full_size(student_logits: Tensor, teacher_logits: Tensor, labels: Tensor,
                        alpha: float) -> tuple[Tensor, tuple]:
    """Unsupervised loss, and labels and masks at the size of the features.

    Args:
        student_logits (Tensor): (N, C, h, w) of unlabelled images.
        teacher_logits (Tensor): (2 N, C, h, w) of labelled, then unlabelled images.
        labels (Tensor): (N, H, W) truth.
        alpha (float): Unreliable share in percent.
    """
    number, num_classes = student_logits.shape[:2]
    size, small = labels.shape[1:], teacher_logits.shape[2:]
    with torch.no_grad():
        teacher = F.interpolate(teacher_logits[number:], size, mode='bilinear', align_corners=True)
        pseudo = teacher.softmax(1).max(1)[1]
    student = F.interpolate(student_logits, size, mode='bilinear', align_corners=True)
    target = pseudo.clone()
    with torch.no_grad():
        entropy = _entropy(teacher)
        limit = _percentile(entropy, target, 100 - alpha)
        target[entropy.ge(limit).bool() * (target != 255).bool()] = 255
        weight = target.numel() / torch.sum(target != 255)
    loss = weight * F.cross_entropy(student, target, ignore_index=255)
    with torch.no_grad():
        entropy = _entropy(teacher)
        low = entropy.le(_percentile(entropy, pseudo, alpha)).float() * (pseudo != 255)
        high = entropy.ge(_percentile(entropy, pseudo, 100 - alpha)).float() * (pseudo != 255)
        known = (labels[:, None] != 255).float()
        masks = [F.interpolate(torch.cat((known, mask[:, None])), small) for mask in (low, high)]
        hot = [F.interpolate(_one_hot(label, num_classes), small).long()
               for label in (labels, pseudo)]
    return loss, (*hot, *masks)


class PublishedContrast:
    """The contrastive loss, whose banks are full at the start."""

    def __init__(self, num_classes: int, channels: int, anchors: int, negatives: int,
                 capacity: int, background_capacity: int) -> None:
        self.anchors, self.negatives = anchors, negatives
        self.capacities = [background_capacity] + [capacity] * (num_classes - 1)
        self.banks: list[list[Tensor]] = [[torch.randn(size, channels)] for size in self.capacities]

    def __call__(self, student: Tensor, teacher: Tensor, logits: Tensor, hot_l: Tensor,
                 hot_u: Tensor, low_mask: Tensor, high_mask: Tensor) -> Tensor:
        """Features (2 N, D, h, w), logits (2 N, C, h, w), one-hot labels (N, C, h, w), masks."""
        prob = logits.softmax(1)
        hot = torch.cat((hot_l, hot_u))
        low, high = hot * low_mask, hot * high_mask
        student, teacher = student.permute(0, 2, 3, 1), teacher.permute(0, 2, 3, 1)
        order_l, order_u = (torch.sort(part, 1, True)[1].permute(0, 2, 3, 1)
                            for part in prob.split(len(hot_l)))
        pixels, anchors, centres, present = [], [], [], []
        for c in range(prob.shape[1]):
            of_class = low[:, c].bool()
            pixels.append(student[of_class])
            anchors.append(student[(prob[:, c] > THRESHOLD) * of_class])
            centres.append(teacher[of_class].mean(0, keepdim=True))
            ranked_u = order_u[..., LOW_RANK:HIGH_RANK].eq(c).sum(3).bool()
            ranked_l = order_l[..., :LOW_RANK].eq(c).sum(3).bool()
            ranked = torch.cat((ranked_l * (hot_l[:, c] == 0), ranked_u))
            self._enqueue(c, teacher[(prob[:, c] < 1) * high[:, c].bool() * ranked])
            if of_class.sum() > 0:
                present.append(c)
        if len(present) < 2:
            return 0 * student.sum()
        total = torch.zeros((), device=student.device)
        for place, c in enumerate(present):
            if len(anchors[place]) and len(self.banks[c][0]):
                total = total + self._class_loss(anchors[place], centres[place], c)
            else:
                total = total + 0 * student.sum()
        return total / len(present)

    def _enqueue(self, c: int, keys: Tensor) -> None:
        bank = torch.cat((self.banks[c][0], keys.detach().clone().cpu()))
        self.banks[c][0] = bank[-self.capacities[c]:]

    def _class_loss(self, pool: Tensor, centre: Tensor, c: int) -> Tensor:
        anchors = pool[torch.randint(len(pool), (self.anchors,))].clone()
        with torch.no_grad():
            bank = self.banks[c][0].clone().to(pool.device)
            rows = torch.randint(len(bank), (self.anchors * self.negatives,))
            negatives = bank[rows].reshape(self.anchors, self.negatives, -1)
            keys = torch.cat((centre[None].repeat(self.anchors, 1, 1), negatives), 1)
        alike = torch.cosine_similarity(anchors[:, None], keys, dim=2)
        target = torch.zeros(self.anchors, dtype=torch.int64, device=pool.device)
        return F.cross_entropy(alike / TEMPERATURE, target)
