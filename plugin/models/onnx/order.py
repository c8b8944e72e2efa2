"""The order of the nodes of a graph, which converters of onnxruntime leave to others."""
import heapq
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import onnx


def in_order(graph: 'onnx.GraphProto') -> None:
    """Sort nodes so that each follows those whose outputs it reads, also within its loops.

    Of casts that give the same output the first one stays.

    Args:
        graph (onnx.GraphProto): Is changed.
    """
    nodes, made = [], set()
    for node in graph.node:
        if not (node.op_type == 'Cast' and node.output[0] in made):
            nodes.append(node)
        made.update(node.output)
    maker = {name: place for place, node in enumerate(nodes) for name in node.output}
    needs = [{maker[name] for name in _read_by(node) if name in maker} for node in nodes]
    users: list[list[int]] = [[] for _ in nodes]
    for place, own in enumerate(needs):
        for other in own:
            users[other].append(place)
    left = [len(own) for own in needs]
    ready = [place for place, number in enumerate(left) if not number]
    order = []
    while ready:
        place = heapq.heappop(ready)
        order.append(nodes[place])
        for user in users[place]:
            left[user] -= 1
            if not left[user]:
                heapq.heappush(ready, user)
    del graph.node[:]
    graph.node.extend(order)


def _read_by(node: 'onnx.NodeProto') -> Iterator[str]:
    """Names that a node reads, those of its loops included."""
    yield from node.input
    for attribute in node.attribute:
        if attribute.HasField('g'):
            for inner in attribute.g.node:
                yield from _read_by(inner)
