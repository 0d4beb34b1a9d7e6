"""A ragged batch computes what inference computes, and what is drawn depends on the seed and the step alone."""

from dataclasses import replace

import pytest
import torch

pytest.importorskip("diffusers", reason="diffusers is not installed (extra `train`)")
from tiny import CONFIG, Examples, features, tiny_adapter, tiny_unet

from deig_core.call import RowGroup, ground
from deig_core.diffusers_unet.attach import attach
from deig_core.layout.layout import Layout
from deig_core.layout.window import Window
from deig_core.model.extractor import Extractor
from deig_core.regions.document import Region
from deig_core.text.features import TextFeatures
from deig_core.text.grounded import GroundedText
from research.training.batch import Example, collate, mirrored
from research.training.examples import Examples as Drawn
from research.training.trainee import Trainee


@torch.no_grad()
@pytest.mark.parametrize("chosen", [(0, 3, 4, 6), (0, 5), (2,)], ids=["ragged", "none", "one"])
def test_a_batch_is_what_inference_makes_of_its_examples(chosen):
    unet = tiny_unet()
    adapter = tiny_adapter(unet)
    model = Trainee(unet, adapter)
    examples = [Examples()[i] for i in chosen]
    batch, times = collate(examples), torch.tensor([900, 4, 310, 77][: len(chosen)])
    x = torch.randn(batch.latents.shape, generator=torch.Generator().manual_seed(1))
    context, call = model.ground(batch, features(batch.texts), times)
    found = attach(unet, adapter)(x, times, context, call)
    runs = []
    for example in examples:
        prompt, *texts = (TextFeatures.of(f) for f in features([example.caption, *example.descriptions]))
        layout = Layout(tuple(Region(str(i), box) for i, box in enumerate(example.boxes)))
        runs.append(RowGroup(1, GroundedText(prompt, layout, tuple(texts)), Window.whole((8, 8))))
    expected = ground(Extractor(adapter), runs, times.tolist(), torch.device("cpu"))
    assert (context - torch.cat(expected.context())).abs().max() < 1e-5
    assert (found - attach(unet, adapter)(x, times, torch.cat(expected.context()), expected)).abs().max() < 1e-5


def test_pictures_of_two_sizes_make_no_batch():
    with pytest.raises(ValueError, match=r"pictures of one size, and these are \[\(8, 8\), \(8, 16\)\]"):
        collate([Example(torch.zeros(4, 8, 8), ""), Example(torch.zeros(4, 8, 16), "")])


def test_a_mirror_turns_boxes_and_takes_the_mirrored_latent():
    latent = torch.arange(4 * 2 * 2.0).view(4, 2, 2)
    example = Example(latent, "a", ("b",), ((0.125, 0.25, 0.5, 0.75),))
    turned = mirrored(example)
    assert turned.boxes == ((0.5, 0.25, 0.875, 0.75),) and torch.equal(turned.latent, latent.flip(-1))
    encoded = replace(example, mirror=latent + 100)
    assert torch.equal(mirrored(encoded).latent, latent + 100)
    back = mirrored(mirrored(encoded))
    assert back.boxes == example.boxes and torch.equal(back.latent, latent)


class Texts:
    def __init__(self, text):
        self.text = text

    def __len__(self):
        return 1

    def __getitem__(self, i):
        return Example(
            torch.zeros(4, 8, 8),
            "a caption",
            (self.text,) * 3,
            ((0, 0, 0.1, 0.1), (0, 0, 0.5, 0.5), (0.5, 0.5, 0.9, 0.8)),
        )


@pytest.mark.parametrize(
    ("text", "turns"),
    [
        ("a cat", True),
        ("the Left hand", False),
        ("a car on its right", False),
        ("the leftmost", False),
        ("rightwards", False),
        ("anticlockwise", False),
        ("a leftover", True),
    ],
)
def test_pictures_whose_texts_know_sides_are_not_mirrored(text, turns):
    drawn = Drawn(Texts(text), replace(CONFIG, drop=0.0))
    share = sum(drawn[0, step, 0].boxes[0][0] != 0 for step in range(400)) / 400
    assert 0.42 < share < 0.58 if turns else share == 0


def test_a_share_is_dropped_and_the_largest_instances_stay():
    drawn = Drawn(Texts("a cat"), replace(CONFIG, drop=0.1, mirror=False, most_instances=2))
    seen = [drawn[0, step, 0] for step in range(1000)]
    empty = [e for e in seen if not e.boxes]
    assert 60 < len(empty) < 140 and all(e.caption == "" and e.descriptions == () for e in empty)
    assert {e.boxes for e in seen if e.boxes} == {((0, 0, 0.5, 0.5), (0.5, 0.5, 0.9, 0.8))}


def test_places_do_not_depend_on_processes_and_show_every_example_once_an_epoch():
    config = replace(CONFIG, steps=7, batch=2, accumulate=1)
    drawn = Drawn(Examples(), config)
    one = [p for batch in drawn.places(0, 0, 2) for p in batch], [p for batch in drawn.places(0, 1, 2) for p in batch]
    together = sorted((step, place, index) for index, step, place in one[0] + one[1])
    alone = [
        (step, place, index)
        for batch in Drawn(Examples(), replace(config, batch=4)).places(0, 0, 1)
        for index, step, place in batch
    ]
    assert together == alone
    indices = [index for *_, index in alone]
    assert all(sorted(indices[e * 7 : e * 7 + 7]) == list(range(7)) for e in range(4)) and indices[:7] != indices[7:14]
    assert list(drawn.places(3, 0, 2)) == list(drawn.places(0, 0, 2))[3:]


@torch.no_grad()
def test_the_ide_is_kept_out_of_half_precision():
    unet = tiny_unet()
    adapter = tiny_adapter(unet)
    for block in adapter.ide.connector.perceiver_blocks:
        block.mlp.c_fc.bias.fill_(300.0)  # its square is beyond float16
    batch = collate([Examples()[3]])
    model = Trainee(unet, adapter)
    with torch.autocast("cpu", torch.float16):
        context, _ = model.ground(batch, features(batch.texts), torch.tensor([500]))
    torch.testing.assert_close(context, model.ground(batch, features(batch.texts), torch.tensor([500]))[0])
