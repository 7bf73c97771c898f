"""docs/http.md, the sections about health."""

from tests.contract.http.client import Client
from tests.waiting import until


def test_the_process_lives(stranger: Client) -> None:
    answer = stranger.get("/health/live")
    assert answer.status == 200
    assert answer.document() == {"status": "ok"}


def test_a_ready_service_tells_the_state_and_latency_of_what_it_needs(stranger: Client) -> None:
    until(lambda: stranger.get("/health/ready").status == 200, "being ready")
    answer = stranger.get("/health/ready")
    assert answer.at("status") == "ok"
    checks = answer.at("checks")
    assert isinstance(checks, dict)
    assert set(checks) == {"log", "store"}
    for check in checks.values():
        assert check["status"] == "ok"
        assert 0 <= check["latency_ms"] <= 1000
