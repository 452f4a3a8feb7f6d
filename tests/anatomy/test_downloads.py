"""Public files come from a local folder or from their source, and only if they are the registered ones."""

import hashlib
import socket
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest

from transmural.anatomy.downloads import check_public_files, fetch, registry, resolve
from transmural.stores.config import load
from transmural.stores.errors import ConfigurationError, GeometryError

CONTENT = b"solid heart\n"
DIGEST = hashlib.sha256(CONTENT).hexdigest()


class Quiet(SimpleHTTPRequestHandler):
    requests = 0

    def do_GET(self):
        type(self).requests += 1
        super().do_GET()

    def log_message(self, *arguments):
        pass


@pytest.fixture
def server(tmp_path):
    public = tmp_path / "public" / "geometry"
    public.mkdir(parents=True)
    (public / "heart.stl").write_bytes(CONTENT)
    Quiet.requests = 0
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=tmp_path / "public")) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_address[1]}"
        running.shutdown()


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("TRANSMURAL_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("TRANSMURAL_DATA", raising=False)
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)


def sources(url, digest=DIGEST):
    files = {"geometry/heart.stl": digest}
    return {"lab": {"title": "", "url": url, "licence": "", "citation": "", "files": files}}


def test_a_public_file_is_fetched_once(tmp_path, server):
    first = fetch("lab/geometry/heart.stl", sources(server))
    second = fetch("lab/geometry/heart.stl", sources(server))
    assert first == second == tmp_path / "cache" / "lab" / "geometry" / "heart.stl"
    assert first.read_bytes() == CONTENT
    assert Quiet.requests == 1


def test_another_file_than_the_registered_one_is_refused_and_not_kept(tmp_path, server):
    with pytest.raises(GeometryError, match=rf"has the SHA-256 {DIGEST}, but {'0' * 64} is registered.*{server}"):
        fetch("lab/geometry/heart.stl", sources(server, "0" * 64))
    assert not list((tmp_path / "cache").rglob("*.stl"))


def test_a_damaged_cache_is_noticed(server):
    file = fetch("lab/geometry/heart.stl", sources(server))
    file.write_bytes(b"damaged")
    with pytest.raises(GeometryError, match="is registered"):
        fetch("lab/geometry/heart.stl", sources(server))
    assert fetch("lab/geometry/heart.stl", sources(server)).read_bytes() == CONTENT


def test_without_a_network_the_offline_way_is_named():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        with pytest.raises(GeometryError, match=rf"can't download {url}.*refused.*TRANSMURAL_DATA") as caught:
            fetch("lab/geometry/heart.stl", sources(url))
    assert "\n" not in str(caught.value)


def test_a_file_that_the_source_no_longer_has_is_named(tmp_path, server):
    (tmp_path / "public" / "geometry" / "heart.stl").unlink()
    with pytest.raises(GeometryError, match=r"can't download .*404.*TRANSMURAL_DATA"):
        fetch("lab/geometry/heart.stl", sources(server))


def test_the_local_folder_goes_first_and_needs_no_network(tmp_path, monkeypatch):
    local = tmp_path / "data" / "lab" / "geometry"
    local.mkdir(parents=True)
    (local / "heart.stl").write_bytes(CONTENT)
    monkeypatch.setenv("TRANSMURAL_DATA", str(tmp_path / "data"))
    assert fetch("lab/geometry/heart.stl", sources("http://nowhere.invalid")) == local / "heart.stl"


def test_a_local_file_is_verified_and_never_deleted(tmp_path, monkeypatch):
    local = tmp_path / "data" / "lab" / "geometry"
    local.mkdir(parents=True)
    (local / "heart.stl").write_bytes(b"another heart")
    monkeypatch.setenv("TRANSMURAL_DATA", str(tmp_path / "data"))
    with pytest.raises(GeometryError, match=r"heart\.stl has the SHA-256 .* is registered: replace it"):
        fetch("lab/geometry/heart.stl", sources("http://nowhere.invalid"))
    assert (local / "heart.stl").exists()


def test_a_file_missing_from_the_local_folder_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("TRANSMURAL_DATA", str(tmp_path))
    with pytest.raises(GeometryError, match=r"TRANSMURAL_DATA is set, but there is no file .*heart\.stl"):
        fetch("lab/geometry/heart.stl", sources("http://nowhere.invalid"))


def test_an_unknown_key_is_answered_with_the_nearest_known_one():
    with pytest.raises(ConfigurationError, match=r"no public file 'kit-delay.*/hart\.ply'; the nearest .*/heart\.ply'"):
        fetch("kit-delay-regularization/ventricles/geometry/hart.ply")


def test_plain_names_are_relative_to_the_base(tmp_path):
    assert resolve("heart.stl", tmp_path) == tmp_path / "heart.stl"
    assert str(resolve("/data/heart.stl", tmp_path)) == "/data/heart.stl"


def test_every_public_source_is_pinned_licensed_and_cited():
    for source in registry().values():
        owner, repository, commit = source["url"].removeprefix("https://raw.githubusercontent.com/").split("/")[:3]
        assert owner
        assert repository
        assert len(commit) == 40
        assert int(commit, 16)
        assert source["title"]
        assert source["licence"]
        assert source["citation"]
        for digest in source["files"].values():
            assert len(digest) == 64


def test_unknown_public_files_are_all_named_before_anything_runs(raw_config):
    wrong = {
        "source": "surfaces",
        "heart": "public:kit/heart.ply",
        "torso": "public:kit/torso.ply",
        "electrodes": "a.csv",
    }
    config = load(raw_config | {"subjects": raw_config["subjects"] | {"wrong": wrong}})
    with pytest.raises(ConfigurationError, match=r"subjects\.wrong: there is no public file 'kit/heart\.ply'") as error:
        check_public_files(config.subjects)
    assert "kit/torso.ply" in str(error.value)
