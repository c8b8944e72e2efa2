"""Boxes and scores for the operators that suppress some of them."""
import torch


def draw_boxes(count: int, seed: int = 0, ties: bool = False) -> tuple[torch.Tensor, torch.Tensor]:
    """Boxes (N, 4) that overlap a good deal, and their scores (N,); with ties, equal ones too."""
    generator = torch.Generator().manual_seed(seed)
    corner, size = (torch.rand(count, 2, generator=generator) for _ in range(2))
    boxes = torch.cat([corner * 90, corner * 90 + size * 60], 1)
    scores = torch.rand(count, generator=generator)
    # round numbers: equal scores, and overlaps of exactly the threshold
    return (boxes.round(), (scores * 8).floor() / 8) if ties else (boxes, scores)
