"""A base class for backbones whose batch norms can keep their running statistics."""
from mmengine.model import BaseModule
from torch.nn.modules.batchnorm import _BatchNorm


class NormEvalBackbone(BaseModule):
    """A backbone that keeps the running statistics of its batch norms if ``norm_eval`` is set."""

    norm_eval = False

    def train(self, mode: bool = True) -> 'NormEvalBackbone':
        """Switch the mode; with ``norm_eval`` the batch norms stay in evaluation."""
        super().train(mode)
        if mode and self.norm_eval:
            for module in self.modules():
                if isinstance(module, _BatchNorm):
                    module.eval()
        return self
