"""Scores of the validation: whether one should rise or fall, and those that are misspelt."""
import difflib
from collections.abc import Iterable

# whole names: MMEngine looks for parts of names, and IoU is a part of loss_iou
RULES = dict(PA='greater', MPA='greater', FWIoU='greater', IoU='greater', VRand='greater',
             MAE='less', RMSE='less', best_MAE='less', relative='less', skill='greater',
             right='greater')


def known_rule(score: str) -> str | None:
    """``'greater'`` or ``'less'``; None for a score that MMEngine knows by its name, or nobody.

    Args:
        score (str): Such as ``MPA``, ``student/PA``, ``IoU.cow`` or ``count/MAE.cow``.
    """
    return RULES.get(score.partition('.')[0].rpartition('/')[2])


def told_scores(score: str, scores: Iterable[str]) -> str:
    """What to say of a score that a validation does not have.

    Args:
        score (str): The one that was asked for.
        scores (Iterable[str]): Those that there are.
    """
    names = list(scores)
    near = difflib.get_close_matches(score, names, n=1)
    hint = f', did you mean {near[0]}' if near else ''
    return f'the validation has no score {score}{hint}; it has {", ".join(names)}'
