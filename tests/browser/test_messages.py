"""What the nodes say is at them, in each frontend: the pack keeps it whichever way nodes are drawn."""

import json
import time

import pytest
from hands import document
from pages import EACH_FRONTEND

pytestmark = EACH_FRONTEND

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
    # The older page opens a dialog of it.
    hands.page.wait_for_timeout(500)
    hands.keys("Escape")
    hands.page.locator(".p-dialog-mask").wait_for(state="detached")


TALKATIVE = """async (inside) => {
    const nodes = {}, slot = (node, name) => node.inputs.findIndex((input) => input.name === name);
    const set = (name, values) => {
        for (const [key, value] of Object.entries(values)) {
            nodes[name].widgets.find((widget) => widget.name === key).value = value;
        }
    };
    ["DEIGLoadDemo", "DEIGApply", "DEIGEncode", "EmptyLatentImage", "KSampler", "VAEDecode", "DEIGDrawRegions",
        "PreviewImage"].forEach((type, i) => {
        nodes[type] = LiteGraph.createNode(type);
        nodes[type].pos = [600 + 420 * (i % 4), 500 * Math.floor(i / 4)];
        app.graph.add(nodes[type]);
    });
    nodes.DEIGRegions = app.graph.nodes.find((node) => node.type === "DEIGRegions");
    const link = (from, output, to, input) => nodes[from].connect(output, nodes[to], slot(nodes[to], input));
    link("DEIGLoadDemo", 0, "DEIGApply", "model");
    link("DEIGLoadDemo", 2, "DEIGApply", "adapter");
    link("DEIGLoadDemo", 3, "DEIGEncode", "text_encoder");
    link("DEIGLoadDemo", 1, "VAEDecode", "vae");
    link("DEIGRegions", 0, "DEIGEncode", "regions");
    link("DEIGRegions", 0, "DEIGDrawRegions", "regions");
    link("DEIGApply", 0, "KSampler", "model");
    link("DEIGEncode", 0, "KSampler", "positive");
    link("DEIGEncode", 1, "KSampler", "negative");
    link("EmptyLatentImage", 0, "KSampler", "latent_image");
    link("KSampler", 0, "VAEDecode", "samples");
    link("VAEDecode", 0, "DEIGDrawRegions", "image");
    link("DEIGDrawRegions", 0, "PreviewImage", "images");
    set("EmptyLatentImage", {width: 64, height: 64});
    set("KSampler", {steps: 1, cfg: 9, seed: Math.floor(1e9 * Math.random()), control_after_generate: "fixed"});
    if (inside.length) app.graph.convertToSubgraph(new Set(inside.map((type) => nodes[type])));
    await new Promise((done) => setTimeout(done, 300));
    const history = app.extensionManager.workflow.activeWorkflow.changeTracker;
    (history.captureCanvasState ?? history.checkState).call(history);
    window.deigOver = false;
    app.api.addEventListener("execution_success", () => setTimeout(() => (window.deigOver = true), 300));
    await app.queuePrompt(0, 1);
}"""
AGAIN = """async () => {
    window.deigOver = false;
    app.api.addEventListener("execution_success", () => setTimeout(() => (window.deigOver = true), 300));
    await app.queuePrompt(0, 1);
}"""
WORDS = {
    "DEIGRegions": [
        "Region 2 has no text and is left out",
        "Region 3: box [0.5, 0.5, 1.5, 1] reaches beyond the picture",
    ],
    "DEIGEncode": ["tokens are unknown to the text encoder", "'(blue:1.3)' means nothing to the text encoder"],
    "DEIGDrawRegions": ["This machine has no font for"],
    "KSampler": ["The demo's model knows pictures of 128 x 128 pixels", "made for CFG 3 and this is 9"],
}


def shown(hands):
    """What stands at the nodes, by their type."""
    return hands.page.evaluate(
        """() => Object.fromEntries(app.canvas.graph.nodes.map(({type, subgraph, widgets = []}) =>
            [subgraph ? "subgraph" : type,
                widgets.filter((w) => w.name === "$$node-text-preview").map((w) => String(w.value)).join()]))"""
    )


def missing(hands, words):
    seen = shown(hands)
    return {kind: seen[kind] for kind, texts in words.items() if not all(text in seen[kind] for text in texts)}


def test_what_every_node_says_is_at_it_after_the_run_after_undo_and_after_a_reload_that_keeps_the_regions(hands):
    boxes = [[0, 0, 0.4, 0.4], [0.5, 0, 1, 0.4], [0.5, 0.5, 1.5, 1]]
    # The host does not run nodes again for which nothing has changed, and they say nothing then.
    texts = ["a (blue:1.3) star \U000f0000", "", f"a red circle {time.time_ns()}"]
    hands.start(document([{"box": b, "description": t} for b, t in zip(boxes, texts, strict=True)], 64, 64))
    hands.page.evaluate(TALKATIVE, [])
    hands.page.wait_for_function("window.deigOver", timeout=60000)
    assert missing(hands, WORDS) == {}
    ran = hands.text()
    hands.button("Add a box").click()
    hands.undo()
    assert missing(hands, WORDS) == {}, "the page makes the nodes anew"
    assert hands.text() == ran
    hands.drag((0.2, 0.2), (0.3, 0.3))
    moved = hands.text()
    hands.page.wait_for_timeout(1500)
    hands.reload()
    hands.stage().wait_for(state="visible")
    assert hands.text() == moved != ran
    hands.page.evaluate("(text) => { app.graph.getNodeById(1).widgets[0].value = text }", ran)
    hands.page.evaluate(AGAIN)
    hands.page.wait_for_function("window.deigOver", timeout=60000)
    assert missing(hands, WORDS) == {}, "nodes that need not run again have said it before the page was loaded anew"


