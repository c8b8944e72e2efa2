"""Which boxes a detector learns as animals, which as background, and which not at all."""
from .ignore_region_assigner import IgnoreRegionAssigner
from .regions import covered_shares, region_boxes, region_map

__all__ = ['IgnoreRegionAssigner', 'covered_shares', 'region_boxes', 'region_map']
