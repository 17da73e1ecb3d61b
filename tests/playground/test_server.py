"""The playground's door: who gets in, what is served, how much is taken, and how a tab ends."""

from __future__ import annotations

import json
import threading
import time

import pytest

pytest.importorskip("starlette")
from playground_client import HOST, ORIGIN, RefusedError, served, tab
from starlette.websockets import WebSocketDisconnect

from clearprop.playground import server as server_
from clearprop.playground.datasets import MAX_BYTES
from clearprop.playground.messages import MAX_TEXT
from clearprop.playground.security import Access, is_loopback
from clearprop.playground.server import FULL, MAX_SESSIONS, REFUSED

PAGES = ["/", "/page.js", "/page.css", "/favicon.svg"]


@pytest.fixture
def door():
    with served() as both:
        yield both


@pytest.mark.parametrize("path", PAGES)
def test_files_of_the_page_come_with_a_strict_policy(door, path):
    answer = door[0].get(path)
    assert answer.status_code == 200
    assert answer.content
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"


@pytest.mark.parametrize("host", ["evil.example", f"evil.example:{8765}", "127.0.0.1:1", ""])
@pytest.mark.parametrize("path", PAGES)
def test_other_hosts_are_refused(door, path, host):
    answer = door[0].get(path, headers={"host": host})
    assert answer.status_code == 421
    assert b"<" not in answer.content


@pytest.mark.parametrize(
    "path",
    [
        "/../pyproject.toml",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/static/page.js",
        "/page.js/../../server.py",
        "//etc/passwd",
        "/etc/passwd",
        "/page.js%00.html",
        "/index.html",
        "/socket",
    ],
)
def test_no_other_path_is_readable(door, path):
    answer = door[0].get(path)
    assert answer.status_code == 404
    assert answer.text == "there is nothing here\n"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"])
def test_only_get(door, method):
    assert door[0].request(method, "/").status_code == 405


def test_the_token_becomes_a_cookie_and_leaves_the_address(door):
    client, access = door
    answer = client.get(f"/?token={access.token}", follow_redirects=False)
    assert answer.status_code == 303
    assert answer.headers["location"] == "/"
    cookie = answer.headers["set-cookie"]
    assert access.token in cookie
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    with client.websocket_connect(f"ws://{HOST}/socket", headers={"origin": ORIGIN}) as socket:
        socket.send_text('{"do": "hello", "id": 1}')
        assert json.loads(socket.receive_text())["type"] == "reply"


def test_a_wrong_token_is_refused(door):
    answer = door[0].get("/?token=wrong", follow_redirects=False)
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    ("origin", "token", "host"),
    [
        (None, True, HOST),
        ("http://evil.example", True, HOST),
        ("null", True, HOST),
        (f"http://{HOST}.evil.example", True, HOST),
        (f"file://{HOST}", True, HOST),
        (ORIGIN, False, HOST),
        (ORIGIN, True, "evil.example"),
    ],
)
def test_the_socket_needs_origin_host_and_token(door, origin, token, host):
    client, access = door
    headers = {"host": host} | ({"origin": origin} if origin else {})
    address = "/socket?token=" + (access.token if token else "wrong")
    with (
        pytest.raises(WebSocketDisconnect) as caught,
        client.websocket_connect(f"ws://{HOST}{address}", headers=headers) as socket,
    ):
        socket.receive_text()
    assert caught.value.code == REFUSED


def test_another_servers_cookie_opens_nothing(door):
    client, access = door
    client.cookies.set(access.cookie, Access.to("127.0.0.1", 8765).token)
    with (
        pytest.raises(WebSocketDisconnect),
        client.websocket_connect(f"ws://{HOST}/socket", headers={"origin": ORIGIN}) as socket,
    ):
        socket.receive_text()


@pytest.mark.parametrize(
    ("host", "is_local"),
    [
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("192.168.0.1", False),
        ("localhost.evil.example", False),
    ],
)
def test_what_is_loopback(host, is_local):
    assert is_loopback(host) is is_local


def test_only_names_that_were_given_lead_to_a_server_elsewhere():
    access = Access.to("0.0.0.0", 9000, ["lab.example:9000"])
    assert access.allows_host("lab.example:9000")
    assert access.allows_origin("https://lab.example:9000")
    assert not access.allows_host("127.0.0.1:9000")
    assert not access.allows_host("evil.example:9000")


@pytest.mark.parametrize(
    "message",
    [
        "",
        "[]",
        "null",
        "{",
        "[" * 100_000,
        '{"do": "hello", "id": NaN}',
        '{"do": 5, "id": 1}',
        '{"do": "nothing", "id": 1}',
        '{"do": "hello", "id": 1, "more": 2}',
        '{"do": "set", "id": 1, "changes": 5}',
        '{"do": "set", "id": 1, "changes": {"q": "x"}}',
        '{"do": "visit", "id": 1, "station": "../workshop"}',
        '{"do": "step", "id": 1, "unit": "batch"}',
        '{"do": "act", "id": 1, "name": "__class__", "arguments": {}}',
        '{"do": "act", "id": 1, "name": "drag", "arguments": {"which": "q"}}',
        '{"do": "open", "id": 1, "link": "#station=workshop&n=1e9"}',
        '{"do": "open", "id": 1, "link": "station=workshop&run=9;9;9"}',
        '{"do": "open", "id": 1, "link": "%ff=1"}',
        '{"do": "load", "id": 1}',
        " " * (MAX_TEXT + 1),
    ],
)
def test_wrong_messages_get_an_error_and_end_nothing(door, message):
    with tab(*door) as one:
        one.socket.send_text(message)
        answer = json.loads(one.socket.receive_text())
        assert answer["type"] == "error"
        assert answer["message"]
        assert "\n" not in answer["message"].rstrip()
        assert "Traceback" not in answer["message"]
        assert one.ask("hello")["type"] == "reply"


