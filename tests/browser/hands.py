"""A person's hands on the region editor in the page."""

from __future__ import annotations

import json
import urllib.request

REGIONS = [
    {
        "id": "r1",
        "box": [0.1, 0.1, 0.4, 0.6],
        "description": "a woman in a red hoodie with white stripes",
        "color": "#e6194b",
    },
    {"id": "r2", "box": [0.3, 0.4, 0.7, 0.9], "description": "a boy in a yellow raincoat", "color": "#3cb44b"},
]


def document(regions=REGIONS, width=768, height=512, **more):
    return {"version": 1, "width": width, "height": height, "regions": regions, **more}


# Nothing else limits a promise in a page.
WITHIN_A_MINUTE = """async (given) => {{
    const answer = async () => {{
        const value = ({expression});
        return typeof value === "function" ? value(given) : value;
    }};
    let timer;
    const late = new Promise((_, refuse) => {{
        timer = setTimeout(() => refuse(new Error("the page's promise was not kept within 60 s")), 60000);
    }});
    return Promise.race([answer(), late]).finally(() => clearTimeout(timer));
}}"""


class Hands:
    """A page of a browser's context with one node of the editor. Points are fractions of the picture."""

    def __init__(self, context, server, base):
        self.context, self.server, self.base, self.vue = context, server, base, False
        self.errors: list[str] = []
        self.page = None

    def show(self, vue):
        """Nodes 2.0, or the classic canvas, from an empty start."""
        self.vue = vue
        if self.page:
            self.open()
        else:
            self.new_page()

    def new_page(self):
        """A page in place of the one that there was."""
        if self.page:
            self.page.close()
        self.page = page = self.context.new_page()
        page.set_default_timeout(60000)
        evaluate = page.evaluate
        page.evaluate = lambda expression, arg=None: evaluate(WITHIN_A_MINUTE.format(expression=expression), arg)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on(
            "console",
            lambda line: (
                self.errors.append(line.text)
                if line.type == "error" and "deig" in f"{line.text} {line.location}"
                else None
            ),
        )
        self.open()

    def answers(self):
        """Whether the page still draws and reckons, within 20 s."""
        try:
            self.page.wait_for_function("true", timeout=20000)
        except Exception:  # whatever it is that ails it
            return False
        return True

    def open(self):
        settings = {
            "Comfy.VueNodes.Enabled": self.vue,
            "Comfy.TutorialCompleted": True,
            "Comfy.Workflow.WarnBlueprintOverwrite": False,
            # What only costs time here: pictures of the graph and rows of tabs that nobody looks at.
            "Comfy.Minimap.Visible": False,
            "Comfy.Workflow.WorkflowTabsPosition": "Sidebar",
            "LiteGraph.Canvas.MaximumFps": 30,
        }
        self.post("/api/settings", settings)
        # Without the tabs of earlier tests, which the page would open one after the other.
        self.page.goto("about:blank")
        where = {"origin": self.server.url, "storageTypes": "local_storage,indexeddb"}
        self.context.new_cdp_session(self.page).send("Storage.clearDataForOrigin", where)
        self.page.goto(self.server.url, wait_until="commit")
        self.ready()

    def reload(self):
        self.page.reload(wait_until="commit")
        self.ready()

    def ready(self):
        """Wait for the page's own first workflow too: a slow page opens it over one that was loaded before."""
        self.page.wait_for_function(
            """() => window.LiteGraph?.registered_node_types?.DEIGRegions
                && window.app?.extensionManager?.workflow?.activeWorkflow?.changeTracker""",
            timeout=120000,
        )
        self.page.wait_for_timeout(1500)

    def post(self, path, value):
        request = urllib.request.Request(
            self.server.url + path, json.dumps(value).encode(), {"Content-Type": "application/json"}
        )
        urllib.request.urlopen(request, timeout=30).read()

    def start(self, *documents, scale=1.0, size=None):
        """A fresh workflow with a node for each document; ids are 1, 2, ..."""
        if self.page.locator(".deig-full").count():
            self.button("Back to the node").click()
        self.page.evaluate(
            """async ([documents, scale, size]) => {
                localStorage.removeItem("deig.editor");
                // A workflow without the renderer's name is laid out anew at every undo, which is a step of its own.
                const workflowRendererVersion = LiteGraph.vueNodesMode ? "Vue" : "LG";
                await app.loadGraphData({last_node_id: 0, last_link_id: 0, nodes: [], links: [], groups: [], config: {},
                    extra: {ds: {scale, offset: [120 / scale, 90 / scale]}, workflowRendererVersion}, version: 0.4});
                // In the next frame a page may choose another part of the graph to show.
                for (let i = 0; i < 2; i++) await new Promise(requestAnimationFrame);
                documents.forEach((text, i) => {
                    const node = LiteGraph.createNode("DEIGRegions");
                    node.pos = [i * 560, 0];
                    app.graph.add(node);
                    if (size) node.setSize(size);
                    if (text !== null) node.widgets[0].value = text;
                });
                Object.assign(app.canvas.ds, {scale, offset: [120 / scale, 90 / scale]});
                app.canvas.setDirty(true, true);
            }""",
            [[d if d is None or isinstance(d, str) else json.dumps(d) for d in documents], scale, size],
        )
        self.stage().wait_for(state="visible")
        self.capture()

    def capture(self):
        """Let undo begin here, once the page is at rest: it gives new nodes their heights a few frames later, which
        would be a step of its own.
        """
        self.settle()
        self.page.evaluate(
            """() => {
                const history = app.extensionManager.workflow.activeWorkflow.changeTracker;
                (history.captureCanvasState ?? history.checkState).call(history);
            }"""
        )

    def settle(self):
        """Wait until the page has laid itself out: every stage stands still for a third of a second from now on."""
        self.page.evaluate("() => { window.deigSeen = {} }")
        try:
            self.page.wait_for_function(
                """() => {
                    const stages = [...document.querySelectorAll(".deig-stage")];
                    const now = JSON.stringify(stages.map((s) => s.getBoundingClientRect()));
                    const seen = (window.deigSeen ??= {});
                    if (seen.at !== now || !stages.length) Object.assign(seen, {at: now, since: performance.now()});
                    return stages.length > 0 && performance.now() - seen.since > 350;
                }""",
                polling=50,
            )
        except Exception as error:
            page = """() => ({nodes: app.graph.nodes.map((node) => `${node.id} ${node.type} ${node.size}`),
                steps: app.extensionManager.workflow.activeWorkflow.changeTracker.undoQueue.length,
                slots: document.querySelectorAll("deig-slot").length, stages: window.deigSeen.at})"""
            raise AssertionError(f"the page does not come to rest: {self.page.evaluate(page)}") from error

    def stage(self, index=0):
        return self.page.locator(".deig-stage:visible").nth(index)

    def text(self, node=1):
        return self.page.evaluate(
            "(id) => app.graph.getNodeById(id).widgets.find((w) => w.name === 'regions').value", node
        )

    def document(self, node=1):
        value = self.text(node)
        assert isinstance(value, str), f"the widget's value must be JSON text, got {value!r}"
        return json.loads(value)

    def regions(self, node=1):
        return self.document(node)["regions"]

    def pixels(self, index=0, node=1):
        """x0, y0, x1, y1 of a region in whole pixels."""
        d = self.document(node)
        box = d["regions"][index]["box"]
        return [round(v * (d["width"], d["height"])[i % 2]) for i, v in enumerate(box)]

    def at(self, x, y, index=0):
        rect = self.stage(index).bounding_box()
        return rect["x"] + x * rect["width"], rect["y"] + y * rect["height"]

    def keys(self, *names):
        for name in names:
            self.page.keyboard.press(name)
            self.pause()

    def pause(self):
        """Longer than the 50 ms within which newer pages take two changes for one step of undo, by the page's clock: a
        page that is behind has not begun to count when ours is over.
        """
        self.page.evaluate("new Promise((done) => setTimeout(done, 80))")

    def click(self, x, y, *modifiers, index=0):
        self.drag((x, y), *modifiers, index=index)

    def drag(self, *points_and_modifiers, index=0, release=True):
        points = [p for p in points_and_modifiers if isinstance(p, tuple)]
        modifiers = [p for p in points_and_modifiers if isinstance(p, str)]
        mouse = self.page.mouse
        places = [self.at(*p, index=index) for p in points]
        for name in modifiers:
            self.page.keyboard.down(name)
        mouse.move(*places[0])
        mouse.down()
        for place in places[1:]:
            mouse.move(*place, steps=2)
        if release:
            mouse.up()
        for name in reversed(modifiers):
            self.page.keyboard.up(name)

    def plain(self):
        """Without attraction, so that the pixels follow from the pointer alone."""
        self.button("Snap").click()
        assert self.button("Snap").get_attribute("aria-pressed") == "false"

    def chosen(self):
        return self.page.locator(".deig-box.chosen").count()

    def undo(self, press=None):
        self.travel("redoQueue", press or (lambda: self.page.keyboard.press("Control+z")))

    def redo(self, press=None):
        self.travel("undoQueue", press or (lambda: self.page.keyboard.press("Control+y")))

    def travel(self, grows, press):
        """The page undoes a frame after the key and then loads the whole graph, which takes seconds under load."""
        tracker = "app.extensionManager.workflow.activeWorkflow.changeTracker"
        before = self.page.evaluate(f"{tracker}.{grows}.length")
        press()
        self.page.wait_for_function(
            f"(before) => {tracker}.{grows}.length > before && !{tracker}._restoringState", arg=before
        )
        self.settle()

    def button(self, name):
        """A button of the toolbar or of the chosen row by the beginning of its name."""
        return self.page.locator(f"[aria-label^='{name}']:visible").first

    def prompt(self):
        """What the page would send to Python."""
        return self.page.evaluate("async () => (await app.graphToPrompt()).output")

    def said(self):
        """All that the editor says anywhere."""
        places = self.page.locator(".deig-status > span, .deig-said, .deig-reading")
        return [text for text in places.all_inner_texts() if text]

    def message(self):
        """What the editor says, below the picture or in the panel that is open."""
        return " ".join(self.page.locator(".deig-status > span, .deig-said:visible").all_inner_texts()).strip()
