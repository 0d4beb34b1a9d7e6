"""What the nodes say is on the screen, in every page."""

import json

import pytest
from hands import document

TEXTS = [
    ("DEIGRegionsFromBoxes", [{"bbox_2d": [64, 48, 320, 240], "label": "a dog"}], "Read as Qwen boxes, xyxy, pixels"),
    ("DEIGRegions", [[0, 0, 100, 100], [50, 50, 50, 80]], "Left out: Region 2: box [50, 50, 50, 80] has x1 <= x0"),
]


def run(hands, node_id, boxes):
    """Queue a graph in which `node_id` gets `boxes` as text."""
    hands.page.evaluate(
        """async ([id, boxes]) => {
            const make = (type, y) => {
                const node = LiteGraph.createNode(type);
                node.pos = [600, y];
                app.graph.add(node);
                return node;
            };
            const slot = (node, name) => node.inputs.findIndex((input) => input.name === name);
            const node = id === "DEIGRegions" ? app.graph.nodes[0] : make(id, 0);
            const source = make("PrimitiveStringMultiline", 300);
            source.widgets[0].value = boxes;
            source.connect(0, node, slot(node, "boxes"));
            const [image, sink, preview] = ["EmptyImage", "DEIGDrawRegions", "PreviewImage"].map((t, i) =>
                make(t, 500 + 200 * i));
            image.connect(0, sink, slot(sink, "image"));
            node.connect(0, sink, slot(sink, "regions"));
            sink.connect(0, preview, 0);
            window.deigAsked = node;
            window.deigFailed = null;
            app.api.addEventListener("execution_error", ({detail}) => (window.deigFailed = detail));
            await app.queuePrompt(0, 1);
        }""",
        [node_id, boxes],
    )


@pytest.mark.parametrize(("node_id", "boxes", "said"), TEXTS, ids=[t[0] for t in TEXTS])
def test_how_boxes_were_read_stands_at_the_node(hands, node_id, boxes, said):
    hands.start(document([], 640, 480))
    run(hands, node_id, json.dumps(boxes))
    hands.page.wait_for_function(
        "(said) => window.deigAsked.widgets.some((w) => String(w.value).includes(said))", arg=said, timeout=60000
    )
    if node_id == "DEIGRegions":
        assert "Read as lists of four" in hands.page.locator(".deig-reading:visible").inner_text()


def test_what_cannot_be_read_is_an_error_at_the_node(hands):
    hands.start(document([], 640, 480))
    run(hands, "DEIGRegionsFromBoxes", '[{"zone": [1, 2, 3, 4], "label": "a dog"}]')
    hands.page.wait_for_function("window.deigFailed?.exception_message", timeout=60000)
    failed = hands.page.evaluate("[window.deigFailed, String(window.deigAsked.id)]")
    assert failed[0]["node_id"] == failed[1] and '"zone" is not a box' in failed[0]["exception_message"]