@pytest.mark.parametrize("data", [b"", b"\x00", b"\xff\xff\xff\xff{}", b"\x02\x00\x00\x00{]"])
def test_wrong_binary_messages(door, data):
    with tab(*door) as one:
        one.socket.send_bytes(data)
        assert json.loads(one.socket.receive_text())["type"] == "error"
        assert one.ask("hello")["type"] == "reply"


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("a.csv", b"a,t\n" + b"1,2\n" * (MAX_BYTES // 4), "bytes; the playground takes"),
        ("a.csv", b"PAR1....", "only plain CSV"),
        ("a.csv.gz", b"\x1f\x8b\x08\x00", "only plain CSV"),
        ("a.csv", b"", "a.csv"),
        ("a.csv", b"a,b\n", "no rows"),
        ("a.csv", b"\x00\x01\x02\xff\xfe", "a.csv"),
        ("a.csv", b"a,t\n" + b"1,2\n" * 20_001, "20,000"),
        ("a.csv", (",".join(f"c{i}" for i in range(90)) + "\n").encode() * 3, "."),
    ],
)
def test_uploads_are_bounded_and_told_in_words(door, name, data, words):
    with tab(*door) as one:
        one.ask("visit", station="workshop")
        before = one.ask("state")["settings"]
        with pytest.raises(RefusedError, match=words):
            one.ask("load_table", data, name=name)
        assert one.ask("state")["settings"] == before
        assert one.ask("hello")["table"]["columns"] == []


def test_an_uploads_name_is_no_path(door, tmp_path):
    secret = tmp_path / "secret.csv"
    secret.write_text("a,t\n1,2\n3,4\n5,6\n7,8\n")
    with tab(*door) as one:
        one.ask("visit", station="workshop")
        reply = one.ask("load_table", b"x,y\n1,0\n2,1\n3,0\n4,1\n", name=f"../../{secret}")
        assert reply["table"] == {"name": "secret.csv", "columns": ["x", "y"]}
        with pytest.raises(RefusedError, match="no argument"):
            one.ask("load_table", b"x", name="a.csv", path=str(secret))


def test_a_table_is_opened_by_upload_alone(door, tmp_path):
    """The link names columns; no setting of it names a file that the server would read."""
    (tmp_path / "t.csv").write_text("a,t\n1,2\n3,4\n")
    with tab(*door) as one, pytest.raises(RefusedError, match="no table yet"):
        one.ask("open", link=f"station=workshop&data=table&target={tmp_path}/t.csv")


def test_hostile_state_files(door):
    with tab(*door) as one:
        one.ask("visit", station="workshop")
        for data in (b"", b"\x80\x04\x95", b"\xff" * 64, b"\x00" * 4096):
            with pytest.raises(RefusedError, match=r"workshop\.safetensors"):
                one.ask("load", data)
        good = one.ask("save")["file"]
        with pytest.raises(RefusedError):
            one.ask("load", good[: len(good) // 2])


def threads_of_sessions() -> int:
    return sum(thread.name == "playground session" for thread in threading.enumerate())


def test_a_closed_tab_stops_its_training(door):
    before = threads_of_sessions()
    with tab(*door) as one:
        one.ask("visit", station="workshop")
        one.ask("train", speed="most")
        session = next(iter(door[0].app.state.sessions))
        assert threads_of_sessions() == before + 1
    deadline = time.monotonic() + 5
    while threads_of_sessions() > before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert threads_of_sessions() == before
    step = session.run.step
    time.sleep(0.1)
    assert session.run.step == step
    assert not door[0].app.state.sessions


def test_ten_tabs_train_side_by_side_and_alike(door):
    client, access = door
    tabs = [tab(client, access) for _ in range(10)]
    opened = [each.__enter__() for each in tabs]
    try:
        for seed, one in enumerate(opened):
            one.ask("open", link=f"station=workshop&seed={seed % 2}")
        for one in opened:
            one.ask("train", speed="most")
        for one in opened:
            while one.frame["numbers"]["step"] < 50:
                one.receive()
            one.ask("pause")  # at once, so that it takes no time from the others
        for one in opened:
            one.ask("seek", step=50)
            one.settle()
        losses = [one.frame["numbers"]["loss.train"] for one in opened]
        assert len(set(losses)) == 2
        assert losses[0::2] == [losses[0]] * 5
    finally:
        for each in tabs:
            each.__exit__(None, None, None)


def test_too_many_tabs_are_told(door, monkeypatch):
    monkeypatch.setattr(server_, "MAX_SESSIONS", 1)
    assert MAX_SESSIONS >= 10
    with tab(*door), pytest.raises(WebSocketDisconnect) as caught, tab(*door) as second:
        second.receive()
    assert caught.value.code == FULL
