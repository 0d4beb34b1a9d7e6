"""DEIG Follow Tiles: in each part of a picture, the regions of that part. What other packs do is done here by functions
like theirs; the packs themselves are in test_packs.py.
"""

import pytest
import torch
from graph import CELLS, PIXELS, boxes_of, followed
from parity import pack_module

HALVES = [(0.0, 0.0, 0.5, 1.0), (0.5, 0.0, 1.0, 1.0)]


def changed(a, b):
    return (a - b).abs().max().item()


@pytest.fixture(scope="module")
def text(graph):
    return followed(graph)


def cutting(text, together=False, columns=2):
    """A node that has the model denoise columns of the picture one by one or in one batch, and cuts the ControlNet with
    them, as TiledDiffusion does.
    """
    control = text[0][0][1]["control"]

    def wrapper(apply, arguments):
        x, t, c = arguments["input"], arguments["timestep"], dict(arguments["c"])
        import comfy.utils

        hint = control.cond_hint_original
        hint = comfy.utils.common_upscale(hint, x.shape[-1] * 8, x.shape[-2] * 8, "nearest-exact", "center")
        hint = hint.expand(len(x), -1, -1, -1)
        tiles = list(zip(x.chunk(columns, -1), hint.chunk(columns, -1), strict=True))
        batches = [[torch.cat(both) for both in zip(*tiles, strict=True)]] if together else tiles
        parts = []
        for part, cut in batches:
            control.cond_hint = cut
            control.get_control(part, t, c, 2, c["transformer_options"])
            n = len(part) // len(x)
            parts.append(apply(part, t.repeat(n), **{**c, "c_crossattn": c["c_crossattn"].repeat(n, 1, 1)}))
        return torch.cat([p for part in parts for p in part.chunk(len(part) // len(x))], -1)

    def patch(model):
        model = model.clone()
        model.set_model_unet_function_wrapper(wrapper)
        return model

    return patch


def context_windows(graph, model, dim, **inputs):
    """The host's node over one dimension of the latent; newer hosts ask more."""
    inputs = {
        "context_length": 8,
        "context_overlap": 4,
        "context_schedule": "standard_static",
        "context_stride": 1,
        "closed_loop": False,
        "fuse_method": "pyramid",
        "freenoise": False,
        "dim": dim,
        **inputs,
    }
    known = graph.host.NODE_CLASS_MAPPINGS["ContextWindowsManual"].INPUT_TYPES()
    known = {name: spec for kind in ("required", "optional") for name, spec in known.get(kind, {}).items()}
    defaults = {name: spec[1]["default"] for name, spec in known.items() if len(spec) > 1 and "default" in spec[1]}
    given = {name: value for name, value in {**defaults, **inputs}.items() if name in known}
    return graph.node("ContextWindowsManual", model=model, **given)[0]


def test_a_picture_in_one_piece_is_what_it_was(graph, text, runs):
    model = graph.apply()
    assert torch.equal(graph.sample(model, *text), graph.sample(model, *graph.encode()))
    assert [sum(group.rows for group in groups) for groups in runs] == [2] * 4, "both sides in one call"


@pytest.mark.parametrize("size", [(CELLS, CELLS), (8, 24)])
@pytest.mark.parametrize("together", [False, True])
def test_tiles_cut_inside_a_run(graph, text, runs, together, size):
    one = graph.sample(cutting(text, together)(graph.apply()), *text, steps=1, size=size)
    assert boxes_of(runs) == ([HALVES] if together else [[box] for box in HALVES])
    shown = {r.description for g in runs[0][:2] for part in g.parts for r in g.text.layout.visible(part).regions}
    assert shown == {"a woman in a red hoodie with white stripes", "a boy in a yellow raincoat"}
    assert changed(one, graph.sample(cutting(text)(graph.apply()), *text, steps=1, size=size)) < 1e-3 * one.std()


def test_tiles_of_a_batch_and_of_an_area(graph, text, runs):
    (area,) = graph.node("ConditioningSetArea", conditioning=text[0], width=64, height=128, x=64, y=0, strength=1.0)
    graph.sample(cutting(text)(graph.apply()), area, text[1], steps=1, batch=2)
    parts = [box for call in boxes_of(runs) for box in call]
    assert parts == [(0.5, 0.0, 0.75, 1.0), (0.75, 0.0, 1.0, 1.0)]
    assert {group.rows for groups in runs for group in groups} == {2}


class TestARunForEachTile:
    def tile(self, text, *boxes, size=(PIXELS, PIXELS // 2)):
        """Conditionings whose ControlNets were cut to these parts and resized, as UltimateSDUpscale does."""

        def cut(conditioning):
            values = dict(conditioning[0][1])
            values["control"] = control = values["control"].copy()
            height, width = control.cond_hint_original.shape[-2:]
            parts = [
                control.cond_hint_original[..., int(y0 * height) : int(y1 * height), int(x0 * width) : int(x1 * width)]
                for x0, y0, x1, y1 in boxes
            ]
            resized = [torch.nn.functional.interpolate(part, size, mode="nearest-exact") for part in parts]
            control.cond_hint_original = torch.cat(resized)
            return [[conditioning[0][0], values]]

        return [cut(side) for side in text]

    def test_shows_what_the_cropped_regions_show(self, graph, text, runs):
        crop = {"y": 0, "width": PIXELS // 2, "height": PIXELS, "pad": 0, "scale": 1.0}
        model, size = graph.apply(), (CELLS, CELLS // 2)
        for x, box in zip((0, PIXELS // 2), HALVES, strict=True):
            runs.clear()
            out = graph.sample(model, *self.tile(text, box), size=size)
            assert [sum(group.rows for group in groups) for groups in runs] == [2, 2], "both sides in one call"
            part = graph.node("DEIGCropRegions", regions=graph.regions(), x=x, **crop)[0]
            cropped, whole = (graph.sample(model, *graph.encode(of), size=size) for of in (part, None))
            assert 30 * changed(out, cropped) < changed(out, whole), "but for a quarter of a pixel"

    @pytest.mark.parametrize("where", ["everywhere", "in one tile", "elsewhere in each frame"])
    def test_a_batch_of_tiles_is_the_tiles(self, graph, text, runs, where):
        """Of two pictures in the order of UltimateSDUpscale: the tiles of the first, then those of the second."""
        right = [{"frame": n, "box": [0.6, y, 0.9, y + 0.4]} for n, y in ((0, 0.0), (1, 0.5))]
        region = {"box": [0.6, 0.0, 0.9, 0.4], "description": "a tree"}
        if where != "everywhere":
            text = followed(graph, regions=[region if where == "in one tile" else {**region, "keyframes": right}])
        size, tiles = (CELLS, CELLS // 2), HALVES * 2
        noise = {"samples": torch.zeros(4, 4, *size)}
        both = graph.sample(graph.apply(), *self.tile(text, *tiles), latent=noise)
        assert boxes_of(runs)[0] == [pytest.approx(box, abs=1e-3) for box in tiles]
        assert [group.rows for group in runs[0]] == [4, 4]
        for row, box in enumerate(tiles):
            if where == "elsewhere in each frame":
                text = followed(graph, regions=[{**region, "box": right[row // 2]["box"]}])
            alone = graph.sample(graph.apply(), *self.tile(text, box), latent=noise)
            assert changed(both[row], alone[row]) < 1e-3 * both.std()

    def test_a_tile_may_be_cut_again_inside_its_run(self, graph, text, runs):
        tile = self.tile(text, HALVES[1])
        tile[1][0][1]["control"] = tile[0][0][1]["control"]
        graph.sample(cutting(tile)(graph.apply()), *tile, steps=1, size=(CELLS, CELLS // 2))
        parts = [box for call in boxes_of(runs) for box in call]
        assert parts == [pytest.approx(box, abs=1e-3) for box in ((0.5, 0, 0.75, 1), (0.75, 0, 1, 1))]

    def test_tiles_do_not_stay_behind(self, graph, text):
        model = graph.apply()
        before = graph.sample(model, *text)
        text[0][0][1]["control"].cond_hint = text[0][0][1]["control"].cond_hint_original[..., :512]
        graph.sample(model, *text)
        assert torch.equal(graph.sample(model, *text), before)

    def test_sides_that_say_different_parts_are_refused(self, graph, text):
        left, right = (self.tile(text, box) for box in HALVES)
        with pytest.raises(ValueError, match="different parts"):
            graph.sample(graph.apply(), left[0], right[1])


@pytest.mark.parametrize("dim", [2, 3])
def test_the_hosts_context_windows_need_no_node(graph, runs, dim):
    graph.sample(context_windows(graph, graph.apply(), dim=dim, causal_window_fix=False), *graph.encode(), steps=1)
    spans = [(0.0, 0.5), (0.25, 0.75), (0.5, 1.0)]
    whole = (0.0, 1.0)
    expected = [(whole, span) if dim == 2 else (span, whole) for span in spans]
    assert boxes_of(runs) == [[(x[0], y[0], x[1], y[1])] for x, y in expected]
    runs.clear()
    graph.sample(context_windows(graph, graph.apply(), dim=dim, causal_window_fix=True), *graph.encode(), steps=1)
    starts = [box[3 - dim] * CELLS for (box,) in boxes_of(runs)]
    assert starts == [4 * i - (group.window.size[dim - 2] - 8) for i, (_, group) in enumerate(runs)]


class TestControlNets:
    def control(self, graph, text):
        return graph.node(
            "ControlNetApplyAdvanced",
            positive=text[0],
            negative=text[1],
            control_net=graph.tiny_controlnet(),
            image=torch.rand(1, PIXELS, PIXELS, 3, generator=torch.Generator().manual_seed(0)),
            strength=1.0,
            start_percent=0.0,
            end_percent=1.0,
        )

    def test_before_and_after(self, graph, runs):
        plain = graph.encode(positive=graph.clip(), negative=graph.clip())
        model = graph.apply()
        expected = graph.sample(model, *self.control(graph, plain), steps=1)
        assert changed(expected, graph.sample(model, *plain, steps=1)) > 1e-2
        names = ("positive", "negative")
        after = graph.node("DEIGFollowTiles", **dict(zip(names, self.control(graph, plain), strict=True)))
        before = self.control(graph, graph.node("DEIGFollowTiles", **dict(zip(names, plain, strict=True))))
        for text in (after, before):
            runs.clear()
            assert torch.equal(graph.sample(model, *text, steps=1), expected)
            assert [sum(group.rows for group in groups) for groups in runs] == [2], "both sides in one call"
        follower = before[0][0][1]["control"].previous_controlnet
        runs.clear()
        follower.cond_hint = follower.cond_hint_original[..., :1024]
        graph.sample(model, *before, steps=1, size=(CELLS, CELLS // 2))
        assert boxes_of(runs) == [[pytest.approx(HALVES[0], abs=1e-3)]]

    def test_one_given_to_the_positive_side_alone_still_acts_on_both(self, graph):
        plain = graph.encode(positive=graph.clip(), negative=graph.clip())
        image = torch.rand(1, PIXELS, PIXELS, 3, generator=torch.Generator().manual_seed(0))
        inputs = {"control_net": graph.tiny_controlnet(), "image": image, "strength": 1.0}
        (positive,) = graph.node("ControlNetApply", conditioning=plain[0], **inputs)
        expected = graph.sample(graph.apply(), positive, plain[1], steps=1)
        text = graph.node("DEIGFollowTiles", positive=positive, negative=plain[1])
        assert torch.equal(graph.sample(graph.apply(), *text, steps=1), expected)


class TestWhatCannotFollow:
    def said(self, graph, text, patch):
        with pytest.raises(ValueError) as error:
            graph.sample(patch(graph.apply()), *text, steps=1)
        assert type(error.value).__name__ == "DeigError"
        return str(error.value)

    def test_a_node_that_cuts_no_controlnet(self, graph, text):
        def bands(apply, arguments):
            x, t, c = arguments["input"], arguments["timestep"], arguments["c"]
            return torch.cat([apply(part, t, **c) for part in x.chunk(2, -1)], -1)

        def patch(model):
            model = model.clone()
            model.set_model_unet_function_wrapper(bands)
            return model

        assert "cannot help; remove it" in self.said(graph, text, patch)
        assert "put DEIG Follow Tiles" in self.said(graph, graph.encode(), patch)

    def test_rows_that_do_not_add_up(self, graph, text):
        def twice(apply, arguments):
            x, t, c = arguments["input"], arguments["timestep"], arguments["c"]
            return apply(
                torch.cat([x, x]), torch.cat([t, t]), **{**c, "c_crossattn": c["c_crossattn"].repeat(2, 1, 1)}
            )[:2]

        def patch(model):
            model = model.clone()
            model.set_model_unet_function_wrapper(twice)
            return model

        assert "from 2 to 4 images" in self.said(graph, text, patch)

    def test_windows_in_pieces(self, graph, text):
        looped = {"context_schedule": "standard_uniform", "context_stride": 2, "closed_loop": True}
        said = self.said(graph, text, lambda model: context_windows(graph, model, dim=3, **looped))
        assert "stride 1 and no closed loop" in said

    def test_conditionings_without_regions(self, graph):
        with pytest.raises(ValueError, match="connect those of DEIG Encode"):
            graph.node("DEIGFollowTiles", positive=graph.clip(), negative=graph.clip())


def test_attention_maps_of_tiles_lie_where_the_tiles_lie(graph, text):
    model, recording = graph.node("DEIGRecordAttention", model=graph.apply(), start=0.0, end=1.0)
    latents = [graph.sample(patch(model), *text, steps=1) for patch in (cutting(text), cutting(text, together=True))]
    found = [pack_module(graph.host, "deig_core.maps.recording").Recording.find(recording, x[0])[0] for x in latents]
    assert found[0].regions() == found[1].regions() == [1, 2]
    for region in (1, 2):
        one, both = (maps.mean(region) for maps in found)
        assert one.shape[-2:] == (CELLS, CELLS) and changed(one, both) < 1e-4


class TestFrames:
    MOVING = (
        {"frame": 0, "box": [0.0, 0.0, 0.4, 0.4]},
        {"frame": 3, "box": [0.6, 0.6, 1.0, 1.0]},
    )

    def at(self, frame):
        """The region of MOVING as a still one."""
        return [{"box": [0.2 * frame, 0.2 * frame, 0.4 + 0.2 * frame, 0.4 + 0.2 * frame], "description": "a tree"}]

    @pytest.fixture
    def text(self, graph):
        return graph.encode([{"box": [0, 0, 0.4, 0.4], "description": "a tree", "keyframes": list(self.MOVING)}])

    def test_each_picture_of_a_batch_is_a_frame(self, graph, text):
        model = graph.apply()
        film = graph.sample(model, *text, batch=4)
        for frame in (0, 1, 3):
            still = graph.sample(model, *graph.encode(self.at(frame)), batch=4)
            assert changed(film[frame], still[frame]) < 1e-3 * film.std()
            assert changed(film[2], still[2]) > 1e-2

    def test_a_window_over_frames_shows_its_own(self, graph, text, runs):
        """As AnimateDiff-Evolved says it."""

        def windows(apply, arguments):
            x, t, c = arguments["input"], arguments["timestep"], arguments["c"]
            (cond,) = c["deig"]
            parts = []
            for frames in ([0, 1], [2, 3]):
                options = {**c["transformer_options"], "ad_params": {"sub_idxs": frames}}
                of_frames = {"deig": (cond.process_cond(batch_size=2),), "transformer_options": options}
                parts.append(apply(x[frames], t[frames], **{**c, "c_crossattn": c["c_crossattn"][frames], **of_frames}))
            return torch.cat(parts)

        model = graph.apply()
        expected = graph.sample(model, *text, steps=1, cfg=1.0, batch=4)
        windowed = model.clone()
        windowed.set_model_unet_function_wrapper(windows)
        runs.clear()
        assert changed(graph.sample(windowed, *text, steps=1, cfg=1.0, batch=4), expected) < 1e-3 * expected.std()
        assert [group.frames for groups in runs for group in groups] == [(0, 1), (2, 3)]

    @pytest.mark.parametrize("fix", [False, True])
    def test_the_hosts_windows_over_frames(self, graph, text, runs, fix):
        model = graph.apply()
        expected = graph.sample(model, *text, steps=1, batch=4)
        inputs = {"context_length": 2, "context_overlap": 0, "causal_window_fix": fix}
        windowed = context_windows(graph, model, dim=0, **inputs)
        runs.clear()
        try:
            film = graph.sample(windowed, *text, steps=1, batch=4)
        except RuntimeError:
            pytest.skip("this host's windows over the batch fail, without DEIG too")
        assert changed(film, expected) < 1e-3 * expected.std()
        frames = [group.frames for groups in runs for group in groups if group.text.layout.regions]
        assert frames == [(0, 1), (1, 2, 3) if fix and len(frames[1]) == 3 else (2, 3)]

    def test_drawn_regions_move(self, graph):
        document = graph.regions([{"box": [0, 0, 0.4, 0.4], "description": "", "keyframes": list(self.MOVING)}])
        film = graph.node("DEIGDrawRegions", image=torch.zeros(4, 64, 64, 3), regions=document, texts=False)[0]
        still = graph.node(
            "DEIGDrawRegions", image=torch.zeros(1, 64, 64, 3), regions=graph.regions(self.at(3)), texts=False
        )[0]
        assert changed(film[3], still[0]) == 0 and changed(film[0], still[0]) > 0
