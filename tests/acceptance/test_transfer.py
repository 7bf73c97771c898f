"""Export and import as processes, on the embedded engine."""

import json
import random
import resource
import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from time import time

import pytest

from angarium.domain.message import Message, MessagePosition
from angarium.services.transfer.entries import Header
from tests.acceptance import moving
from tests.acceptance.caller import Caller, conversation_id
from tests.acceptance.service import PATIENCE, Service, environment, run_cli, running, until
from tests.unit.services.transfer.sample import conversation, delivered, message, user, write

DAY_MS = 86_400_000


def data(folder: Path) -> dict[str, str]:
    """Return the settings of the data folder that `running` uses."""
    return {"ANGARIUM_DATA": str(folder / "data")}


def export(folder: Path, file: Path) -> None:
    done = run_cli("export", str(file), ANGARIUM_DATA=str(folder / "data"))
    assert done.returncode == 0, done.stderr


def import_(folder: Path, file: Path) -> "subprocess.CompletedProcess[str]":
    folder.mkdir(exist_ok=True)
    return run_cli("import", str(file), ANGARIUM_DATA=str(folder / "data"))


def content(file: Path) -> list[str]:
    """Return all lines but the first and the last."""
    return file.read_text().splitlines()[1:-1]


def sample(messages: int, conversations: int = 3) -> bytes:
    """Return an export of some size."""
    names = ["alice", *(f"user{number:04}" for number in range(conversations))]
    pairs = sorted(
        (conversation(names[0], other) for other in names[1:]),
        key=lambda each: each.conversation_id,
    )
    of = {conversation(names[0], other).conversation_id: other for other in names[1:]}
    lines: list[Message] = []
    for each in pairs:
        other = of[each.conversation_id]
        for number in range(messages // conversations):
            sent = message(*(("alice", other) if number % 3 else (other, "alice")), number)
            lines.append(delivered(sent, sent.position.timestamp + 9) if number % 2 else sent)
    return write([Header(int(time() * 1000), "0"), *map(user, names), *pairs, *lines])


def marker(folder: Path) -> tuple[int, int] | None:
    """Return how many lines of an import are durable, and if it is
    finished.
    """
    path = folder / "data" / "angarium.db"
    if not path.exists():
        return None
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=30)) as connection:
            found: tuple[int, int] | None = connection.execute(
                "SELECT lines, is_finished FROM imports"
            ).fetchone()
    except sqlite3.OperationalError:
        return None
    return found


def test_everything_is_as_before_in_another_folder(folder: Path) -> None:
    file = folder / "export.jsonl"
    with running(folder / "from") as service:
        moving.talk(service.url)
        before = {name: moving.look(service.url, name) for name in ("alice", "bob")}
        export(folder / "from", file)
    assert file.stat().st_mode & 0o777 == 0o600
    done = import_(folder / "to", file)
    assert (done.returncode, done.stderr) == (0, "")
    assert "2 conversations, 37 messages, sha256 " in done.stdout
    again = folder / "again.jsonl"
    export(folder / "to", again)
    assert content(again) == content(file)
    with running(folder / "to", ANGARIUM_PARTITIONS="12") as service:
        moving.require_the_same(service.url, before)
        moving.require_life_goes_on(service.url, before, turn="after the move")


def test_another_group_begins_behind_what_was_imported_too(folder: Path) -> None:
    """The file is of tomorrow: to it every clock has stepped back."""
    tomorrow = int(time() * 1000) + DAY_MS
    first, second = (
        message("alice", "bob", each)._replace(position=MessagePosition(tomorrow, each))
        for each in (5, 6)
    )
    people = [user(name) for name in ("alice", "bob")]
    file = folder / "export.jsonl"
    file.write_bytes(write([Header(0, "0"), *people, conversation("alice", "bob"), first, second]))
    assert import_(folder, file).returncode == 0
    pair = conversation_id("alice", "bob")
    for number, group in enumerate(("router", "another")):
        with (
            running(folder, ANGARIUM_GROUP=group) as service,
            closing(Caller(service.url).log_in("alice")) as alice,
        ):
            assert alice.send(pair, f"new {number}").status == 202
            until(partial(has, alice, pair, 3 + number), "it is stored")
            texts = [row["content"] for row in alice.history(pair)]
            assert texts[:2] == ["hello", "hello"]
            assert texts[2:] == [f"new {each}" for each in range(number + 1)]


def has(caller: Caller, pair: str, count: int) -> bool:
    """Return whether so many messages are stored."""
    return len(caller.history(pair)) == count


def test_an_import_that_is_killed_at_random_moments_ends_well(folder: Path) -> None:
    file = folder / "export.jsonl"
    file.write_bytes(sample(12_000))
    lines = file.read_bytes().count(b"\n")
    command = [sys.executable, "-m", "angarium", "import", str(file)]
    refusals = 0
    for part in sorted(random.sample(range(1, 100), 4)):
        with subprocess.Popen(
            command, env=environment(**data(folder)), stdout=subprocess.DEVNULL
        ) as process:
            enough = partial(passed, folder, process, part * lines // 120)
            until(enough, "the import is so far")
            process.kill()
        found = marker(folder)
        if found is not None and not found[1]:
            refusals += 1
            refused = run_cli("serve", ANGARIUM_PORT="0", ANGARIUM_DATA=str(folder / "data"))
            assert refused.returncode == 2
            assert "holds an import that has not ended" in refused.stderr
            assert refused.stderr.count("\n") == 1
            backup = folder / "backup.jsonl"
            refused = run_cli("export", str(backup), ANGARIUM_DATA=str(folder / "data"))
            assert refused.returncode == 2
            assert "holds an import that has not ended" in refused.stderr
            assert not backup.exists()
    assert refusals
    done = import_(folder, file)
    assert done.returncode == 0, done.stderr
    again = folder / "again.jsonl"
    export(folder, again)
    assert content(again) == content(file)
    with running(folder) as service:
        assert service.url


def passed(folder: Path, process: "subprocess.Popen[bytes]", lines: int) -> bool:
    """Return whether an import is so far, or has ended."""
    found = marker(folder)
    return process.poll() is not None or (found is not None and found[0] >= lines)


def test_an_import_beside_a_service_or_another_import_is_refused(folder: Path) -> None:
    file = folder / "export.jsonl"
    with running(folder / "from") as service:
        moving.talk(service.url)
        export(folder / "from", file)
        done = import_(folder / "from", file)
        assert done.returncode == 2
        assert "is in use by another service" in done.stderr
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", "angarium", "import", str(file)],
            env=environment(**data(folder)),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for _ in range(3)
    ]
    codes = sorted(process.wait(PATIENCE) for process in processes)
    assert codes[0] == 0
    assert set(codes) <= {0, 2}
    again = folder / "again.jsonl"
    export(folder, again)
    assert content(again) == content(file)


