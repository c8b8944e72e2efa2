"""Second stages of detectors: MMDetection's, with suppression on masks."""
from .mask_nms_heads import CascadeMaskNMSRoIHead, MaskNMSRoIHead

__all__ = ['CascadeMaskNMSRoIHead', 'MaskNMSRoIHead']
