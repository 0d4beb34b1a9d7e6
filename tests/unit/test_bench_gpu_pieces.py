"""The pieces of the GPU bench that a CPU does not reach, with a stand-in for the device."""

import contextlib
import math
import threading
import time
import warnings
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch

from deig_core.attention.sdpa import sdpa
from deig_core.attention.triton import policy
from deig_core.checkpoint.base_unet import sd1_unet_shapes
from deig_core.model.config import SD1_FUSERS
from research.bench.gpu import cases, clock, environment, launches, prove, rivals, speed, threads, tune, whole
from research.bench.gpu.part import Part
from research.bench.gpu.rivals import Shape

CPU, CUDA = torch.device("cpu"), torch.device("cuda", 0)


@pytest.fixture(autouse=True)
def _no_gradients():
    with torch.no_grad():
        yield


class Listener(list):
    def part(self, device=CPU, seconds=600.0, tiny=True):
        return Part(device, tiny, time.time() + seconds, self.append)

    def of(self, kind):
        return [payload for found, payload in self if found == kind]


@pytest.fixture
def heard():
    return Listener()


@pytest.fixture
def card(monkeypatch):
    """torch.cuda as far as the clock knows it; `calls` records what was asked of it."""
    state = SimpleNamespace(calls=[], now=0.0, recording=None, refuse=False)

    class Event:
        def __init__(self, enable_timing):
            assert enable_timing

        def record(self):
            self.at = state.now

        def synchronize(self):
            state.calls.append("event waited")

        def elapsed_time(self, other):
            return (other.at - self.at) * 1000

    class Graph:
        def __init__(self):
            self.work = []

        def replay(self):
            state.calls.append("replay")
            state.now += sum(self.work)

    @contextlib.contextmanager
    def recording(graph, capture_error_mode):
        assert capture_error_mode == "thread_local"
        state.recording = graph
        try:
            yield
        finally:
            state.recording = None

    def spend(seconds):
        """A kernel of so many seconds, launched or recorded."""
        if state.recording is None:
            state.now += seconds
        elif state.refuse:
            raise RuntimeError("operation not permitted when stream is capturing\nand more")
        else:
            state.recording.work.append(seconds)

    state.spend = spend
    fakes = {
        "Event": Event,
        "CUDAGraph": Graph,
        "graph": recording,
        "Stream": lambda: SimpleNamespace(wait_stream=lambda other: None),
        "current_stream": lambda: SimpleNamespace(wait_stream=lambda other: None),
        "stream": lambda stream: contextlib.nullcontext(),
        "synchronize": lambda: state.calls.append("synchronize"),
        "is_available": lambda: True,
        "empty_cache": lambda: state.calls.append("emptied"),
    }
    for name, fake in fakes.items():
        monkeypatch.setattr(torch.cuda, name, fake)
    return state


def test_calls_are_recorded_until_they_fill_a_measurement_and_replayed(card):
    made = clock.prepared(lambda: card.spend(0.002), CUDA)
    assert (made.calls, made.why_not) == (round(clock.AIM / 0.002), "")
    before = card.now
    found = clock.rounds_of({"a": made, "b": clock.prepared(lambda: card.spend(0.1), CUDA)}, CUDA, 3)
    assert found == {"a": [pytest.approx(0.002)] * 3, "b": [pytest.approx(0.1)] * 3}
    assert card.calls.count("replay") == 8 and card.now - before > 4 * (0.008 + 0.1)  # the first round does not count
    assert clock.ratio_of(found["a"], found["b"]).value == pytest.approx(0.02)
    assert clock.prepared(lambda: card.spend(1e-7), CUDA).calls == clock.MOST_CALLS
    assert clock.one_by_one(lambda: card.spend(0.5), CUDA, 2) == [pytest.approx(0.5)] * 2


def test_what_cannot_be_recorded_is_launched_and_said(card):
    card.refuse = True
    made = clock.prepared(lambda: card.spend(0.004), CUDA)
    assert made.calls == 2 and made.why_not == "RuntimeError: operation not permitted when stream is capturing"
    assert clock.rounds_of({"a": made}, CUDA, 1) == {"a": [pytest.approx(0.004)]} and "replay" not in card.calls


