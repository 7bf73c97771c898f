"""What the settings say about browsers reaches the server."""

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest

from angarium.api.request_headers import Headers
from angarium.clock import SystemClock
from angarium.config import Settings
from angarium.config.users import DEMO_USERS, ConfiguredUser
from angarium.domain.errors import Refused, StoreUnavailable
from angarium.domain.user import User
from angarium.engines.secrets.passwords import ScryptHasher
from angarium.services.users import Provisioning
from angarium.wiring import admit_configured_users, embedded_engine, http_server
from angarium.wiring.administration import has_public_logins
from angarium.wiring.api import host_check
from tests.fakes.raw_client import Answer, RawClient
from tests.fakes.serving import Running
from tests.fakes.users import MemoryUsers

PAGE = "https://chat.example.org"


@contextmanager
def served(folder: Path, **settings: str) -> Iterator[str]:
    """Serve what `angarium serve` would, on a free port."""
    given = {"ANGARIUM_PORT": "0", "ANGARIUM_DATA": str(folder / "data"), **settings}
    read = Settings.from_env(given, command="serve")
    clock = SystemClock()
    with embedded_engine(read, clock, "angarium-1") as engine:
        running = Running(http_server(read, engine, clock))
        try:
            yield running.url.replace("0.0.0.0", "127.0.0.1")
        finally:
            running.end()


def asked(url: str, host: str, *fields: str) -> Answer:
    lines = ["GET /health/live HTTP/1.1", f"Host: {host}", *fields, "", ""]
    with RawClient(url) as client:
        return client.ask("\r\n".join(lines).encode())


def own_users(folder: Path) -> str:
    path = folder / "users.json"
    path.write_text(json.dumps([{"username": "erin", "password": "long and hard to guess"}]))
    return str(path)


def statuses(url: str, *hosts: str) -> list[int]:
    return [asked(url, host).status for host in hosts]


def test_with_demo_users_only_the_services_own_hosts_are_answered(tmp_path: Path) -> None:
    with served(tmp_path) as url:
        own = url.removeprefix("http://")
        assert statuses(url, own, "localhost", "[::1]:1") == [200] * 3
        assert statuses(url, "evil.example", "api", "192.0.2.9", "0.0.0.0") == [421] * 4


def test_the_host_of_an_absolute_target_counts(tmp_path: Path) -> None:
    with served(tmp_path) as url, RawClient(url) as client:
        for target, host, status in (
            ("http://evil.example", "localhost", 421),
            ("http://localhost:1", "evil.example", 200),
        ):
            head = f"GET {target}/health/live HTTP/1.1\r\nHost: {host}\r\n\r\n"
            assert client.ask(head.encode()).status == status


def test_with_users_of_ones_own_any_host_is(tmp_path: Path) -> None:
    with served(tmp_path, ANGARIUM_USERS=own_users(tmp_path)) as url:
        assert statuses(url, "evil.example") == [200]


def test_where_the_demo_users_were_kept_beside_them_the_check_stays(tmp_path: Path) -> None:
    with served(tmp_path, ANGARIUM_USERS=own_users(tmp_path), ANGARIUM_DEMO="1") as url:
        assert statuses(url, "evil.example", "localhost") == [421, 200]


def test_where_demo_users_are_left_in_the_store_the_check_stays(tmp_path: Path) -> None:
    """They can still log in with passwords that everybody knows."""
    given = {"ANGARIUM_DATA": str(tmp_path / "data")}
    settings, clock = Settings.from_env(given, command="serve"), SystemClock()
    with embedded_engine(settings, clock, "angarium-1") as engine:
        for user in settings.users:
            assert user.password_hash is not None
            Provisioning(engine.users, ScryptHasher(), clock).put_hash(
                user.username, user.password_hash
            )
    with served(tmp_path, ANGARIUM_USERS=own_users(tmp_path)) as url:
        assert statuses(url, "evil.example", "localhost") == [421, 200]


def test_a_demo_user_with_a_new_password_in_the_file_brings_no_check(tmp_path: Path) -> None:
    """It is valid at once, and stored some time after the start."""
    path = tmp_path / "users.json"
    path.write_text(json.dumps([{"username": "alice", "password": "long and hard to guess"}]))
    given = {"ANGARIUM_DATA": str(tmp_path / "data"), "ANGARIUM_USERS": str(path)}
    settings, clock = Settings.from_env(given, command="serve"), SystemClock()
    demo = next(user for user in DEMO_USERS if user.username == "alice")
    assert demo.password_hash is not None
    with embedded_engine(settings, clock, "angarium-1") as engine:
        Provisioning(engine.users, ScryptHasher(), clock).put_hash("alice", demo.password_hash)
        assert has_public_logins(settings, engine.users)
        configured = admit_configured_users(settings, engine.users, clock)
        assert not has_public_logins(settings, engine.users, configured)


