"""The picture behind the boxes: of this workflow and of these regions, never with the boxes drawn over it."""

import json
from pathlib import Path

EXAMPLES = Path(__file__).parents[2] / "example_workflows"
PICTURE = ".deig-picture"
# A preview of the sampler as soon as the run begins, and every picture that the editor shows from then on.
WATCH = """async () => {
    window.deigShown = [];
    const node = app.graph.nodes.find((node) => node.type === "KSampler");
    const canvas = Object.assign(document.createElement("canvas"), {width: 16, height: 16});
    const blob = await new Promise((done) => canvas.toBlob(done));
    app.api.addEventListener("execution_start", ({detail}) => {
        const {prompt_id: run} = detail;
        const more = {blob, displayNodeId: String(node.id), jobId: run, promptId: run};
        setTimeout(() => app.api.dispatchEvent(new CustomEvent("b_preview_with_metadata", {detail: more})), 200);
    }, {once: true});
    const picture = document.querySelector(".deig-picture");
    new MutationObserver(() => deigShown.push(picture.getAttribute("src"))).observe(picture, {attributes: true});
}"""


def test_the_last_result_of_these_regions_and_how_far_the_sampler_is(hands):
    hands.start(None)
    workflow = json.loads((EXAMPLES / "DEIG demo.json").read_text(encoding="utf-8"))
    next(node for node in workflow["nodes"] if node["type"] == "KSampler")["widgets_values"][2] = 1
    hands.page.evaluate("async (workflow) => { await app.loadGraphData(workflow) }", workflow)
    hands.settle()
    assert not hands.page.locator(PICTURE).first.is_visible()
    hands.page.evaluate(WATCH)
    hands.page.evaluate("async () => { await app.queuePrompt(0, 1) }")
    hands.page.wait_for_function("deigShown.some((src) => src?.includes('/view'))", timeout=120000)
    hands.page.wait_for_function("async () => !(await app.api.getQueue()).Running.length", timeout=120000)
    hands.page.wait_for_timeout(500)
    shown = [src for src in hands.page.evaluate("deigShown") if src]
    assert shown[0].startswith("blob:"), "the running sampler's preview"
    assert not [src for src in shown if "boxes" in src], "the picture with the boxes drawn over it"
    assert "DEIG+demo_" in hands.page.locator(PICTURE).first.get_attribute("src")

    # Where the editor of a template is on the screen is the page's affair, and it may lie outside of it.
    hands.page.locator(".deig-pop button", has_text="Compare").dispatch_event("click")
    hands.page.wait_for_function("!document.querySelector('.deig-compare').hidden", timeout=120000)
    images = hands.page.locator(PICTURE)
    with_them, without = (images.nth(i).get_attribute("src") for i in (0, 1))
    assert "DEIG+demo_" in without and without != with_them
    slider = hands.page.locator(".deig-compare input")
    slider.evaluate("(slider) => { slider.value = '0.25'; slider.dispatchEvent(new Event('input')) }")
    assert images.nth(1).evaluate("(image) => image.style.clipPath") == "inset(0px 0px 0px 25%)"

    hands.page.evaluate("async () => { await app.extensionManager.command.execute('Comfy.NewBlankWorkflow') }")
    hands.page.evaluate("() => { app.graph.add(LiteGraph.createNode('DEIGRegions')) }")
    hands.settle()
    assert not hands.page.locator(PICTURE).first.is_visible(), "a new node in a new workflow is empty"
    hands.page.evaluate(
        "async () => { await app.extensionManager.command.execute('Workspace.PreviousOpenedWorkflow') }"
    )
    hands.settle()
    assert "DEIG+demo_" in hands.page.locator(PICTURE).first.get_attribute("src")
    hands.page.evaluate("async () => { await app.extensionManager.command.execute('Comfy.Undo') }")
    hands.page.wait_for_timeout(500)
    assert "DEIG+demo_" in hands.page.locator(PICTURE).first.get_attribute("src")
    hands.page.locator("select[aria-label=Picture]").evaluate(
        "(select) => { select.value = 'none'; select.dispatchEvent(new Event('change')) }"
    )
    assert hands.page.locator(PICTURE).first.evaluate("(image) => image.hidden")
