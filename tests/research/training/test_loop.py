"""A run can be killed, divided and continued, and what it leaves behind is whole."""

import multiprocessing
import socket
import time
from dataclasses import replace

import pytest
import torch

pytest.importorskip("diffusers", reason="diffusers is not installed (extra `train`)")
import tiny
from tiny import CONFIG, Examples, features, run, tiny_adapter, tiny_unet

from deig_core.checkpoint.read import load_adapter, read_published
from deig_core.errors import DeigError
from research.training import state
from research.training.batch import BatchCall
from research.training.trainee import Trainee

# Processes of these tests begin with what takes seconds to import.
FORKED = "forkserver" in multiprocessing.get_all_start_methods()
PROCESSES = multiprocessing.get_context("forkserver" if FORKED else "spawn")
PROCESSES.set_forkserver_preload(["research.training.train", "diffusers.models.unets.unet_2d_condition"])


def started(*options, **environment):
    process = PROCESSES.Process(
        target=tiny.main, args=([str(o) for o in options], torch.get_num_threads(), environment)
    )
    process.start()
    return process


def weights(folder):
    found = state.newest(folder / "states")
    return (
        found["step"],
        found["adapter"],
        found["average"]["shadow_params"],
        [m["exp_avg"] for m in found["optimiser"]["state"].values()],
    )


def assert_same(a, b):
    assert a[0] == b[0]
    assert all(torch.equal(a[1][k], b[1][k]) for k in a[1])
    for i in (2, 3):
        assert all(torch.equal(x, y) for x, y in zip(a[i], b[i], strict=True))


def gradients(folder):
    """The clipped gradient of a run's only step: AdamW's first moment is a tenth of it."""
    found = weights(folder)
    assert found[0] == 1
    return [10 * m for m in found[3]]


def test_a_killed_run_goes_on_as_if_nothing_had_happened(tmp_path):
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    config = replace(CONFIG, steps=8, save_every=2, accumulate=2)
    process = started(killed, "--slow", "--steps", 8, "--save-every", 2, "--accumulate", 2)
    until = time.monotonic() + 120
    while not state.states(killed / "states") and time.monotonic() < until and process.is_alive():
        time.sleep(0.02)
    process.kill()
    process.join()
    assert process.exitcode == -9
    reached = state.newest(killed / "states")["step"]
    assert 2 <= reached < 8
    run(whole, config)
    run(killed, config)
    assert_same(weights(whole), weights(killed))
    assert (whole / "adapter.safetensors").stat().st_size == (killed / "adapter.safetensors").stat().st_size


def test_a_run_that_is_out_of_time_saves_and_goes_on(tmp_path):
    class Clock(Examples):
        def __getitem__(self, i):
            reads.append(i)
            return super().__getitem__(i)

    reads = []
    run(tmp_path / "whole")
    run(tmp_path / "parts", until=time.monotonic() - 1, source=Clock())
    assert reads == [] and state.newest(tmp_path / "parts" / "states") is None
    run(tmp_path / "parts", replace(CONFIG, steps=3))
    run(tmp_path / "parts")
    assert_same(weights(tmp_path / "whole"), weights(tmp_path / "parts"))


def test_two_processes_give_the_gradients_of_one(tmp_path):
    # What `accelerate launch` tells its processes, without a third one that only starts these two.
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        both = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free.getsockname()[1])}
    both |= {"ACCELERATE_USE_CPU": "true", "WORLD_SIZE": "2"}
    options = (tmp_path / "two", "--steps", 1, "--batch", 2, "--accumulate", 2)
    processes = [started(*options, **both, RANK=rank, LOCAL_RANK=rank) for rank in "01"]
    for process in processes:
        process.join(240)
        assert process.exitcode == 0
    run(tmp_path / "one", replace(CONFIG, steps=1, batch=8))
    one, two = gradients(tmp_path / "one"), gradients(tmp_path / "two")
    assert sum(float(g.abs().sum()) for g in one) > 0.1
    assert max(float((a - b).abs().max()) for a, b in zip(one, two, strict=True)) < 1e-6


