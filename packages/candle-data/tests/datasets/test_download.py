"""Downloads from a server of the test's own, which breaks off, alters and ignores what it is asked for."""

import concurrent.futures
import hashlib
import http.server
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from candle.datasets import _download
from candle.datasets._download import download

CONTENTS = bytes(i * i % 251 for i in range(300_000))
MD5 = hashlib.md5(CONTENTS).hexdigest()


class Server(http.server.ThreadingHTTPServer):
    """Serves CONTENTS at every address; its attributes say how badly."""

    ranges = True
    altered = False
    busy = 0  # answers
    breaks_after: list[int]  # bytes of the answers to come, one each; then whole
    asked: list[tuple[str, str | None]]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/"


class Handler(http.server.BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        wanted = self.headers["Range"]
        self.server.asked.append((self.path, wanted))
        if "absent" in self.path:
            return self.send_error(404)
        if self.server.busy:
            self.server.busy -= 1
            return self.send_error(503)
        data = CONTENTS[:-1] + b"!" if self.server.altered or "altered" in self.path else CONTENTS
        start = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted and self.server.ranges else 0
        if start >= len(data):
            return self.send_error(416)
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        self.send_header("Content-Length", str(len(data) - start))
        self.end_headers()
        breaks = self.server.breaks_after.pop(0) if self.server.breaks_after else None
        return self.wfile.write(data[start:][:breaks]) and None

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("no_proxy", "*")
    with Server(("127.0.0.1", 0), Handler) as server:
        server.breaks_after, server.asked = [], []
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "made/on/the/way/file.gz"


def part(path: Path) -> Path:
    return path.with_name("file.gz.part")


def ranges(server: Server) -> list[str | None]:
    return [wanted for _, wanted in server.asked]


def test_a_file_arrives(server: Server, path: Path) -> None:
    assert download([server.url], path, MD5) == path
    assert path.read_bytes() == CONTENTS
    assert not part(path).exists()


def test_a_broken_connection_goes_on_where_it_stopped(server: Server, path: Path) -> None:
    server.breaks_after = [100_000, 50_000]
    download([server.url], path, MD5)
    assert path.read_bytes() == CONTENTS
    assert ranges(server) == [None, "bytes=100000-", "bytes=150000-"]


def test_the_next_call_goes_on_too(server: Server, path: Path) -> None:
    path.parent.mkdir(parents=True)
    part(path).write_bytes(CONTENTS[:123_456])
    download([server.url], path, MD5)
    assert path.read_bytes() == CONTENTS
    assert ranges(server) == ["bytes=123456-"]


def test_an_interrupted_download_keeps_its_part(server: Server, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Bar:
        """Ctrl-C at the third chunk."""

        def __init__(self, **_: Any):
            self.left = 3

        def __enter__(self) -> "Bar":
            return self

        def __exit__(self, *_: object) -> None:
            pass

        def update(self, _: int) -> None:
            self.left -= 1
            if not self.left:
                raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("tqdm.tqdm", Bar)
        with pytest.raises(KeyboardInterrupt):
            download([server.url], path, MD5)
    kept = part(path).read_bytes()
    assert kept == CONTENTS[: 3 * _download.CHUNK]
    assert not path.exists()
    download([server.url], path, MD5)
    assert path.read_bytes() == CONTENTS
    assert ranges(server) == [None, f"bytes={len(kept)}-"]


def test_a_part_that_is_the_whole_is_only_checked(server: Server, path: Path) -> None:
    path.parent.mkdir(parents=True)
    part(path).write_bytes(CONTENTS)
    download([server.url], path, MD5)
    assert path.read_bytes() == CONTENTS
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    "beginning", [b"another file", CONTENTS[:-1] + b"!", 2 * CONTENTS], ids=["start", "end", "long"]
)
def test_a_part_of_something_else_is_fetched_anew(server: Server, path: Path, beginning: bytes) -> None:
    path.parent.mkdir(parents=True)
    part(path).write_bytes(beginning)
    download([server.url], path, MD5)
    assert path.read_bytes() == CONTENTS
    assert ranges(server) == [f"bytes={len(beginning)}-", None]


def test_a_server_without_ranges_sends_all_again(server: Server, path: Path) -> None:
    server.ranges, server.breaks_after = False, [100_000]
    download([server.url], path, MD5)
    assert path.read_bytes() == CONTENTS
    assert ranges(server) == [None, "bytes=100000-"]


def test_a_server_that_always_breaks_off_is_given_up(server: Server, path: Path) -> None:
    server.ranges, server.breaks_after = False, [1000] * 20
    with pytest.raises(RuntimeError, match="the connection broke after 1,000 bytes"):
        download([server.url], path, MD5)
    assert len(server.asked) == 2
    assert part(path).read_bytes() == CONTENTS[:1000]


def test_a_busy_server_is_asked_again_but_not_for_ever(
    server: Server, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []
    monkeypatch.setattr(_download.time, "sleep", waited.append)
    server.busy, server.breaks_after = 2, [100_000]
    download([server.url], path, MD5)
    assert path.read_bytes() == CONTENTS
    assert waited == list(_download.PAUSES)
    path.unlink()
    server.busy = 10
    with pytest.raises(RuntimeError, match="503"):
        download([server.url], path, MD5)
    with pytest.raises(RuntimeError, match="404"):
        download([server.url + "absent"], path, MD5)
    assert waited == 2 * list(_download.PAUSES)


def test_several_at_once_fetch_once(server: Server, path: Path) -> None:
    """Processes do, and threads: each has a lock of its own."""
    server.breaks_after = [100_000]
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda _: download([server.url], path, MD5), range(4))) == [path] * 4
    assert path.read_bytes() == CONTENTS
    assert len(server.asked) == 2
    assert os.listdir(path.parent) == [path.name]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_disk_is_told_with_the_file(server: Server, path: Path) -> None:
    path.parent.mkdir(parents=True)
    part(path).symlink_to("/dev/full")
    with pytest.raises(OSError, match=f"No space left on device: '{part(path)}'"):
        download([server.url, server.url], path, MD5)
    assert len(server.asked) == 1  # another mirror's file would be as large


