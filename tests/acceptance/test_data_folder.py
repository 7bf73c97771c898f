"""The data folder of a running service is moved, replaced or stripped
of its lock.
"""

from pathlib import Path

from tests.acceptance.caller import Caller
from tests.acceptance.service import Service, run_cli, running, until


def errors(service: Service) -> list[str]:
    return [
        str(line["message"])
        for line in service.log_lines()
        if line["action"] == "data_folder_lost"
    ]


def test_a_moved_folder_takes_nothing_and_serves_on_once_it_is_back(folder: Path) -> None:
    with running(folder) as service, Caller(service.url).log_in("alice") as alice:
        conversation = alice.open_conversation("bob")
        assert alice.send(conversation, "before").status == 202
        data = folder / "data"
        data.rename(folder / "elsewhere")
        refused = alice.send(conversation, "meanwhile")
        assert (refused.status, refused.body["code"]) == (503, "log_unavailable")
        unread = alice.call("GET", f"/v1/conversations/{conversation}/messages")
        assert (unread.status, unread.body["code"]) == (503, "store_unavailable")
        ready = alice.call("GET", "/health/ready")
        assert (ready.status, ready.body["status"]) == (503, "unavailable")
        assert alice.call("GET", "/health/live").status == 200
        assert [line for line in errors(service) if str(data) in line] != []

        # Another service may have the place; this one leaves its files
        # alone.
        with running(folder / "other", ANGARIUM_DATA=str(data)) as other:
            assert alice.send(conversation, "meanwhile").status == 503
            assert other.terminate() == 0
        kept = {path.name: path.read_bytes() for path in data.iterdir()}
        data.rename(folder / "other" / "data")
        (folder / "elsewhere").rename(data)

        until(lambda: alice.call("GET", "/health/ready").status == 200, "ready again")
        assert alice.send(conversation, "after").status == 202
        until(lambda: len(alice.history(conversation)) == 2, "both accepted messages")
        assert [row["content"] for row in alice.history(conversation)] == ["before", "after"]
        assert service.terminate() == 0
        assert {
            path.name: path.read_bytes() for path in (folder / "other" / "data").iterdir()
        } == kept


def test_beside_a_removed_lock_a_second_service_is_refused(folder: Path) -> None:
    with running(folder) as service, Caller(service.url).log_in("alice") as alice:
        conversation = alice.open_conversation("bob")
        (folder / "data" / "lock").unlink()
        second = run_cli("serve", ANGARIUM_PORT="0", ANGARIUM_DATA=str(folder / "data"))
        assert second.returncode in {1, 2}
        assert "in use by another service" in second.stderr
        assert alice.send(conversation, "still here").status == 202