@pytest.mark.parametrize("change", [{"batch": 2, "accumulate": 2}, {"checkpointing": True}, {"workers": 1}], ids=str)
def test_the_gradient_does_not_depend_on_how_it_is_computed(tmp_path, change):
    config = replace(CONFIG, steps=1, batch=4)
    run(tmp_path / "one", config)
    run(tmp_path / "other", replace(config, **change))
    difference = max(
        float((a - b).abs().max())
        for a, b in zip(gradients(tmp_path / "one"), gradients(tmp_path / "other"), strict=True)
    )
    assert difference < 1e-6


def test_brain_floats(tmp_path):
    run(tmp_path / "one", replace(CONFIG, steps=1, batch=4))
    run(tmp_path / "half", replace(CONFIG, steps=1, batch=4, precision="bf16"))
    one, half = (torch.cat([g.flatten() for g in gradients(tmp_path / n)]) for n in ("one", "half"))
    assert 0 < (one - half).norm() < 0.1 * one.norm()


class Blind(Trainee):
    """The fusers see instances that no longer depend on the position net."""

    def ground(self, batch, features, times):
        context, call = super().ground(batch, features, times)
        return context, BatchCall(batch, call._tokens.detach(), self.adapter.config.tokens)


def test_weights_that_stand_still_are_named(tmp_path):
    with pytest.raises(
        DeigError, match=r"After 50 steps these weights have not moved: position_net\.linears\.0\.weight"
    ):
        run(tmp_path, replace(CONFIG, steps=60, batch=1, save_every=100), trainee=Blind)


def test_every_weight_moves_from_shut_gates_and_a_slow_start(tmp_path):
    run(
        tmp_path,
        replace(CONFIG, steps=51, save_every=100, learning_rate=1e-4, warm_up=10_000),
        adapter=tiny_adapter(tiny_unet(), gate=0.0),
    )


@pytest.mark.parametrize("name", ["batch", "accumulate", "most_instances", "save_every", "keep"])
def test_a_setting_below_one_is_refused(name):
    with pytest.raises(DeigError, match=f"{name} is 0, and at least 1 is needed"):
        replace(CONFIG, **{name: 0})


def test_a_loss_that_is_no_number_stops_the_run(tmp_path):
    with pytest.raises(DeigError, match=r"The loss at step 10 is no number: lower learning_rate"):
        run(tmp_path, replace(CONFIG, steps=20, save_every=100), features=lambda texts: features(texts) * torch.nan)


def test_the_result_is_an_adapter_of_the_averaged_weights(tmp_path):
    adapter = run(tmp_path)
    loaded = load_adapter(read_published(tmp_path / "adapter.safetensors"))
    average = state.newest(tmp_path / "states")["average"]["shadow_params"]
    assert loaded.config == adapter.config
    trained = list(adapter.parameters())
    assert all(torch.equal(a, b) for a, b in zip(average, trained, strict=True))
    assert all(torch.equal(a.half(), b) for a, b in zip(trained, loaded.parameters(), strict=True))


def test_pictures_and_curves_go_to_tensorboard(tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    run(
        tmp_path,
        replace(CONFIG, steps=10, batch=1, sample_every=5),
        sampler=lambda adapter: torch.zeros(2, 8, 8, 3, dtype=torch.uint8).numpy(),
    )
    (events,) = tmp_path.rglob("events.out.*")
    seen = EventAccumulator(str(events)).Reload()
    assert [e.step for e in seen.Scalars("loss")] == [10] and [e.step for e in seen.Images("samples")] == [5, 10]


def test_only_the_newest_states_stay_and_half_written_ones_do_not_count(tmp_path):
    for step in (1, 2, 10):
        state.save(tmp_path, step, {"x": torch.ones(1)}, keep=2)
    (tmp_path / "step_000000011.partial").write_bytes(b"half")
    assert [p.name for p in state.states(tmp_path)] == ["step_000000002.pt", "step_000000010.pt"]
    (tmp_path / "step_000000012.pt").write_bytes(b"damaged")
    with pytest.raises(DeigError, match=r"step_000000012\.pt cannot be read .*: delete it"):
        state.newest(tmp_path)
