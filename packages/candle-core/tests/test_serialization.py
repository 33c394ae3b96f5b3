"""candle.save and candle.load: what comes back, what others read, and files that something happened to."""

from __future__ import annotations

import io
import json
import math
import os
import random
import signal
import stat
import threading
import time
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch

import candle

DTYPES = """
bool uint8 int8 int16 uint16 int32 uint32 int64 uint64 float16 bfloat16 float32 float64 complex64 complex128
""".split()


def saved(obj) -> bytes:
    file = io.BytesIO()
    candle.save(obj, file)
    return file.getvalue()


def back(obj):
    return candle.load(io.BytesIO(saved(obj)))


# What comes back


@pytest.mark.parametrize("name", DTYPES)
@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 0, 3), (2, 3)])
def test_tensors_of_every_dtype_come_back(name: str, shape: tuple[int, ...]) -> None:
    x = candle.tensor(np.arange(math.prod(shape)).reshape(shape) - 1.0).to(getattr(candle, name))
    y = back({"x": x})["x"]
    assert (y.dtype, tuple(y.shape), y.tolist()) == (x.dtype, shape, x.tolist())


@pytest.mark.parametrize(
    "obj",
    [
        *(None, True, 3, -(2**70), 1.5, math.inf, -math.inf, 0.1, "", "a\n\u00e9\U0001f56f", 2 - 1j),
        *([], (), {}, [[]], ([],), {"": {}}, {1: "int", "1": "str", None: 0, 2.5: (), False: []}),
        {"optimizer": {"state": {0: {"step": 3}}, "groups": [{"lr": 1e-3, "betas": (0.9, 0.999), "params": [0]}]}},
    ],
)
def test_other_values_come_back_with_their_types(obj) -> None:
    assert repr(back(obj)) == repr(obj)


def test_nan_comes_back() -> None:
    assert math.isnan(back([math.nan])[0])


def test_a_tensor_alone() -> None:
    assert back(candle.ones(2)).tolist() == [1, 1]


def test_what_was_one_tensor_is_one_tensor_again() -> None:
    w = candle.ones(1000)
    obj = back({"embedding": w, "head": [w]})
    assert obj["embedding"] is obj["head"][0]
    assert len(saved([w, w])) < 1.5 * len(saved([w]))


def test_names_that_collide_are_kept_apart() -> None:
    names = ["a.b#2", "a.b", "", "__metadata__"]
    obj = {name: candle.tensor(float(i)) for i, name in enumerate(names)}
    found = back({**obj, "a": {"b": candle.tensor(9.0)}})
    assert [found[name].item() for name in names] + [found["a"]["b"].item()] == [0, 1, 2, 3, 9]


def test_views_and_leaves_are_saved_by_value() -> None:
    x = candle.arange(6.0).reshape(2, 3).requires_grad_()
    y = back([x.T, x[:, 1]])
    assert (y[0].tolist(), y[1].tolist()) == ([[0, 3], [1, 4], [2, 5]], [1, 4])


def test_what_required_gradients_requires_them_again() -> None:
    found = []
    for lib in (torch, candle):
        x, file = lib.ones(2, requires_grad=True), io.BytesIO()
        lib.save({"leaf": x, "made": x * 2, "view": x[1:], "none": x.detach(), "integers": lib.arange(2)}, file)
        file.seek(0)
        found.append({name: (t.requires_grad, t.is_leaf) for name, t in lib.load(file).items()})
    assert found[1] == found[0]


def test_loaded_tensors_are_the_callers_to_write() -> None:
    x = back(candle.ones(3))
    x += 1
    assert x.tolist() == [2, 2, 2]


def test_map_location() -> None:
    import candle.testing.strict

    assert str(candle.load(io.BytesIO(saved([candle.ones(2)])), map_location="strict")[0].device) == "strict"
    assert back([candle.ones(2, device="strict")])[0].device.type == "cpu"


@pytest.mark.parametrize("where", ["cpu", {"cuda:0": "cpu"}, {"cpu": "cpu"}, lambda x, place: x, lambda x, place: None])
def test_loading_takes_what_torch_takes(where: Any) -> None:
    def program(lib: Any) -> list[float]:
        file = io.BytesIO()
        lib.save({"w": lib.ones(2)}, file)
        file.seek(0)
        return [lib.load(file, where, weights_only=True, mmap=None)["w"].tolist()]

    assert program(candle) == program(torch)


def test_a_function_may_say_where_tensors_go() -> None:
    import candle.testing.strict

    found = candle.load(io.BytesIO(saved([candle.ones(2)])), map_location=lambda x, place: x.to("strict"))
    assert str(found[0].device) == "strict"


@pytest.mark.parametrize(
    ("obj", "says"),
    [
        ({"model": [set()]}, r"'model.0' is of type set"),
        ({"a": {(1, 2): 0}}, r"'a' has a key of type tuple"),
        (object(), r"the object is of type object"),
        ([np.float32(1)], r"'0' is of type float32.*from_numpy"),
        ([b"bytes"], r"'0' is of type bytes"),
    ],
)
def test_what_cannot_be_saved_is_named_and_leaves_no_file(obj, says: str, tmp_path: Path) -> None:
    with pytest.raises(TypeError, match=f"save: the .*{says.removeprefix('the ')}"):
        candle.save(obj, tmp_path / "x.safetensors")
    assert not list(tmp_path.iterdir())


