"""`candle.save` and `candle.load`: tensors in nested containers, in a safetensors file. No pickle is ever run.

    8 bytes: the length of the header | the header, JSON | the values of all tensors, one after the other

The header has an entry for each tensor (dtype, shape, where its bytes are), so any reader of safetensors finds
them by name: `{"layer": {"weight": w}}` has a tensor "layer.weight". What else there is, and how it nests, stands
in the header's `__metadata__`, as does a checksum of it all.
"""

from __future__ import annotations

import json
import math
import os
import zlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from candle import _dtypes
from candle._tensor import Tensor

if TYPE_CHECKING:
    import numpy as np

__all__ = ["CheckpointError", "load", "save"]

NAMES = {
    **{"bool": "BOOL", "uint8": "U8", "int8": "I8", "int16": "I16", "uint16": "U16", "int32": "I32", "uint32": "U32"},
    **{"int64": "I64", "uint64": "U64", "float16": "F16", "bfloat16": "BF16", "float32": "F32", "float64": "F64"},
    **{"complex64": "C64", "complex128": "C128"},
}
DTYPES = {name: _dtypes.by_name(ours) for ours, name in NAMES.items()}
LONGEST_HEADER = 100_000_000  # bytes; the limit of the format's own library
PLAIN = (bool, int, float, str, type(None))


class CheckpointError(RuntimeError):
    """A file that is no checkpoint, or no longer a whole one."""


# Saving


def save(obj: Any, f: str | os.PathLike[str] | BinaryIO) -> None:
    """Write tensors, numbers, strings, bools and None in nested dicts, lists and tuples to a file.

    A path gets the new file in one step, when all of it is on the disk: who reads it, or stops in the middle, finds
    the old checkpoint or the new one. A tensor that appears twice is written once, and is one tensor again when loaded.

    >>> import candle, io
    >>> file = io.BytesIO()
    >>> candle.save({"step": 3, "weights": [candle.ones(2)]}, file)
    >>> candle.load(file)
    {'step': 3, 'weights': [tensor([1., 1.])]}
    """
    tensors: dict[str, Tensor] = {}
    tree = _outline(obj, "", tensors, {})
    arrays = {name: _host(t) for name, t in tensors.items()}
    header: dict[str, Any] = {"__metadata__": {"candle": json.dumps(tree)}}
    start = 0
    for name, array in arrays.items():
        kind, size = NAMES[tensors[name].dtype.name], array.nbytes
        header[name] = {"dtype": kind, "shape": list(array.shape), "data_offsets": [start, start + size]}
        start += size
    seal = zlib.crc32(_text(header))
    for array in arrays.values():
        seal = zlib.crc32(_bytes(array), seal)
    header["__metadata__"]["crc32"] = f"{seal:08x}"
    text = _text(header)
    text += b" " * (-len(text) % 8)
    parts: tuple[bytes | memoryview, ...] = (len(text).to_bytes(8, "little"), text, *map(_bytes, arrays.values()))
    if not isinstance(f, str | os.PathLike):
        _write(f, parts)
    elif os.path.isfile(f) or not os.path.exists(f):
        _replace(Path(f), parts)
    else:  # a pipe, or a device: it takes the bytes, and stays what it is
        with open(f, "wb") as file:
            _write(file, parts)


def _outline(x: Any, place: str, tensors: dict[str, Tensor], seen: dict[int, str]) -> Any:
    """The object as JSON: containers as [kind, items], and for tensors their names."""
    if isinstance(x, Tensor):
        if id(x) not in seen:
            name = place or "tensor"
            while name in tensors or name == "__metadata__":  # which the format keeps for itself
                name += f"#{len(seen)}"
            seen[id(x)], tensors[name] = name, x
        return ["tensor", seen[id(x)], *(["requires_grad"] if x.requires_grad else [])]
    if isinstance(x, PLAIN):
        return x
    if isinstance(x, complex):
        return ["complex", [x.real, x.imag]]
    if isinstance(x, Mapping):
        keys = list(x)
        for key in keys:
            if not isinstance(key, PLAIN):
                raise TypeError(f"save: {_at(place)} has a key of type {type(key).__name__}; use a string or a number")
        return ["dict", [[key, _outline(x[key], f"{place}.{key}".lstrip("."), tensors, seen)] for key in keys]]
    if isinstance(x, list | tuple):
        items = [_outline(each, f"{place}.{i}".lstrip("."), tensors, seen) for i, each in enumerate(x)]
        return ["list" if isinstance(x, list) else "tuple", items]
    hint = "; use candle.from_numpy" if type(x).__module__ == "numpy" else ""
    raise TypeError(
        f"save: {_at(place)} is of type {type(x).__name__}, which a checkpoint cannot hold: "
        f"tensors, numbers, strings, bools and None in dicts, lists and tuples can be saved{hint}"
    )


