"""Sending objects to another process, their arrays through shared memory.

On Linux an object's large arrays are written into an anonymous file in memory (`memfd_create`) whose descriptor
travels over the socket; the receiver maps it, and its arrays lie there. Nobody but the descriptors and the mapping
holds that memory, so the system frees it when the last array or the last process dies, however it dies: it has no
name in /dev/shm that could be left behind, and no limit of /dev/shm applies. Elsewhere arrays go through the pipe.
"""

from __future__ import annotations

import ctypes
import functools
import io
import itertools
import mmap
import os
import pickle
import weakref
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.reduction import recv_handle, send_handle
from typing import Any

import numpy as np

BY_DESCRIPTOR = hasattr(os, "memfd_create")
INLINE = 16_384  # bytes; less is copied through the pipe, which costs less than a mapping
ALIGNMENT = 64


class _Pickler(pickle.Pickler):
    files = False  # whether a memory-mapped array goes as the name of its file

    def reducer_override(self, obj: Any) -> Any:
        """Only arrays without gaps can go out of band, and no subclass."""
        if type(obj) is not np.ndarray and type(obj) is not np.memmap:
            return NotImplemented
        if self.files and (place := _place_in_file(obj)) is not None:
            return _opened, place
        if type(obj) is np.memmap or not (obj.flags.forc or obj.dtype.hasobject):
            return np.ascontiguousarray(obj).reshape(obj.shape).__reduce_ex__(5)
        return NotImplemented


def _place_in_file(array: np.ndarray) -> tuple[Any, ...] | None:
    """Where in which file the array lies, if it is memory-mapped or a view of such an array."""
    owner: Any = array
    while isinstance(owner, np.ndarray) and getattr(owner, "_mmap", None) is None:
        owner = owner.base
    if not isinstance(owner, np.memmap) or owner.mode == "c" or not os.path.exists(owner.filename or ""):
        return None  # what is written into a mapping of mode "c" is not in the file
    mapping = np.frombuffer(owner._mmap, np.uint8)  # type: ignore[attr-defined]
    begins = owner.offset - owner.offset % mmap.ALLOCATIONGRANULARITY
    offset = begins + _address(array) - _address(mapping)
    mode = "r" if owner.mode == "r" else "r+"
    return type(array), owner.filename, mode, array.dtype, array.shape, array.strides, offset


def _opened(kind: Any, filename: Any, mode: Any, dtype: Any, shape: Any, strides: Any, offset: int) -> Any:
    """The array at this place of the file, mapped by this process: nothing is read yet."""
    file = np.memmap(filename, np.uint8, mode)
    array = np.ndarray.__new__(kind, shape, dtype, file, offset, strides)
    if kind is np.memmap:
        vars(array).update(vars(file))
    return array


def _address(array: np.ndarray) -> int:
    return int(array.__array_interface__["data"][0])


class Parcel:
    """A pickled object: what is `inline`, and the spans of a file in memory that hold its large parts.

    `files`: of memory-mapped arrays only the place in their files is sent, and the receiver maps these.
    """

    def __init__(self, obj: Any, files: bool = False) -> None:
        buffers: list[memoryview] = []

        def stays_inline(buffer: pickle.PickleBuffer) -> bool:
            view = buffer.raw()
            if view.nbytes >= INLINE:
                buffers.append(view)
            return view.nbytes < INLINE

        stream = io.BytesIO()
        pickler = _Pickler(stream, 5, buffer_callback=stays_inline if BY_DESCRIPTOR else None)
        pickler.files = files
        pickler.dump(obj)
        text = stream.getbuffer()
        self.inline = BY_DESCRIPTOR is False or text.nbytes < INLINE
        self.text = bytes(text) if self.inline else b""
        parts = buffers if self.inline else [text, *buffers]
        self.sizes = [part.nbytes for part in parts]
        self.descriptor = _file_of(parts) if parts else None
        if self.descriptor is not None:
            weakref.finalize(self, os.close, self.descriptor)

    def send(self, connection: Connection) -> None:
        connection.send_bytes(pickle.dumps((self.text, self.inline, self.sizes)))
        if self.descriptor is not None:
            send_handle(connection, self.descriptor, None)


def _file_of(parts: list[memoryview]) -> int:
    descriptor = os.memfd_create("candle")
    try:
        for part, start in zip(parts, _starts([part.nbytes for part in parts])):
            done = 0
            while done < part.nbytes:  # one call writes 2 GiB at most
                done += os.pwrite(descriptor, part[done:], start + done)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _starts(sizes: list[int]) -> list[int]:
    starts = [0]
    for size in sizes:
        starts.append(-(-(starts[-1] + size) // ALIGNMENT) * ALIGNMENT)
    return starts


def receive(connection: Connection, private: bool = False) -> Callable[[], Any]:
    """The next parcel; calling what is returned unpacks it. `private`: writing into its arrays stays unseen by others.

    Unpacking may fail or run the code of others, so it is left to a moment when the connection is in order again.
    """
    text, inline, sizes = pickle.loads(connection.recv_bytes())
    if not sizes:
        return lambda: pickle.loads(text)
    descriptor = recv_handle(connection)
    try:
        mapped = _mapped(descriptor, _starts(sizes[:-1])[-1] + sizes[-1], private)
    finally:
        os.close(descriptor)
    memory = np.frombuffer(mapped, np.uint8).data  # plain bytes, which a pickle's buffers must be
    parts: list[Any] = [memory[start : start + size] for start, size in zip(_starts(sizes), sizes)]
    for i in [] if private else _small(sizes):
        parts[i] = bytearray(parts[i])
    return lambda: pickle.loads(text, buffers=parts) if inline else pickle.loads(parts[0], buffers=parts[1:])


def _small(sizes: list[int]) -> list[int]:
    """The smallest parts, an eighth of all bytes at most: whoever keeps one of these should not keep them all."""
    order = sorted(range(len(sizes)), key=sizes.__getitem__)
    room = sum(sizes) / 8
    return [i for i, held in zip(order, itertools.accumulate(sizes[i] for i in order)) if held <= room]


def _mapped(descriptor: int, size: int, private: bool) -> Any:
    """The file as bytes that can be written; its memory is freed with the last array that lies in it.

    Through the C library, because `mmap.mmap` keeps a descriptor open for each mapping, of which a process has few.
    """
    kind = mmap.MAP_PRIVATE if private else mmap.MAP_SHARED | mmap.MAP_POPULATE
    address = _libc().mmap(None, size, mmap.PROT_READ | mmap.PROT_WRITE, kind, descriptor, 0)
    if address == ctypes.c_void_p(-1).value:  # no more mappings: 65,530 is a usual limit
        copy = bytearray(size)
        with open(descriptor, "rb", closefd=False) as file:
            file.seek(0)
            file.readinto(copy)
        return copy
    memory = (ctypes.c_ubyte * size).from_address(address)
    # No weakref.finalize: within its Python code Ctrl-C would be lost
    _mappings[address] = weakref.ref(memory, functools.partial(_libc().munmap, address, size))
    return memory


_mappings: dict[int, weakref.ref[Any]] = {}  # a mapping that is gone leaves its entry to the next at this address


@functools.cache
def _libc() -> Any:
    libc = ctypes.CDLL(None)
    libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.py_object]  # and a weakref, which C ignores
    libc.mmap.restype = ctypes.c_void_p
    libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
    return libc