def test_a_call_that_does_not_run_is_a_reason_unless_the_device_is_gone(card, monkeypatch):
    def too_large():
        raise torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB.\nGPU 0")

    assert (
        clock.attempt(lambda: clock.prepared(too_large, CUDA))
        == "OutOfMemoryError: CUDA out of memory. Tried to allocate 20.00 GiB."
    )
    assert "emptied" in card.calls

    def gone():
        raise RuntimeError("CUDA error: an illegal memory access was encountered")

    monkeypatch.setattr(torch.cuda, "synchronize", gone)
    with pytest.raises(RuntimeError, match="illegal memory access"):
        clock.attempt(lambda: clock.prepared(too_large, CUDA))


def test_kernels_are_compiled_side_by_side(card, monkeypatch):
    monkeypatch.setattr(threads.torch, "zeros", lambda *_, **__: None)
    both, ran, hang = threading.Barrier(2, timeout=20), [], threading.Event()

    def meets():
        both.wait()
        ran.append(threading.get_ident())

    def fails():
        raise ValueError("no such tile\nat all")

    monkeypatch.setattr(threads.os, "cpu_count", lambda: 4)
    assert threads.in_threads([lambda: ran.append(0), meets, meets, fails], CUDA, 30) == [
        None,
        None,
        None,
        "ValueError: no such tile",
    ]
    assert ran[0] == 0 and len(set(ran)) == 3
    assert threads.in_threads([lambda: None, lambda: hang.wait(20)], CUDA, 0.1) == [None, threads.LATE]
    hang.set()
    assert threads.in_threads([fails], torch.device("cpu"), 1) == [None]  # there is no compiler there


def test_kernels_waits_and_reads_are_told_apart():
    events = [
        ("aten::mm", False),
        ("cudaLaunchKernel", False),
        ("cuLaunchKernelEx", False),
        ("sm90_xmma_gemm", True),
        ("masked_attention_forward", True),
        ("Memset (Device)", True),
        ("Memcpy DtoD (Device -> Device)", True),
        ("cudaMemcpyAsync", False),
        ("aten::item", False),
        ("aten::_local_scalar_dense", False),
        ("Memcpy DtoH (Device -> Pageable)", True),
        ("cudaStreamSynchronize", False),
        ("Memcpy HtoD (Pageable -> Device)", True),
        ("cudaStreamSynchronize", False),
        ("cudaDeviceSynchronize", False),
        ("cudaLaunchKernelOfAnother", False),
    ]
    found = launches.of_events(events)
    assert (found.kernels, found.waits) == (2, 2)
    assert found.others == {"aten::item": 1, "aten::_local_scalar_dense": 1, "Memcpy DtoH": 1, "Memcpy HtoD": 1}
    assert found.note() == "1 Memcpy DtoH, 1 Memcpy HtoD, 1 aten::_local_scalar_dense, 1 aten::item"
    assert launches.of_events(e for e in events if not e[1]).kernels == 2  # a profiler that cannot see the device


def test_places_at_which_torch_synchronises_are_named(monkeypatch):
    modes = []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "set_sync_debug_mode", modes.append)
    with launches._warned() as places:
        warnings.warn(
            "Synchronization debug mode is a prototype feature and does not yet detect all synchronizing operations",
            stacklevel=1,
        )
        for _ in range(3):
            warnings.warn("called a synchronizing CUDA operation", stacklevel=1)
    assert modes == ["warn", "default"] and list(places.values()) == [3]
    assert next(iter(places)).startswith("test_bench_gpu_pieces.py:")


def test_launches_of_a_call_on_a_cpu():
    found = launches.launches(lambda: torch.ones(3).sum().item())
    assert found.kernels == found.waits == 0 and found.others["aten::item"] == 1