# What others read and write


def test_safetensors_reads_ours(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    state = {"layer": {"weight": candle.arange(6.0).reshape(2, 3).T, "bias": candle.ones(2, dtype=candle.bfloat16)}}
    candle.save({**state, "steps": candle.tensor([3]), "epoch": 7}, path)
    theirs = safetensors.torch.load_file(path)
    assert theirs.keys() == {"layer.weight", "layer.bias", "steps"}
    assert theirs["layer.weight"].tolist() == [[0, 3], [1, 4], [2, 5]]
    assert theirs["layer.bias"].dtype is torch.bfloat16


def test_we_read_theirs(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    theirs = {name: torch.ones(2, 3).to(getattr(torch, name)) for name in DTYPES if name != "complex128"}
    safetensors.torch.save_file(theirs, path, metadata={"format": "pt"})
    ours = candle.load(path)
    assert {name: t.tolist() for name, t in ours.items()} == {name: t.tolist() for name, t in theirs.items()}
    assert [str(t.dtype).partition(".")[2] for t in ours.values()] == list(ours)


def test_a_pickle_is_refused(tmp_path: Path) -> None:
    torch.save({"x": torch.ones(2)}, tmp_path / "zip.pt")
    torch.save({"x": torch.ones(2)}, tmp_path / "old.pt", _use_new_zipfile_serialization=False)
    for name in ("zip.pt", "old.pt"):
        with pytest.raises(candle.CheckpointError, match=rf"{name}.*pickle.*safetensors"):
            candle.load(tmp_path / name)


def test_no_length_of_the_header_is_taken_for_a_pickle() -> None:
    """A pickle's first byte is 0x80, and so may a length's be."""
    lengths = set()
    for letters in range(0, 600, 8):
        data = saved({"x" * letters: 1})
        lengths.add(data[:2])
        assert candle.load(io.BytesIO(data)) == {"x" * letters: 1}
    assert {b"\x80\x01", b"\x80\x02"} <= lengths


# Files that something happened to

OBJECT = {"model": {"w": np.arange(12.0).reshape(3, 4), "b": np.ones(4, np.float32)}, "step": 12, "rates": [0.1, 0.2]}


def whole() -> bytes:
    model = {name: candle.from_numpy(array) for name, array in OBJECT["model"].items()}
    return saved({**OBJECT, "model": model})


def mutated(data: bytes, draw: random.Random) -> bytes:
    """A few bytes changed, cut off, put in twice or exchanged; the header more often than its share."""
    changed = bytearray(data)
    for _ in range(draw.choice([1, 1, 2, 5])):
        at = draw.randrange(draw.choice([8, 200, len(changed)]) or 1) if changed else 0
        at = min(at, max(len(changed) - 1, 0))
        match draw.randrange(6):
            case 0:
                changed[at : at + 1] = bytes([draw.randrange(256)])
            case 1:
                del changed[at : at + draw.choice([1, 8, 100])]
            case 2:
                changed[at:at] = changed[at : at + draw.choice([1, 8, 100])]
            case 3:
                del changed[draw.randrange(len(changed) + 1) :]
            case 4:
                changed[at:at] = draw.choice([b"[" * 5000, b"9" * 5000, b"-1", b'"', b"{", b"1e999", b"null"])
            case _:
                digit = next((i for i in range(at, len(changed)) if chr(changed[i]).isdigit()), at)
                changed[digit : digit + 1] = str(draw.choice([0, 7, 2**31, 2**63, 2**64, 10**30])).encode()
    return bytes(changed)


def test_mutated_files_raise_cleanly(full: bool) -> None:
    data, draw = whole(), random.Random(0)
    refused, slowest, most = 0, 0.0, 0
    tracemalloc.start()
    for _ in range(10_000 if full else 1_000):
        broken = io.BytesIO(mutated(data, draw))
        tracemalloc.reset_peak()
        before, start = tracemalloc.get_traced_memory()[0], time.thread_time()
        try:
            found = candle.load(broken)
        except candle.CheckpointError:
            refused += 1
        else:
            assert repr(found) == repr(candle.load(io.BytesIO(data))), "loaded, but not what was saved"
        slowest = max(slowest, time.thread_time() - start)
        most = max(most, tracemalloc.get_traced_memory()[1] - before)
    tracemalloc.stop()
    assert refused > 900
    assert most < 2_000_000  # the JSON parser's own; never what a damaged size asks for
    print(f"{refused} refused, at most {slowest * 1e3:.1f} ms and {most / 1e6:.2f} MB")


def rewritten(change) -> bytes:
    """The file with another header and no checksum, so that the other checks are asked."""
    data = whole()
    n = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + n])
    del header["__metadata__"]["crc32"]
    change(header)
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data[8 + n :]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda h: h["model.w"].update(dtype="F99"), r"'model.w' has the dtype 'F99'"),
        (lambda h: h["model.w"].update(dtype=["F32"]), r"dtype"),
        (lambda h: h["model.w"].update(shape=[3, 5]), r"'model.w', F64 of shape \[3, 5\], cannot be bytes 0 to 96"),
        (lambda h: h["model.w"].update(shape=[-3, -4]), r"shape \[-3, -4\]"),
        (lambda h: h["model.w"].update(shape=[2**70, 0]), r"shape"),
        (lambda h: h["model.w"].update(shape=[1] * 70), r"shape"),
        (lambda h: h["model.w"].update(shape=[3.0, 4]), r"shape"),
        (lambda h: h["model.w"].update(data_offsets=[0, 2**63]), r"cannot be bytes 0 to 9223372036854775808"),
        (lambda h: h["model.b"].update(data_offsets=[0, 16]), r"cannot be bytes"),  # overlaps
        (lambda h: h["model.b"].update(data_offsets=[100, 116]), r"cannot be bytes 100 to 116"),  # a gap
        (lambda h: h["model.b"].pop("data_offsets"), r"'model.b' does not say where its bytes are"),
        (lambda h: h.pop("model.b"), r"end at byte 96 of 112"),
        (lambda h: h.update({"model.b": 3}), r"'model.b' does not say"),
        (lambda h: h.update(__metadata__=[]), r"its metadata is no dictionary"),
        (lambda h: h["__metadata__"].update(candle="{"), r"the outline is no JSON"),
        (lambda h: h["__metadata__"].update(candle=3), r"the outline is no JSON"),
        (lambda h: h["__metadata__"].update(candle='["tensor", "nobody"]'), r"outline has .*nobody"),
        (lambda h: h["__metadata__"].update(candle='["dict", [[["a"], 1]]]'), r"outline has"),
        (lambda h: h["__metadata__"].update(crc32="00000000"), r"its checksum does not fit"),
    ],
)
def test_what_is_wrong_is_named(change, says: str) -> None:
    with pytest.raises(candle.CheckpointError, match=says):
        candle.load(io.BytesIO(rewritten(change)))


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "it is empty"),
        (b"\0" * 7, "header should have"),
        ((2**63).to_bytes(8, "little") + b"{}", "header should have 9223372036854775808 bytes, but the file has 10"),
        ((2).to_bytes(8, "little") + b"[]", "header is a list"),
        ((2).to_bytes(8, "little") + b"\xff\xfe", "header is no JSON"),
    ],
)
def test_no_checkpoint_at_all(data: bytes, says: str) -> None:
    with pytest.raises(candle.CheckpointError, match=says):
        candle.load(io.BytesIO(data))


