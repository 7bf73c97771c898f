"""The parts of `make storm` that decide what is done, and what is said
of it.
"""

import json
from dataclasses import replace
from itertools import islice
from pathlib import Path

from tests.storm.faults import Fault, Kind, Outcome, planned
from tests.storm.summary import Summary
from tests.storm.tally import Tally

TARGETS = [("api", 1), ("api", 2), ("kafka", 1), ("cassandra-1", 1), ("haproxy", 1)]
FAULT = Fault(1.0, "kafka", 1, Kind.KILL, 2.0)
KEPT: dict[str, object] = {"sent": 5, "accepted": 4, "lost": 0}


def test_a_seed_draws_the_same_faults_again() -> None:
    one, other = (list(islice(planned(7, TARGETS, 10), 100)) for _ in range(2))
    assert one == other
    assert one != list(islice(planned(8, TARGETS, 10), 100))


def test_every_container_has_every_fault_at_the_interval_that_was_asked_for() -> None:
    faults = list(islice(planned(1, TARGETS, 10), 1000))
    assert {(each.service, each.number, each.kind) for each in faults} == {
        (*target, kind) for target in TARGETS for kind in Kind
    }
    pauses = dict.fromkeys(TARGETS, 0)
    for each in faults:
        pauses[each.service, each.number] += each.kind is Kind.PAUSE
    assert min(pauses["kafka", 1], pauses["cassandra-1", 1]) > 1.5 * max(
        pauses["api", 1], pauses["haproxy", 1]
    )
    assert [each.at for each in faults] == sorted(each.at for each in faults)
    assert 9_000 < faults[-1].at < 11_000


def test_accepted_messages_are_counted_while_the_ledger_grows(tmp_path: Path) -> None:
    ledger = tmp_path / "ledger.jsonl"
    tally = Tally([ledger, tmp_path / "not yet there"])
    assert tally.look() == 0
    accepted = json.dumps({"entry": "accepted", "conversation_id": "c", "message_id": "m"})
    sent = json.dumps({"entry": "sent", "content": accepted})
    ledger.write_text(f"{sent}\n{accepted}\n{accepted[:20]}")
    assert tally.look() == 1
    with ledger.open("a") as file:
        file.write(f"{accepted[20:]}\n")
    assert tally.look() == 2


def test_a_storm_is_only_kept_when_every_part_of_it_is() -> None:
    kept = Summary(
        1,
        verdicts=[(0, KEPT), (0, KEPT)],
        outcomes=[Outcome(FAULT, 3.0)],
        audit=(0, {"records": 7, "missing": []}),
    )
    assert kept.kept
    assert "audit: 7 records, no difference, exit 0" in list(kept.lines())
    assert not replace(kept, audit=None).kept
    accused = replace(kept, audit=(1, {"records": 7, "missing": [{}, {}]}))
    assert not accused.kept
    assert "audit: 7 records, 2 missing, exit 1" in list(accused.lines())
    assert not replace(kept, verdicts=[]).kept
    assert not replace(kept, verdicts=[(0, KEPT), (1, KEPT)]).kept
    slow = replace(kept, outcomes=[Outcome(FAULT, None, "not well")])
    assert slow.kept
    assert any(line.startswith("SLOW kill kafka-1") for line in slow.lines())
    assert not replace(kept, problems=["no engine"]).kept


def test_the_summary_adds_up_what_all_senders_found(tmp_path: Path) -> None:
    verdicts = [(0, KEPT), (1, KEPT | {"lost": 2})]
    summary = Summary(1, verdicts=verdicts, outcomes=[Outcome(FAULT, 3.0), Outcome(FAULT, 5.0)])
    counts = summary.counts()
    assert (counts["sent"], counts["accepted"], counts["lost"], counts["fallen"]) == (10, 8, 2, 0)
    assert summary.recoveries() == {"kill kafka": [3.0, 5.0]}
    assert list(summary.lines())[-1].startswith("NOT every promise")
    summary.write(tmp_path / "summary.json")
    assert json.loads((tmp_path / "summary.json").read_text())["counts"]["lost"] == 2