def test_an_altered_file_is_refused_with_both_checksums(server: Server, path: Path) -> None:
    server.altered = True
    found = hashlib.md5(CONTENTS[:-1] + b"!").hexdigest()
    with pytest.raises(RuntimeError, match=f"altered: its md5 is {found}, expected {MD5}") as info:
        download([server.url], path, MD5)
    assert str(info.value).startswith("file.gz could not be downloaded")
    assert f"put it at {path}" in str(info.value)
    assert not path.exists()
    assert not part(path).exists()  # or the next call would go on with it


def test_mirrors_are_tried_in_order(server: Server, path: Path) -> None:
    download([server.url + each for each in ("absent", "altered", "good", "unused")], path, MD5)
    assert path.read_bytes() == CONTENTS
    assert [address for address, _ in server.asked] == ["/absent", "/altered", "/good"]


def test_the_next_mirror_goes_on(server: Server, path: Path) -> None:
    server.breaks_after = [1000, 0]
    download([server.url + "one", server.url + "two"], path, MD5)
    assert server.asked == [("/one", None), ("/one", "bytes=1000-"), ("/two", "bytes=1000-")]
    assert path.read_bytes() == CONTENTS


def test_without_a_network_it_says_what_to_put_where(server: Server, path: Path) -> None:
    server.shutdown()
    server.server_close()
    with pytest.raises(RuntimeError) as info:
        download([server.url, "http://127.0.0.1:1/", "no url"], path, MD5)
    message = str(info.value)
    assert message.startswith("file.gz could not be downloaded:")
    assert all(f"\n  {url}: " in message for url in (server.url, "http://127.0.0.1:1/", "no url"))
    assert "refused" in message
    assert f"(md5 {MD5}) and put it at {path}" in message
