"""The editor is always there: whatever the page does with its element, the live editor is the one on the screen."""

import random

import pytest
from hands import document
from pages import PAGES

TRACKER = "app.extensionManager.workflow.activeWorkflow.changeTracker"
# A node beside the editor's, in a subgraph; what came before is no step that undo could take back.
SURROUNDINGS = """async () => {
    const node = LiteGraph.createNode("DEIGDrawRegions");
    node.pos = [620, 0];
    app.graph.add(node);
    const made = app.graph.convertToSubgraph(new Set([node])).node;
    made.pos = [620, 0];
    await new Promise((done) => setTimeout(done, 500));
    const history = app.extensionManager.workflow.activeWorkflow.changeTracker;
    (history.captureCanvasState ?? history.checkState).call(history);
    history.undoQueue.length = history.redoQueue.length = 0;
    return made.id;
}"""


class Acts:
    """What a person does around an editor; each act ends with the graph on the screen."""

    def __init__(self, hands):
        self.hands = hands
        self.other = hands.page.evaluate(SURROUNDINGS)
        self.all = [self.change, self.undo, self.redo, self.move_another_node, self.collapse, self.visit_subgraph]
        self.all += [self.visit_tab, self.visit_app_mode, self.switch_renderer, self.visit_full_screen]
        if self.setting("Comfy.RightSidePanel.IsOpen") is not None:
            self.all.append(self.visit_properties)

    def run(self, command):
        self.hands.page.evaluate("(id) => app.extensionManager.command.execute(id)", command)

    def setting(self, name, *value):
        if value:
            self.hands.page.evaluate("([name, to]) => app.extensionManager.setting.set(name, to)", [name, *value])
            self.hands.page.wait_for_timeout(600)
        return self.hands.page.evaluate("(name) => app.extensionManager.setting.get(name)", name)

    def steps(self, queue):
        return self.hands.page.evaluate(f"{TRACKER}.{queue}.length")

    def change(self):
        self.hands.button("Add a box").click()

    def undo(self):
        if self.steps("undoQueue"):
            self.hands.undo(lambda: self.run("Comfy.Undo"))

    def redo(self):
        if self.steps("redoQueue"):
            self.hands.redo(lambda: self.run("Comfy.Redo"))

    def move_another_node(self):
        self.hands.page.evaluate("(id) => { app.graph.getNodeById(id).pos[1] += 10 }", self.other)
        self.hands.page.evaluate(f"() => {{ ({TRACKER}.captureCanvasState ?? {TRACKER}.checkState).call({TRACKER}) }}")

    def collapse(self):
        for _ in range(2):
            self.hands.page.evaluate("() => app.canvas.selectItems([app.graph.getNodeById(1)])")
            self.run("Comfy.Canvas.ToggleSelectedNodes.Collapse")
            self.hands.page.wait_for_timeout(300)

    def visit_subgraph(self):
        self.hands.page.evaluate(
            """async (id) => {
                const node = app.graph.getNodeById(id);
                app.canvas.openSubgraph(node.subgraph, node);
                await new Promise((done) => setTimeout(done, 300));
                app.canvas.setGraph(app.graph);
                app.canvas.setDirty(true, true);
            }""",
            self.other,
        )

    def visit_tab(self):
        opened = "app.extensionManager.workflow.activeWorkflow.path"
        own = self.hands.page.evaluate(opened)
        self.run("Comfy.NewBlankWorkflow")
        here = own
        while True:
            self.hands.page.wait_for_function(f"(here) => {opened} !== here", arg=here)
            self.hands.page.wait_for_timeout(300)
            here = self.hands.page.evaluate(opened)
            if here == own:
                break
            self.run("Workspace.PreviousOpenedWorkflow")
        self.hands.page.wait_for_function("app.graph.nodes.length")

    def visit_app_mode(self):
        for _ in range(2):
            self.run("Comfy.ToggleLinear")
            self.hands.page.wait_for_timeout(400)

    def switch_renderer(self):
        for mode in (not self.hands.vue, self.hands.vue):
            self.setting("Comfy.VueNodes.Enabled", mode)

    def visit_full_screen(self):
        self.hands.button("Full screen").click()
        self.hands.page.wait_for_timeout(200)
        self.hands.button("Back to the node").click()

    def visit_properties(self):
        self.hands.page.evaluate("() => app.canvas.selectItems([app.graph.getNodeById(1)])")
        for is_open in (True, False):
            self.setting("Comfy.RightSidePanel.IsOpen", is_open)


def check(hands, done):
    """One editor is on the screen, shows the value and takes a pointer."""
    hands.settle()
    assert hands.page.locator(".deig-stage:visible").count() == 1, done
    assert hands.page.locator(".deig-stage:visible .deig-box").count() == len(hands.regions()), done
    hands.click(0.95, 0.97)
    hands.click(0.15, 0.5)
    assert hands.chosen() == 1, done


@pytest.mark.pages(*PAGES)
def test_the_editor_is_there_after_any_acts(hands, request):
    hands.start(document())
    acts, choose = Acts(hands), random.Random(request.node.callspec.id)
    done = []
    for act in [acts.change, *choose.choices(acts.all, k=3), acts.undo, *choose.choices(acts.all, k=5)]:
        done.append(act.__name__)
        act()
        check(hands, done)