def _at(place: str) -> str:
    return f"the value at {place!r}" if place else "the object"


def _host(t: Tensor) -> np.ndarray:
    import numpy as np

    return np.ascontiguousarray(t.detach().cpu().numpy()).reshape(t.shape)


def _bytes(array: np.ndarray) -> memoryview:
    import numpy as np

    return array.reshape(-1).view(np.uint8).data


def _text(header: dict[str, Any]) -> bytes:
    return json.dumps(header, separators=(",", ":")).encode()


def _write(file: BinaryIO, parts: Iterable[bytes | memoryview]) -> None:
    for part in parts:
        file.write(part)


def _replace(path: Path, parts: Iterable[bytes | memoryview]) -> None:
    """Write beside the file, make sure it is on the disk, and only then give it the name."""
    path = path.resolve()
    beside = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}.part")
    try:
        with open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666), "wb") as file:  # 0o666: less the umask
            _write(file, parts)
            file.flush()
            os.fsync(file.fileno())
        if path.exists():
            beside.chmod(path.stat().st_mode & 0o777)
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    if hasattr(os, "O_DIRECTORY"):  # the new name, too, must survive a power cut
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


# Loading


def load(
    f: str | os.PathLike[str] | BinaryIO, map_location: Any = None, *, weights_only: bool = True, mmap: Any = None
) -> Any:
    """What `save` wrote; of a safetensors file that somebody else wrote, a dict of tensors by name.

    Tensors come to the CPU, or where `map_location` says: a device, a dict with one for "cpu", or a function of a
    tensor and "cpu" that returns the tensor to take. A damaged file raises `CheckpointError`. `weights_only` and
    `mmap` change nothing: no file can run code here, and all of it is read.
    """
    if isinstance(f, str | os.PathLike):
        with open(f, "rb") as file:
            return _read(file, os.fspath(f), map_location)
    f.seek(0)
    return _read(f, getattr(f, "name", "the file"), map_location)


def _read(file: BinaryIO, name: str, map_location: Any) -> Any:
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    try:
        header, start = _read_header(file, size)
        metadata = header.pop("__metadata__", {})
        if not isinstance(metadata, dict):
            raise CheckpointError("its metadata is no dictionary")
        unsealed = {key: value for key, value in metadata.items() if key != "crc32"}
        arrays, seal = {}, zlib.crc32(_text({"__metadata__": unsealed, **header}))
        for key, d, shape in _spans(header, size - start):
            arrays[key] = _read_values(file, d, shape)
            seal = zlib.crc32(_bytes(arrays[key]), seal)
        if "crc32" in metadata and metadata["crc32"] != f"{seal:08x}":
            raise CheckpointError("its checksum does not fit: it was damaged after it was written")
        tensors = {key: _tensor(arrays[key], map_location) for key in header}
        return _restored(_parsed(metadata["candle"], "outline"), tensors) if "candle" in metadata else tensors
    except CheckpointError as error:
        raise CheckpointError(f"{name} is not a whole checkpoint: {error}") from None


def _parsed(text: Any, what: str) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_no_twins)
    except (ValueError, TypeError, RecursionError) as error:
        raise CheckpointError(f"the {what} is no JSON ({error})") from None


