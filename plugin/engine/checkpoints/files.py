"""Reading and replacing checkpoints by hand."""
from plugin.models.weights.files import check_target, read_checkpoint

__all__ = ['check_target', 'read_checkpoint']