def test_a_missing_file_is_no_checkpoint_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        candle.load(tmp_path / "nothing.safetensors")


# Writing


def test_the_umask_is_honoured_and_an_old_files_mode_kept(tmp_path: Path) -> None:
    path, before = tmp_path / "x.safetensors", os.umask(0o027)
    try:
        candle.save([candle.ones(1)], path)
        assert stat.S_IMODE(path.stat().st_mode) == 0o640
        path.chmod(0o600)
        candle.save([candle.ones(1)], path)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    finally:
        os.umask(before)


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "latest").symlink_to(tmp_path / "there" / "x")
    candle.save([1], tmp_path / "latest")
    assert (tmp_path / "latest").is_symlink()
    assert candle.load(tmp_path / "there" / "x") == [1]


def test_a_pipe_stays_a_pipe(tmp_path: Path) -> None:
    """A device, too, is written into and not replaced by a file."""
    path, data = tmp_path / "pipe", list[bytes]()
    os.mkfifo(path)
    reader = threading.Thread(target=lambda: data.append(path.read_bytes()), daemon=True)
    reader.start()
    candle.save([1, candle.ones(2)], path)
    assert stat.S_ISFIFO(path.lstat().st_mode)
    reader.join(10)
    assert data == [saved([1, candle.ones(2)])]


def test_a_failed_save_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x.safetensors"
    candle.save([1], path)

    def no_space(fd: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", no_space)
    with pytest.raises(OSError, match="No space"):
        candle.save([2], path)
    assert candle.load(path) == [1]
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills a forked process")
def test_killed_in_the_middle_of_saves_the_latest_loads(tmp_path: Path, full: bool) -> None:
    path, draw = tmp_path / "x.safetensors", random.Random(0)
    big = candle.ones(200_000)
    candle.save({"step": 0, "w": big * 0}, path)
    last, torn = 0, 0
    for _ in range(200 if full else 30):
        child = os.fork()
        if not child:
            for step in range(last + 1, last + 1_000_000):  # killed long before
                candle.save({"step": step, "w": big * step}, path)
            os._exit(0)
        time.sleep(draw.uniform(0, 0.03))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        torn += any(each != path for each in tmp_path.iterdir())
        found = candle.load(path)
        assert found["step"] >= last
        assert (found["w"] == found["step"]).all()
        last = found["step"]
        for part in tmp_path.glob("*.part"):
            part.unlink()
    assert last > 0
    assert torn, "no kill came in the middle of a save"