def test_a_card_is_described_whatever_torch_says_of_it(monkeypatch):
    card = SimpleNamespace(name="NVIDIA X", major=9, minor=0, total_memory=80 * 2**30, multi_processor_count=132)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda device: card)
    monkeypatch.setattr(environment, "_driver_from_library", lambda: None)
    monkeypatch.setattr(environment, "_driver_from_kernel", lambda: None)
    found = environment.environment(CUDA)
    assert (found["card"], found["compute capability"], found["memory"], found["driver"]) == (
        "NVIDIA X",
        "9.0",
        "80 GiB",
        "unknown",
    )
    assert found["shared memory of a block"] == "unknown"
    card.shared_memory_per_block_optin = 232448
    assert environment.environment(CUDA)["shared memory of a block"] == "227 KB"


def test_the_driver_is_asked_of_its_library_then_of_the_kernel(tmp_path, monkeypatch):
    class Library:
        def nvmlInit_v2(self):
            return 0

        def nvmlSystemGetDriverVersion(self, text, size):
            assert size == 96
            text.value = b"580.159.04"
            return 0

    with monkeypatch.context() as patch:
        patch.setattr(environment.ctypes, "CDLL", lambda name: Library())
        assert environment.driver() == "580.159.04"
        patch.setattr(Library, "nvmlInit_v2", lambda self: 9)
        assert environment._driver_from_library() is None
    file = tmp_path / "version"
    for text in (
        "x86_64 Kernel Module  580.95.05  Tue Sep 23",
        "Open Kernel Module for x86_64  580.95.05  Release Build",
    ):
        file.write_text(f"NVRM version: NVIDIA UNIX {text}\nGCC version: 12.2", encoding="utf-8")
        assert environment._driver_from_kernel(file) == "580.95.05"
    assert environment._driver_from_kernel(tmp_path / "none") is None
    assert environment._driver_from_library("libno-such-thing.so.1") is None


# What is compared is the same function, and what is wrong is seen.


def test_the_rivals_compute_the_same():
    masked = Shape(8, 16, 3, torch.float32, heads=2).call(CPU)
    right = prove.dense(masked)
    calls = rivals.exact(masked)
    assert list(calls) == ["sdpa", "widened", "mask"]
    for call in calls.values():
        torch.testing.assert_close(call(), right)
    plain = torch.nn.functional.scaled_dot_product_attention(masked.q, masked.k, masked.v)
    for call in rivals.unmasked(masked).values():
        torch.testing.assert_close(call(), plain)


def test_every_head_size_dtype_and_number_of_regions_is_proved():
    every = list(cases.cases(False))
    drawn = {(c.dtype, c.dim, c.count) for c in every}
    assert drawn >= {
        (dtype, dim, count) for dtype in prove.LIMITS for dim in (40, 80, 160, 64, 128, 256) for count in (1, 5, 64)
    }
    for name, values in (
        ("layout", cases.LAYOUTS),
        ("bias", cases.BIASES),
        ("words", cases.WORDS[:4]),
        ("grid", cases.GRIDS),
    ):
        assert {getattr(c, name) for c in every} >= set(values), name
    assert {(c.token_batch, c.member_batch) for c in every} == {(1, 1), (1, 2), (2, 1), (2, 2)}
    # As the fuser leaves them: heads side by side in a row.
    q = every[0].call(CPU).q
    assert q.stride(-2) == q.shape[1] * q.shape[3]


@pytest.mark.parametrize(
    "wrong, words",
    [
        (lambda call: sdpa(call).index_fill_(2, torch.tensor([3]), math.nan), "inf over all"),
        (
            lambda call: sdpa(replace(call, members=call.members.index_fill(1, torch.tensor([2]), 1))),
            "of the worst cell",
        ),
        (lambda call: sdpa(call) + 1e-3 * torch.rand(()), "over all"),
        (lambda call: 1 / 0, "ZeroDivisionError: division by zero"),
    ],
)
def test_a_wrong_implementation_fails_the_proof(heard, monkeypatch, wrong, words):
    monkeypatch.setattr(prove, "implementations", lambda case, device: {"sdpa": sdpa, "the wrong one": wrong})
    monkeypatch.setattr(prove, "cases", lambda tiny: [cases.Case(torch.float32, 40, 5, (3, 5), words="sparse")])
    with pytest.raises(AssertionError, match="1 proofs failed; the first: the wrong one, fp32"):
        prove.run(heard.part())
    rows = {(row["group"][:5], row["name"]): row["met"] for row in heard.of("row")}
    assert (
        rows["error", "sdpa, fp32"]
        and rows["the s", "sdpa, fp32"]
        and False in (rows["error", "the wrong one, fp32"], rows["the s", "the wrong one, fp32"])
    )
    ((_, text),) = heard.of("text")
    assert words in text


