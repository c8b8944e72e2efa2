"""Files that people draw: LabelMe, VIA, CVAT, YOLO and COCO, read and written."""
