"""Random animals in random images, and noisy predictions of them."""
import cv2
import numpy as np
import torch
from pycocotools import mask as coco_mask


def ellipse(rng, height, width, largest=90):
    """A mask ``(H, W)`` of an ellipse that may reach over the border."""
    mask = np.zeros((height, width), np.uint8)
    centre = tuple(int(value) for value in rng.uniform(0, (width, height)))
    axes = tuple(int(value) for value in rng.uniform(4, largest, 2))
    cv2.ellipse(mask, centre, axes, rng.uniform(0, 180), 0, 360, 1, -1)
    return mask


def polygons(mask):
    """Outlines of a mask as COCO has them."""
    contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    return [contour.reshape(-1).astype(float).tolist() for contour in contours if len(contour) > 2]


def make_image(rng, number, classes, predictions=20, animals=8):
    """A sample as an evaluator hands it to a metric; its truth has polygons, RLEs and crowds."""
    height, width = (int(value) for value in rng.integers(120, 260, 2))
    masks = [mask for mask in (ellipse(rng, height, width) for _ in range(animals))
             if polygons(mask)]
    instances = []
    for mask in masks:
        crowd = rng.random() < 0.15
        outline = polygons(mask)
        if crowd or rng.random() < 0.3:
            outline = coco_mask.encode(np.asfortranarray(mask))
            outline = dict(outline, counts=outline['counts'].decode())
        code = outline if isinstance(outline, dict) else coco_mask.merge(
            coco_mask.frPyObjects(outline, height, width))
        x, y, wide, high = coco_mask.toBbox(code).tolist()
        instances.append(dict(bbox=[x, y, x + wide, y + high], mask=outline,
                              bbox_label=int(rng.integers(classes)), ignore_flag=int(crowd)))
    found, labels = [], []
    for index in range(predictions):
        if masks and index < 2 * len(masks) and rng.random() < 0.8:
            shift = np.float32([[1, 0, rng.normal(0, 3)], [0, 1, rng.normal(0, 3)]])
            found.append(cv2.warpAffine(masks[index % len(masks)], shift, (width, height)))
            label = instances[index % len(masks)]['bbox_label']
            labels.append(label if rng.random() < 0.8 else int(rng.integers(classes)))
        else:
            found.append(ellipse(rng, height, width))
            labels.append(int(rng.integers(classes)))
    found = np.array(found, np.uint8).reshape(-1, height, width)
    boxes = [cv2.boundingRect(mask) for mask in found]
    boxes = np.array([(x, y, x + wide, y + high) for x, y, wide, high in boxes])
    scores = rng.random(len(found)).round(2)  # some are equal
    return dict(
        img_id=number, img_path=f'images/kühe {number}.jpg', ori_shape=(height, width),
        instances=instances, pred_instances=dict(
            bboxes=torch.tensor(boxes.reshape(-1, 4), dtype=torch.float32),
            scores=torch.tensor(scores, dtype=torch.float32),
            labels=torch.tensor(labels, dtype=torch.int64),
            masks=torch.from_numpy(found).bool()))


def make_images(seed=0, classes=3, count=8, **more):
    """Some images, one without animals, one without predictions, one with neither."""
    rng = np.random.default_rng(seed)
    images = [make_image(rng, 10 + number, classes, **more) for number in range(count)]
    return [*images, make_image(rng, 3, classes, animals=0),
            make_image(rng, 2, classes, predictions=0),
            make_image(rng, 1, classes, animals=0, predictions=0)]


def coco_content(images, names, order=None, first_id=1):
    """The truth of images as a COCO file, its categories in any order."""
    ids = {name: 7 + 3 * number for number, name in enumerate(order or names)}
    annotations = []
    for image in images:
        for instance in image['instances']:
            outline = instance['mask']
            code = outline if isinstance(outline, dict) else coco_mask.merge(
                coco_mask.frPyObjects(outline, *image['ori_shape']))
            annotations.append(dict(
                id=first_id + len(annotations), image_id=image['img_id'],
                category_id=ids[names[instance['bbox_label']]], segmentation=outline,
                area=float(coco_mask.area(code)), bbox=coco_mask.toBbox(code).tolist(),
                iscrowd=instance['ignore_flag']))
    return dict(
        images=[dict(id=image['img_id'], file_name=image['img_path'],
                     height=image['ori_shape'][0], width=image['ori_shape'][1])
                for image in images],
        annotations=annotations,
        categories=[dict(id=number, name=name) for name, number in ids.items()])