def test_a_kernel_that_gives_two_results_fails_the_proof(heard, monkeypatch):
    monkeypatch.setattr(
        prove,
        "implementations",
        lambda case, device: {"triton": lambda call: sdpa(call) * (1 + 1e-7 * torch.randint(1, 9, ()))},
    )
    monkeypatch.setattr(prove, "cases", lambda tiny: [cases.Case(torch.float32, 40, 5, (3, 5))])
    torch.manual_seed(0)
    with pytest.raises(AssertionError, match="a second run gave another result"):
        prove.run(heard.part())


def test_the_proof_says_what_it_had_no_time_for(heard):
    prove.run(heard.part(seconds=-1.0))
    assert heard.of("left out") == [
        f"{len(list(cases.cases(True)))} of {len(list(cases.cases(True)))} cases of the proof"
    ]


def kernel(monkeypatch, of_tile=lambda tile, call: sdpa(call)):
    """Another attention in the kernel's place, which a CPU can run."""
    for module in (speed, tune):
        monkeypatch.setattr(module, "kernel_runs", lambda device, dtype: True)
    monkeypatch.setattr(tune, "_launched", lambda call, tile: of_tile(tile, call))


def test_tiles_that_do_not_run_or_are_wrong_are_skipped_and_counted(heard, monkeypatch):
    def of_tile(tile, call):
        if tile == (16, 16, 4, 1):
            raise type("OutOfResources", (Exception,), {})("out of resource: shared memory, Required: 300000")
        return sdpa(call) * (1.1 if tile == (32, 16, 4, 1) else 1.0)

    kernel(monkeypatch, of_tile)
    tune.run(heard.part())
    (row,) = heard.of("row")
    assert row["note"].startswith("(128, 64, 4, 3) / (128, 64, 4, 3)") and row["note"].endswith(
        "1 tiles measured, skipped: 1 WrongResult, 1 OutOfResources"
    )
    ((_, text),) = heard.of("text")
    assert "(16, 16): (128, 64, 4, 3)," in text


def test_a_tile_that_is_faster_wins(heard, monkeypatch):
    kernel(monkeypatch)
    times = {(128, 64, 4, 3): 2.0, (32, 16, 4, 1): 1.97, (16, 16, 4, 1): 1.0}
    monkeypatch.setattr(tune, "_medians", lambda works, device, rounds: {tile: times[tile] for tile in works})
    tune.run(heard.part())
    assert "(16, 16): (16, 16, 4, 1)," in heard.of("text")[0][1] and heard.of("row")[0]["value"] == 0.5
    times[16, 16, 4, 1] = 3.0  # what is left is within the noise
    tune.run(heard.part())
    assert "(16, 16): (128, 64, 4, 3)," in heard.of("text")[1][1]


@pytest.mark.parametrize("shared", [0, 64, 99, 163, 227])
@pytest.mark.parametrize("width", [16, 48, 64, 80, 128, 160, 256])
def test_every_width_has_tiles_worth_trying(width, shared):
    for bits in (16, 32):
        found = tune.candidates(width, bits, shared)
        assert 5 <= len(found) <= 40 and len(set(found)) == len(found)
        assert all(max(tile[:2]) <= 256 and not math.log2(tile[0]) % 1 for tile in found)


def test_every_width_of_the_proof_is_tuned_at_both_sizes():
    shapes = list(tune._widths(False))
    assert {(s[0].dim, s[0].dtype) for s in shapes} == {
        (d, t) for d in cases.DIMS for t in (torch.float16, torch.float32)
    }
    assert [(s.side, s.dim) for s in shapes[0]] == [(64, 40), (128, 40)]


