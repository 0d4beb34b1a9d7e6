import pytest
import tiny_clips
import tiny_models


@pytest.fixture(scope="session")
def dino_folder(tmp_path_factory):
    return tiny_models.grounding_dino(tmp_path_factory.mktemp("models") / "dino")


@pytest.fixture(scope="session")
def sam_folder(tmp_path_factory):
    pytest.importorskip("cv2", reason="opencv-python-headless (extra `evaluation`) is not installed")
    return tiny_models.sam(tmp_path_factory.mktemp("models") / "sam")


@pytest.fixture(scope="session")
def clip_folder(tmp_path_factory):
    return tiny_clips.transformers_clip(tmp_path_factory.mktemp("models") / "clip")