def _read_header(file: BinaryIO, size: int) -> tuple[dict[str, Any], int]:
    first = file.read(8)
    length = int.from_bytes(first, "little")
    if len(first) < 8 or length > min(size - 8, LONGEST_HEADER):
        if first[:4] == b"PK\x03\x04" or first[:1] == b"\x80":  # which a length may begin with, too
            raise CheckpointError(
                "it holds a Python pickle, which could run any code and is never opened; "
                "write it again with candle.save or safetensors.torch.save_file"
            )
        if not size:
            raise CheckpointError("it is empty")
        raise CheckpointError(f"the header should have {length} bytes, but the file has {size}")
    header = _parsed(file.read(length), "header")
    if not isinstance(header, dict):
        raise CheckpointError(f"the header is a {type(header).__name__}, not a dictionary")
    return header, 8 + length


def _no_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise CheckpointError("a name appears twice in the header")
    return found


def _spans(header: dict[str, Any], size: int) -> Iterator[tuple[str, _dtypes.dtype, tuple[int, ...]]]:
    """Each tensor's dtype and shape, in the order of their bytes, which must have no gaps."""
    end = 0
    for key, entry in sorted(header.items(), key=lambda item: _offsets(*item)):
        (start, stop), shape, kind = _offsets(key, entry), entry.get("shape"), entry.get("dtype")
        if not isinstance(kind, str) or kind not in DTYPES:
            raise CheckpointError(f"{key!r} has the dtype {kind!r}, which is not known")
        if not (
            isinstance(shape, list) and len(shape) <= 64 and all(type(n) is int and 0 <= n < 1 << 63 for n in shape)
        ):
            raise CheckpointError(f"{key!r} has the shape {shape!r}")
        count = math.prod(shape)
        if start != end or stop - start != count * DTYPES[kind].itemsize or stop > size:
            raise CheckpointError(f"{key!r}, {kind} of shape {shape}, cannot be bytes {start} to {stop} of {size}")
        if math.prod(n or 1 for n in shape) >= 1 << 59:
            raise CheckpointError(f"{key!r} has the shape {shape!r}, which no array can have")
        end = stop
        yield key, DTYPES[kind], tuple(shape)
    if end != size:
        raise CheckpointError(f"its tensors end at byte {end} of {size}")


def _offsets(key: str, entry: Any) -> tuple[int, int]:
    pair = entry.get("data_offsets") if isinstance(entry, dict) else None
    if not (isinstance(pair, list) and len(pair) == 2 and all(type(n) is int and n >= 0 for n in pair)):
        raise CheckpointError(f"{key!r} does not say where its bytes are")
    return pair[0], pair[1]


def _read_values(file: BinaryIO, d: _dtypes.dtype, shape: tuple[int, ...]) -> np.ndarray:
    import numpy as np

    from candle.plugins import backend_of

    values = np.empty(shape, backend_of("cpu").raw_dtype(d))
    if file.readinto(_bytes(values)) != values.nbytes:  # type: ignore[attr-defined]
        raise CheckpointError("it ends too early")
    return values


def _tensor(array: np.ndarray, map_location: Any) -> Tensor:
    from candle.ops.creation import from_numpy

    t = from_numpy(array)
    if callable(map_location):
        moved: Tensor | None = map_location(t, "cpu")
        return t if moved is None else moved
    device = map_location.get("cpu") if isinstance(map_location, Mapping) else map_location
    return t if device is None else t.to(device=device)


def _restored(tree: Any, tensors: dict[str, Tensor]) -> Any:
    """The object that `_outline` described."""
    if isinstance(tree, PLAIN):
        return tree
    match tree:
        case ["tensor", str(name), *wish] if name in tensors and wish in ([], ["requires_grad"]):
            t = tensors[name]
            return t.requires_grad_() if wish and t.dtype.category >= _dtypes.FLOAT else t
        case ["complex", [int() | float() as real, int() | float() as imag]]:
            return complex(real, imag)
        case ["dict", list(pairs)] if all(
            isinstance(p, list) and len(p) == 2 and isinstance(p[0], PLAIN) for p in pairs
        ):
            return {key: _restored(value, tensors) for key, value in pairs}
        case ["list", list(items)]:
            return [_restored(each, tensors) for each in items]
        case ["tuple", list(items)]:
            return tuple(_restored(each, tensors) for each in items)
    raise CheckpointError(f"its outline has {str(tree)[:40]!r} where a value should be")