def test_auto_is_judged_by_what_is_fastest(heard, monkeypatch):
    shape = Shape(8, 16, 5, torch.float16)
    monkeypatch.setattr(policy, "suits", lambda q: True)
    times = {"triton": [1.0, 1.0, 1.0], "sdpa": [2.0, 2.0, 2.0], "flash": [0.98, 0.99, 1.0], "mask": [4.0, 1.9, 2.2]}
    assert speed._compared(heard.part(), shape, times, {})[0] == [
        str(shape),
        "triton",
        "1.00 s",
        "triton",
        "1.00 s",
        "yes",
    ]
    rows = {row["group"]: row for row in heard.of("row")}
    assert (
        rows["the kernel / unmasked flash attention"]["met"]
        and rows["the kernel / torch's attention with a dense mask"]["met"]
    )
    times["triton"] = [3.0, 3.0, 3.0]
    assert speed._compared(heard.part(), shape, times, {"flash": "no"})[0][1:] == [
        "sdpa",
        "2.00 s",
        "triton",
        "3.00 s",
        "no: 1.50 x",
    ]
    assert [row["note"] for row in heard.of("row") if row["note"].endswith("launched one by one: no")]
    del times["triton"]
    assert speed._compared(heard.part(), shape, times, {})[0][-1] == "no: it did not run"


def test_what_is_out_of_memory_is_noted_and_the_others_are_measured(heard, monkeypatch):
    def mask(*_):
        raise torch.cuda.OutOfMemoryError("CUDA out of memory.")

    monkeypatch.setattr(speed, "exact", lambda c: {"triton": lambda: sdpa(c), "sdpa": lambda: sdpa(c), "mask": mask})
    (line,) = speed._measured(heard.part(), Shape(4, 8, 2, torch.float32), 1)
    assert line[3] == "sdpa" and len(heard.of("row")) == 3
    assert heard.of("note") == [
        "fp32, 4 x 4, d = 8, 2 regions: torch's attention with a dense mask could not run "
        "(OutOfMemoryError: CUDA out of memory.)."
    ]


def test_a_piece_that_fails_is_named_and_the_others_go_on(heard):
    part = heard.part()
    part.piece("a good one", lambda: part.note("done"))
    part.piece("a bad one", lambda: 1 / 0)
    part.piece("another", lambda: part.note("done too"))
    assert part.failed == ["a bad one"] and heard.of("note") == ["done", "done too"]
    ((title, text),) = heard.of("text")
    assert title == "a bad one failed" and "ZeroDivisionError" in text


def test_a_whole_step_has_its_real_size_and_reads_no_value(monkeypatch):
    """On the meta device: reading a value there is an error by itself, and would keep the step from being recorded."""
    step = whole.Step(whole.FULL, torch.device("meta"))
    assert step.adapter.config.fusers == SD1_FUSERS and step.unet.state_dict().keys() == sd1_unet_shapes().keys()
    with_deig, without = step.calls(64)
    with_deig()
    # Texts and regions are on the device now. It copies numbers there, unseen.
    monkeypatch.setattr(torch, "tensor", lambda *_, **__: pytest.fail("torch.tensor makes the device wait"))
    assert with_deig().shape == without().shape == (2, 4, 64, 64)
    seen = []
    monkeypatch.setattr(
        step.adapter.ide,
        "forward",
        lambda text, times: seen.append(times.shape) or torch.empty(7, 16, 768, device="meta"),
    )
    for _ in range(3):
        with_deig()
    assert seen == [(7,)] * 3  # never the same timestep: the IDE works in every call


def test_the_sizes_of_stable_diffusion_are_measured():
    shapes = [shape for some in speed._shapes(False) for shape in some]
    assert len(shapes) == len(set(shapes)) == 2 * 3 * 7  # 16 x 16 with heads of 160 is a level of both sizes
    assert {(s.side, s.dim) for s in shapes} == {
        (64, 40),
        (32, 80),
        (16, 160),
        (8, 160),
        (128, 40),
        (64, 80),
        (32, 160),
    }
    assert {(s.dtype, s.count, s.batch) for s in shapes} == {
        (t, c, 2) for t in (torch.float16, torch.bfloat16) for c in (1, 5, 64)
    }