INSIDE = ["DEIGRegions", "DEIGEncode", "DEIGApply", "KSampler"]
AT_THE_SUBGRAPH = {
    "subgraph": [text for kind in WORDS if kind in INSIDE for text in WORDS[kind]],
    "DEIGDrawRegions": WORDS["DEIGDrawRegions"],
}
OPEN = """async () => {
    const node = app.canvas.graph.nodes.find(({subgraph}) => subgraph);
    if (node) app.canvas.openSubgraph(node.subgraph, node);
    else app.canvas.setGraph(app.graph);
    await new Promise((done) => setTimeout(done, 500));
}"""
# What nothing is to be said of: the same nodes run once more.
QUIET = """async (text) => {
    const all = app.graph.nodes.flatMap((node) => [node, ...(node.subgraph?.nodes ?? [])]);
    const set = (type, name, value) => {
        const node = all.find((one) => one.type === type);
        node.widgets.find((widget) => widget.name === name).value = value;
    };
    set("DEIGRegions", "regions", text);
    set("EmptyLatentImage", "width", 128);
    set("EmptyLatentImage", "height", 128);
    set("KSampler", "cfg", 3);
}"""


def run_again(hands):
    hands.page.evaluate(AGAIN)
    hands.page.wait_for_function("window.deigOver", timeout=60000)


def test_what_nodes_in_a_subgraph_say_is_at_its_node_and_at_them_once_it_is_open(hands):
    boxes = [[0, 0, 0.4, 0.4], [0.5, 0, 1, 0.4], [0.5, 0.5, 1.5, 1]]
    texts = ["a (blue:1.3) star \U000f0000", "", f"a red circle {time.time_ns()}"]
    hands.start(document([{"box": b, "description": t} for b, t in zip(boxes, texts, strict=True)], 64, 64))
    hands.page.evaluate(TALKATIVE, INSIDE)
    hands.page.wait_for_function("window.deigOver", timeout=60000)
    assert missing(hands, AT_THE_SUBGRAPH) == {}
    within = {kind: WORDS[kind] for kind in WORDS if kind in INSIDE}
    hands.page.evaluate(OPEN)
    assert missing(hands, within) == {}
    hands.page.evaluate(OPEN)
    assert missing(hands, AT_THE_SUBGRAPH) == {}
    hands.page.evaluate(OPEN)
    hands.page.evaluate(
        QUIET, json.dumps(document([{"box": [0, 0, 0.5, 0.5], "description": "a red circle"}], 128, 128))
    )
    run_again(hands)
    assert {kind: text.strip() for kind, text in shown(hands).items() if text.strip()} == {}
    hands.page.evaluate(OPEN)
    assert {kind: text.strip() for kind, text in shown(hands).items() if text.strip()} == {}


# A picture, and the node that shows it plays the part of a sampler: in its first run it is said there what a sampler
# says with Apply DEIG, which is bypassed in the next.
SPOKEN = """async (inside) => {
    const [image, preview] = ["EmptyImage", "PreviewImage"].map((type, i) => {
        const node = LiteGraph.createNode(type);
        node.pos = [600, 300 * i];
        app.graph.add(node);
        return node;
    });
    image.connect(0, preview, 0);
    image.widgets.find(({name}) => name === "color").value = Math.floor(16e6 * Math.random());
    if (inside) app.graph.convertToSubgraph(new Set([image, preview]));
    await new Promise((done) => setTimeout(done, 300));
    window.deigImage = () => app.graph.nodes.flatMap((node) => [node, ...(node.subgraph?.nodes ?? [])])
        .find(({type}) => type === "EmptyImage");
    const {output} = await app.graphToPrompt();
    const [id] = Object.entries(output).find(([, {class_type: type}]) => type === "PreviewImage");
    app.api.addEventListener("execution_start", ({detail}) => {
        app.api.dispatchCustomEvent("deig.said", {prompt_id: detail.prompt_id, node: id, text: "no effect"});
    }, {once: true});
}"""


@pytest.mark.parametrize("inside", [False, True], ids=["alone", "subgraph"])
def test_what_a_node_said_goes_when_it_runs_without_anything_of_ours_and_stays_while_it_is_cached(hands, inside):
    hands.start(document([], 64, 64))
    hands.page.evaluate(SPOKEN, inside)
    kind = "subgraph" if inside else "PreviewImage"

    def run_and_look():
        run_again(hands)
        return shown(hands)[kind].strip()

    assert run_and_look() == run_and_look() == "no effect", "in the second run it is cached"
    hands.page.evaluate("() => void (window.deigImage().widgets.find(({name}) => name === 'color').value ^= 1)")
    assert run_and_look() == ""
    hands.page.evaluate(OPEN)
    assert shown(hands)["PreviewImage"].strip() == ""