def test_with_an_own_user_whose_password_anybody_can_guess_the_check_stays(
    tmp_path: Path,
) -> None:
    path = tmp_path / "users.json"
    path.write_text(json.dumps([{"username": "erin", "password": "erin-demo"}]))
    with served(tmp_path, ANGARIUM_USERS=str(path)) as url:
        assert statuses(url, "evil.example", "localhost") == [421, 200]


def test_a_store_that_does_not_answer_brings_no_check() -> None:
    class Away(MemoryUsers):
        def get(self, user_id: UUID) -> User | None:
            raise StoreUnavailable("away")

    settings = Settings.from_env({"ANGARIUM_DEMO": "1"})
    own = replace(settings, demo=False, users=(ConfiguredUser("erin", "long and hard"),))
    assert not has_public_logins(own, Away())


def test_a_name_to_listen_on_and_the_address_behind_it_are_its_own(tmp_path: Path) -> None:
    with served(tmp_path, ANGARIUM_HOST="localhost") as url:
        assert statuses(url, "localhost:1", url.removeprefix("http://"), "evil.example") == [
            200,
            200,
            421,
        ]


def test_the_address_behind_a_name_is_its_own_as_the_start_names_it() -> None:
    def lookup(
        *_: object,
    ) -> list[tuple[socket.AddressFamily, socket.SocketKind, int, str, tuple[str, int]]]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.0.2.1", 0))]

    settings = Settings.from_env({"ANGARIUM_HOST": "demo.lan", "ANGARIUM_DEMO": "1"})
    check = host_check(settings, True, lookup)
    assert check is not None
    for host in ("demo.lan:8080", "192.0.2.1:8080"):
        check.check(Headers([("Host", host)]))
    with pytest.raises(Refused):
        check.check(Headers([("Host", "192.0.2.9")]))


def test_on_every_address_a_web_sites_name_is_still_refused(tmp_path: Path) -> None:
    with served(tmp_path, ANGARIUM_HOST="0.0.0.0", ANGARIUM_DEMO="1") as url:
        assert statuses(url, "192.0.2.9:8080", "api", "localhost") == [200] * 3
        assert statuses(url, "evil.example", "demo.example.org") == [421] * 2


def test_the_published_address_counts_and_not_the_containers(tmp_path: Path) -> None:
    with served(tmp_path, ANGARIUM_HOST="0.0.0.0", ANGARIUM_PUBLISHED_HOST="127.0.0.1") as url:
        assert statuses(url, "localhost", "127.0.0.1:8080") == [200] * 2
        assert statuses(url, "evil.example", "192.0.2.9") == [421] * 2


def test_the_origins_that_may_call_are_hosts_of_its_own_and_get_their_fields(
    tmp_path: Path,
) -> None:
    with served(tmp_path, ANGARIUM_CORS_ORIGINS=f"{PAGE},http://[2001:db8::9]:3000") as url:
        assert statuses(url, "chat.example.org:8443", "[2001:db8::9]", "evil.example") == [
            200,
            200,
            421,
        ]
        allowed = asked(url, "localhost", f"Origin: {PAGE}")
        assert allowed.headers["access-control-allow-origin"] == PAGE
        preflight = preflight_of(url)
        assert preflight.status == 204
        assert preflight.headers["access-control-allow-methods"] == "GET, HEAD, OPTIONS"


def preflight_of(url: str) -> Answer:
    lines = [
        "OPTIONS /v1/inbox HTTP/1.1",
        "Host: localhost",
        f"Origin: {PAGE}",
        "Access-Control-Request-Method: GET",
        "",
        "",
    ]
    with RawClient(url) as client:
        return client.ask("\r\n".join(lines).encode())


@pytest.mark.parametrize("name", ["Vary", "Access-Control-Allow-Origin"])
def test_without_the_setting_no_page_is_spoken_to(tmp_path: Path, name: str) -> None:
    with served(tmp_path) as url:
        assert name.lower() not in asked(url, "localhost", f"Origin: {PAGE}").headers
