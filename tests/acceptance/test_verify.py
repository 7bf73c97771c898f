"""`angarium verify` against the real program, which is killed
meanwhile.
"""

import json
import subprocess
import sys
from collections import Counter
from functools import partial
from pathlib import Path

import pytest

from tests.acceptance.service import PATIENCE, Service, environment, run_cli, until

MESSAGES = 400


def has_accepted(ledger: Path, goal: int) -> bool:
    """Say whether a ledger has at least so many accepted messages."""
    return entries(ledger)["accepted"] >= goal


def entries(path: Path) -> Counter[str]:
    lines = path.read_text().splitlines() if path.exists() else []
    return Counter(json.loads(line)["entry"] for line in lines if line.endswith("}"))


@pytest.mark.storm
@pytest.mark.timeout(300)
def test_a_run_through_a_kill_9_states_that_every_promise_was_kept(folder: Path) -> None:
    service = Service(folder).start()
    ledger = folder / "ledger.jsonl"
    try:
        with subprocess.Popen(
            [
                *(sys.executable, "-m", "angarium", "verify", "--json", "--url", service.url),
                *("--messages", str(MESSAGES), "--rate", "100", "--ledger", str(ledger)),
            ],
            env=environment(XDG_CONFIG_HOME=str(folder)),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as verify:
            for kill in (1, 2):
                goal = kill * MESSAGES // 4
                until(partial(has_accepted, ledger, goal), f"{goal} are accepted")
                service.kill()
                service.start()
            out, err = verify.communicate(timeout=PATIENCE * 2)
        assert verify.returncode == 0, (out, err)
        report = json.loads(out)
        assert report["kept"] is True
        assert report["sent"] == report["accepted"] == MESSAGES
        assert report["retries"] > 0, "the kills were not felt, so nothing was tested"
        assert report["confirmed"] > 0
        assert entries(ledger)["accepted"] == MESSAGES

        again = run_cli("verify", "--check", "--ledger", str(ledger), "--url", service.url)
        assert again.returncode == 0, again.stdout
        assert again.stdout.endswith("every promise was kept\n")

        with ledger.open("a") as file:
            for line in ({"entry": "sent", "content": "never sent"}, {"entry": "accepted"}):
                first = json.loads(ledger.read_text().splitlines()[0])
                entry = {
                    **line,
                    "conversation_id": first["conversation_id"],
                    "message_id": "invented",
                }
                file.write(json.dumps(entry) + "\n")
                file.flush()
        arguments = (
            "verify",
            "--check",
            "--ledger",
            str(ledger),
            "--url",
            service.url,
            "--patience",
            "0",
        )
        lying = run_cli(*arguments)
        assert lying.returncode == 1
        assert "lost: invented" in lying.stdout
        assert lying.stdout.endswith("promises were broken\n")
    finally:
        service.close()


def test_the_messages_of_named_users_are_verified_with_passwords_from_stdin(
    service: Service, folder: Path
) -> None:
    done = run_cli(
        *("verify", "--url", service.url, "--as", "alice", "--with", "bob", "--messages", "25"),
        stdin="alice-demo\nbob-demo\n",
        XDG_CONFIG_HOME=str(folder),
    )
    assert done.returncode == 0, done
    assert "every promise was kept" in done.stdout
    assert done.stderr == ""
