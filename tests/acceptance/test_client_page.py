"""`docs/client.md`, the README and `examples/` do what they say, on the
real service.
"""

import os
import re
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from angarium import Client
from tests.acceptance.service import PATIENCE, Service, environment, until

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)
README_LINES = re.compile(r"^## From Python\n(.*?)^## ", re.DOTALL | re.MULTILINE)


def run_python(script: str, service: Service) -> str:
    """Run a program in a process of its own, at this service."""
    ran = subprocess.run(
        [
            sys.executable,
            "-c",
            script.replace("Client(timeout", f'Client("{service.url}", timeout'),
        ],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=PATIENCE * 2,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def test_every_example_of_the_page_runs(service: Service) -> None:
    blocks = BLOCK.findall((ROOT / "docs" / "client.md").read_text())
    assert len(blocks) >= 8
    script = "\n".join(blocks).replace("http://127.0.0.1:8080", service.url)
    script += """
texts = [one.text for one in alice.history("bob")]
assert texts.count("Only once.") == 1, "it was stored before what was followed"
assert len(recent) <= len(everything)
alice.close(), bob.close()
"""
    out = run_python(script, service)
    assert "alice wrote: Shall we meet at noon?" in out
    assert "\none\ntwo\n" in out
    assert "user_not_found 404" in out


def test_the_ten_lines_of_the_readme_run(service: Service) -> None:
    found = README_LINES.search((ROOT / "README.md").read_text())
    assert found is not None
    lines = [line for line in found[1].splitlines() if line.startswith("    ")]
    program = [line[4:] for line in lines if not line.startswith("    $ ")]
    assert 8 <= len(program) <= 12
    out = run_python("\n".join(program).replace("http://127.0.0.1:8080", service.url), service)
    assert "alice wrote: " in out


@pytest.mark.parametrize("kills", [0, 3])
def test_the_bot_answers_each_message_once_and_confirms_it(
    kills: int, service: Service, tmp_path: Path
) -> None:
    with Client(service.url).login("alice", "alice-demo") as alice:
        before = len(list(alice.history("carol")))

        def bot() -> "subprocess.Popen[str]":
            program = [sys.executable, str(ROOT / "examples" / "echo_bot.py"), "carol"]
            with (tmp_path / "out").open("a") as out:
                started = subprocess.Popen(
                    [*program, "--url", service.url],
                    env=environment(),
                    stdin=subprocess.PIPE,
                    stdout=out,
                    text=True,
                )
            assert started.stdin is not None
            started.stdin.write("carol-demo\n")
            started.stdin.close()
            return started

        for number in range(20):
            alice.send("carol", f"n{number}")
        for kill in range(kills):
            running = bot()
            goal = (kill + 1) * 3
            until(partial(has_answered, tmp_path, goal), f"{goal} answers")
            running.kill()
            running.wait(PATIENCE)
        running = bot()
        until(
            lambda: all(m.is_delivered for m in alice.history("carol") if m.sender == "alice"),
            "all are confirmed",
        )
        running.send_signal(signal.SIGINT)
        assert running.wait(PATIENCE) == 130
        until(lambda: len(list(alice.history("carol"))) >= before + 40, "all are answered")
        texts = [m.text for m in list(alice.history("carol"))[before:] if m.sender == "carol"]
        assert texts == [f"You wrote: n{number}" for number in range(20)]


def has_answered(folder: Path, goal: int) -> bool:
    out = folder / "out"
    return out.exists() and out.read_text().count("answered alice") >= goal


def test_the_lines_of_a_file_are_stored_in_order_each_once(
    service: Service, tmp_path: Path
) -> None:
    file = tmp_path / "lines.txt"
    file.write_text("".join(f"line {number}\n" for number in range(150)) + "\nlast\n")
    for _ in range(2):
        ran = subprocess.run(
            [
                *(sys.executable, str(ROOT / "examples" / "send_lines.py"), "alice", "dave"),
                *(str(file), "--url", service.url),
            ],
            env=environment(),
            input="alice-demo\n",
            capture_output=True,
            text=True,
            timeout=PATIENCE * 2,
            check=False,
        )
        assert (ran.returncode, ran.stderr) == (0, "")
        assert ran.stdout == "151 accepted\n151 stored\n"
    with Client(service.url).login("dave", "dave-demo") as dave:
        texts = [message.text for message in dave.history("alice")]
    assert texts == [*(f"line {number}" for number in range(150)), "last"]


@pytest.mark.parametrize("program", ["echo_bot.py bob", "send_lines.py alice bob README.md"])
def test_an_example_says_in_one_line_what_is_wrong(program: str, service: Service) -> None:
    name, *arguments = program.split()
    ran = subprocess.run(
        [sys.executable, str(ROOT / "examples" / name), *arguments, "--url", service.url],
        cwd=ROOT,
        env={**environment(), "PYTHONPATH": os.environ.get("PYTHONPATH", "")},
        input="guess\n",
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert ran.returncode == 1
    assert "invalid_credentials" in ran.stderr
    assert ran.stderr.count("\n") == 1