def test_a_target_that_has_served_is_refused_and_unchanged(folder: Path) -> None:
    file = folder / "export.jsonl"
    with running(folder) as service:
        moving.talk(service.url)
        export(folder, file)
    done = import_(folder, file)
    assert done.returncode == 1
    assert "records in its log: an import needs an empty target" in done.stderr
    with running(folder) as service:
        assert service.url


@pytest.mark.parametrize("line", [1, 3, 9, 20, 43])
def test_a_changed_line_is_named_and_nothing_is_made(folder: Path, line: int) -> None:
    file = folder / "export.jsonl"
    file.write_bytes(sample(36))
    lines = file.read_bytes().splitlines(keepends=True)
    lines[line - 1] = lines[line - 1].replace(b"0", b"1", 1)
    file.write_bytes(b"".join(lines))
    done = import_(folder, file)
    assert done.returncode == 1
    assert f"export.jsonl: line {line} is refused: " in done.stderr
    assert done.stderr.count("\n") == 1
    assert marker(folder) is None


def test_what_is_no_file_is_refused_without_a_wait(folder: Path) -> None:
    for path, reason in ((folder, "is not a regular file"), (folder / "none", "No such file")):
        done = import_(folder, path)
        assert done.returncode == 1
        assert reason in done.stderr


def limited(command: Sequence[str], size: int, folder: Path) -> "subprocess.CompletedProcess[str]":
    """Run a command that may write no file beyond a size, which fails
    like a full disk.
    """
    return subprocess.run(
        [sys.executable, "-m", "angarium", *command],
        env=environment(**data(folder)),
        capture_output=True,
        text=True,
        timeout=2 * PATIENCE,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size)),
    )


def test_a_full_disk_ends_both_with_one_line_and_is_no_harm(folder: Path) -> None:
    file, copy = folder / "export.jsonl", folder / "copy.jsonl"
    file.write_bytes(sample(6_000))
    failed = limited(["import", str(file)], 1_000_000, folder)
    assert failed.returncode == 1
    assert failed.stderr.splitlines()[-1].startswith("angarium: ")
    assert "Traceback" not in failed.stderr
    assert import_(folder, file).returncode == 0
    failed = limited(["export", str(copy)], 500_000, folder)
    assert failed.returncode == 1
    assert failed.stderr == f"angarium: {copy} cannot be written: File too large\n"
    assert sorted(each.name for each in folder.iterdir()) == ["data", "export.jsonl"]
    export(folder, copy)
    assert content(copy) == content(file)


def test_an_export_goes_into_a_pipe_that_may_break(folder: Path) -> None:
    file = folder / "export.jsonl"
    file.write_bytes(sample(6_000))
    assert import_(folder, file).returncode == 0
    with subprocess.Popen(
        [sys.executable, "-m", "angarium", "export"],
        env=environment(**data(folder)),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        first = json.loads(process.stdout.readline())
        process.stdout.close()
        assert first["angarium_export"] == 1
        assert process.wait(PATIENCE) == 141
        assert process.stderr.read() == b""


def test_what_is_accepted_and_not_stored_is_not_left_out_silently(folder: Path) -> None:
    file, pair = folder / "export.jsonl", conversation_id("alice", "bob")
    service = Service(folder, ("serve", "--no-worker"))
    with closing(service.start()), closing(Caller(service.url).log_in("alice")) as alice:
        alice.open_conversation("bob")
        assert alice.send(pair, "accepted").status == 202
        done = run_cli("export", str(file), ANGARIUM_DATA=str(folder / "data"))
        assert done.returncode == 1
        assert "not stored yet: 1 accepted record of the log" in done.stderr
        assert not file.exists()
        options = ("--stored-only", str(file))
        done = run_cli("export", *options, ANGARIUM_DATA=str(folder / "data"))
        assert done.returncode == 0
        assert not any("accepted" in line for line in content(file))
    with running(folder):
        export(folder, file)
        assert "accepted" in content(file)[-1]


def test_an_export_makes_no_data_folder(folder: Path) -> None:
    done = run_cli("export", ANGARIUM_DATA=str(folder / "data"))
    assert done.returncode == 1
    assert "there is no data in" in done.stderr
    assert not (folder / "data").exists()


def test_a_service_that_never_ran_is_imported_into(tmp_path: Path) -> None:
    """Users who are configured are there, and nothing else."""
    file = tmp_path / "export.jsonl"
    file.write_bytes(sample(36))
    with running(tmp_path) as service:
        assert isinstance(service, Service)
    done = import_(tmp_path, file)
    assert done.returncode == 0, done.stderr
