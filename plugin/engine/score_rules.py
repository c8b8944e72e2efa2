"""Whether a score of this project should rise or fall."""

# whole names: MMEngine looks for parts of names, and IoU is a part of loss_iou
RULES = dict(PA='greater', MPA='greater', FWIoU='greater', IoU='greater', MAE='less', RMSE='less',
             best_MAE='less')


def known_rule(score: str) -> str | None:
    """``'greater'`` or ``'less'``; None for a score that MMEngine knows by its name, or nobody.

    Args:
        score (str): Such as ``MPA``, ``student/PA``, ``IoU.cow`` or ``count/MAE.cow``.
    """
    return RULES.get(score.partition('.')[0].rpartition('/')[2])
