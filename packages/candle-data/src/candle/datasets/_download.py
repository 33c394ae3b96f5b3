"""Files from the network: resumed where they stopped, and checked before they get their name."""

from __future__ import annotations

import contextlib
import hashlib
import os
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from http.client import HTTPException, HTTPResponse
from pathlib import Path

__all__ = ["download"]

CHUNK = 1 << 16
TIMEOUT = 30.0  # seconds without a byte
BUSY = {429, 500, 502, 503, 504}  # answers of a server that may have another one later
PAUSES = (1.0, 3.0)  # seconds, before it is asked again
NETWORK = (urllib.error.URLError, HTTPException, ConnectionError, TimeoutError, ssl.SSLError)


def download(urls: Sequence[str], path: str | Path, md5: str) -> Path:
    """Fetch the file at one of `urls`, which are tried in order, to `path`.

    What has arrived is kept in `path` + ".part", also when the program is interrupted, and the next
    call goes on from there. Only a file with the right checksum gets the name `path`. Of several processes one
    fetches, and the others wait for it.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with _alone(path.parent):
        if path.is_file() and checksum(path) == md5:
            return path
        return _download(urls, path, md5)


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Only one process at a time gets in, where the system and the file system know such locks."""
    try:
        import fcntl
    except ImportError:
        yield
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _download(urls: Sequence[str], path: Path, md5: str) -> Path:
    part = path.with_name(path.name + ".part")
    failures = []
    for url in urls:
        try:
            _fetch_checked(url, part, md5)
        except (*NETWORK, ValueError) as error:
            failures.append(f"{url}: {error}")
        except OSError as error:  # a full disk, for one
            raise type(error)(error.errno, error.strerror, str(part)) from error
        else:
            part.replace(path)
            return path
    reasons = "".join(f"\n  {failure}" for failure in failures)
    raise RuntimeError(
        f"{path.name} could not be downloaded:{reasons}\n"
        f"Try again (it goes on where it stopped), or get the file in another way (md5 {md5}) and put it at {path}"
    )


def _fetch_checked(url: str, part: Path, md5: str) -> None:
    """Fetch until the checksum is right; a beginning that does not fit this mirror's end is thrown away once."""
    resumed = _size(part) > 0
    _fetch(url, part)
    if (found := checksum(part)) == md5:
        return
    part.unlink()
    if not resumed:
        raise ValueError(f"the file was altered: its md5 is {found}, expected {md5}")
    _fetch_checked(url, part, md5)


def _fetch(url: str, part: Path) -> None:
    """Fetch all of `url`, going on where a connection broke as long as each brings something."""
    pauses = iter(PAUSES)
    while True:
        before = _size(part)
        try:
            if _fetch_once(url, part):
                return
            problem: Exception = ConnectionError(f"the connection broke after {_size(part):,} bytes")
        except urllib.error.HTTPError as error:
            if error.code not in BUSY or (pause := next(pauses, None)) is None:
                raise
            time.sleep(pause)
            continue
        except NETWORK as error:
            problem = error
        if _size(part) <= before:
            raise problem


def _fetch_once(url: str, part: Path) -> bool:
    """Go on with `part`; whether it is complete now."""
    start = _size(part)
    request = urllib.request.Request(url, headers={"Range": f"bytes={start}-"} if start else {})
    try:
        response = urllib.request.urlopen(request, timeout=TIMEOUT)
    except urllib.error.HTTPError as error:
        if error.code == 416 and start:  # nothing is left: the checksum will tell whether that is right
            error.close()
            return True
        raise
    with response:
        if not _continues(response, start):
            start = 0
        length = response.headers.get("Content-Length")
        total = start + int(length) if length else None
        _write(response, part, start, total)
    return total is None or _size(part) == total


def _continues(response: HTTPResponse, start: int) -> bool:
    """Whether the server sends the rest; one that knows no ranges sends the whole with status 200."""
    return response.status == 206 and response.headers.get("Content-Range", "").startswith(f"bytes {start}-")


def _write(response: HTTPResponse, part: Path, start: int, total: int | None) -> None:
    from tqdm import tqdm  # type: ignore[import-untyped]

    name = part.name.removesuffix(".part")
    where = {"desc": name, "initial": start, "total": total}
    bar = tqdm(**where, unit="B", unit_scale=True, disable=None)  # None: shown on a terminal only
    with part.open("ab" if start else "wb") as file, bar:
        while chunk := response.read(CHUNK):
            file.write(chunk)
            bar.update(len(chunk))


def checksum(path: Path) -> str:
    """The file's MD5: the one that the data sets' authors published. It finds accidents, not forgers."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
