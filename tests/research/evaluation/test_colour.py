import numpy as np
import pytest

cv2 = pytest.importorskip("cv2", reason="opencv-python-headless (extra `evaluation`) is not installed")
from research.evaluation.colour import shares  # noqa: E402


def named(*rgb):
    picture = np.full((4, 4, 3), rgb, np.uint8)
    return {name for name, share in shares(picture, np.ones((4, 4), bool)).items() if share == 1}


@pytest.mark.parametrize(
    ("rgb", "names"),
    [
        ((255, 0, 0), {"red"}),
        ((0, 255, 0), {"green"}),
        ((0, 0, 255), {"blue"}),
        ((255, 255, 0), {"yellow"}),
        ((139, 69, 19), {"brown"}),
        ((255, 165, 0), {"brown"}),  # orange
        ((255, 80, 0), {"red", "brown"}),  # dark orange
        ((0, 0, 128), {"blue"}),  # navy
        ((0, 255, 255), {"blue"}),  # cyan
        ((128, 0, 0), {"red"}),  # maroon
        ((128, 0, 128), set()),  # purple
        ((127, 127, 127), set()),
        ((255, 255, 255), {"white"}),
        ((221, 221, 221), {"white"}),
        ((220, 220, 220), set()),
        ((255, 212, 212), {"white"}),  # S 43
        ((255, 211, 211), set()),  # S 44
        ((30, 30, 30), {"black"}),
        ((31, 31, 31), set()),
    ],
)
def test_colours_of_the_ranges(rgb, names):
    assert named(*rgb) == names


def test_shares_are_of_the_mask_alone():
    picture = np.zeros((10, 10, 3), np.uint8)
    picture[:5], picture[5:] = (255, 0, 0), (0, 255, 0)
    mask = np.ones((10, 10), bool)
    assert shares(picture, mask) | {"red": 0.5, "green": 0.5} == shares(picture, mask)
    mask[5:] = False
    assert shares(picture, mask)["red"] == 1
    assert shares(picture, mask)["green"] == 0, "what is outside never counts"
    assert set(shares(picture, np.zeros_like(mask)).values()) == {0.0}, "an empty mask has no colour"


def test_a_mirrored_picture_has_the_same_colours():
    lot = np.random.default_rng(0)
    picture, mask = lot.integers(0, 256, (16, 16, 3), np.uint8), lot.random((16, 16)) < 0.5
    assert shares(picture, mask) == shares(picture[:, ::-1], mask[:, ::-1])
