"""The scripts of `angarium completion`, in the real shells."""

import os
import pty
import re
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from angarium.cli import main as main_module
from tests.unit.cli.conftest import Shell

PATIENCE_S = 60.0
CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x07")

CASES = [
    ("", {"send", "history", "completion", "--help", "--version"}, {"add", "--json"}),
    ("hi", {"history"}, {"send"}),
    ("users ", {"add", "hash", "--json"}, {"send"}),
    ("users a", {"add"}, {"hash"}),
    ("dead replay --", {"--all", "--json"}, {"--limit"}),
    ("history bob --l", {"--limit"}, {"--all"}),
    ("--as alice history --fo", {"--follow"}, {"--json"}),
    ("completion ", {"bash", "zsh", "fish"}, {"send"}),
]
"""What is typed behind `angarium `, what is offered then, what not."""


def required(name: str) -> str:
    """Find a shell; without it the test is skipped, but in CI."""
    found = shutil.which(name)
    if found is None:
        message = f"NOT TESTED: {name} is not installed; apt-get install {name}"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    return found


@pytest.fixture
def scripts(shell: Shell, tmp_path: Path) -> Path:
    for name in ("bash", "zsh", "fish"):
        assert shell.run("completion", name) == 0
        (tmp_path / f"angarium.{name}").write_text(shell.out)
    return tmp_path


def run(command: Sequence[str], folder: Path) -> str:
    ran = subprocess.run(
        command,
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": str(folder), "LC_ALL": "C.UTF-8"},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert (ran.returncode, ran.stderr) == (0, ""), ran
    return ran.stdout


@pytest.mark.parametrize(("line", "offered", "not_offered"), CASES)
def test_bash_completes(
    line: str, offered: set[str], not_offered: set[str], scripts: Path
) -> None:
    words = ["angarium", *line.split(" ")]
    quoted = " ".join(f"'{word}'" for word in words)
    script = (
        "source angarium.bash; complete -p angarium >/dev/null || exit 1\n"
        f"COMP_WORDS=({quoted}); COMP_CWORD={len(words) - 1}; _angarium\n"
        'printf "%s\\n" "${COMPREPLY[@]}"'
    )
    found = set(run([required("bash"), "--norc", "-c", script], scripts).split())
    assert offered <= found
    assert not found & not_offered


@pytest.mark.parametrize(("line", "offered", "not_offered"), CASES)
def test_fish_completes(
    line: str, offered: set[str], not_offered: set[str], scripts: Path
) -> None:
    # fish offers options only behind a dash.
    dashed = line.split(" ")[-1].startswith("-")
    expected = {word for word in offered if word.startswith("-") == dashed}
    script = f"source angarium.fish; complete -C 'angarium {line}'"
    out = run([required("fish"), "--no-config", "-c", script], scripts)
    found = {row.split("\t")[0] for row in out.splitlines()}
    assert expected <= found
    assert not found & not_offered
    if line == "hi":
        assert "history\tshow a conversation" in out


def test_fish_offers_files_only_where_a_file_is_wanted(scripts: Path) -> None:
    fish = [required("fish"), "--no-config", "-c"]
    source = "source angarium.fish; complete -C"
    assert "angarium.zsh" in run(
        [*fish, f"{source} 'angarium verify --ledger angarium.z'"], scripts
    )
    assert run([*fish, f"{source} 'angarium inbox angarium.z'"], scripts) == ""
    assert run([*fish, f"{source} 'angarium inbox --as angarium.z'"], scripts) == ""


def test_bash_offers_files_only_where_a_file_is_wanted(scripts: Path) -> None:
    def offered(*words: str) -> str:
        quoted = " ".join(f"'{word}'" for word in words)
        script = (
            f"source angarium.bash; COMP_WORDS=({quoted}); COMP_CWORD={len(words) - 1}\n"
            '_angarium; printf "%s\\n" "${COMPREPLY[@]}"'
        )
        return run([required("bash"), "--norc", "-c", script], scripts).strip()

    assert offered("angarium", "verify", "--ledger", "angarium.z") == "angarium.zsh"
    assert offered("angarium", "inbox", "angarium.z") == ""
    assert offered("angarium", "inbox", "--as", "angarium.z") == ""


class Typed:
    """An interactive shell in a terminal, in which a person types."""

    def __init__(self, command: Sequence[str], folder: Path) -> None:
        self._near, far = pty.openpty()
        self._process = subprocess.Popen(
            command,
            cwd=folder,
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(folder),
                "TERM": "xterm",
                "LC_ALL": "C.UTF-8",
                "PS1": "ready> ",
            },
            stdin=far,
            stdout=far,
            stderr=far,
            start_new_session=True,
        )
        os.close(far)
        self.shown = ""

    def type(self, text: str) -> None:
        os.write(self._near, text.encode())

    def wait_for(self, text: str) -> None:
        give_up = time.monotonic() + PATIENCE_S
        while text not in CONTROL.sub("", self.shown):
            assert time.monotonic() < give_up, f"no {text!r} in {self.shown!r}"
            readable, _, _ = select.select([self._near], [], [], 1.0)
            if readable:
                self.shown += os.read(self._near, 4096).decode(errors="replace")

    def close(self) -> None:
        self._process.kill()
        self._process.wait(PATIENCE_S)
        os.close(self._near)


@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        ("angarium whoa\t", "mi "),
        ("angarium users ha\t", "sh "),
        ("angarium inbox --conf\t", "irm "),
    ],
)
@pytest.mark.parametrize("name", ["zsh", "bash"])
def test_a_tab_completes(name: str, typed: str, completed: str, scripts: Path) -> None:
    flags = {"zsh": ["-f", "-i"], "bash": ["--norc", "--noprofile", "-i"]}[name]
    load = {"zsh": "autoload -Uz compinit; compinit -u -d dump; ", "bash": ""}[name]
    shell = Typed([required(name), *flags], scripts)
    try:
        shell.wait_for("> ")
        shell.type(f"{load}. ./angarium.{name}; echo lo''aded\n")
        shell.wait_for("loaded")
        before = len(shell.shown)
        shell.type(typed)
        shell.wait_for(typed.strip() + completed)
        assert typed.strip() not in shell.shown[:before]
    finally:
        shell.close()


def test_zsh_shows_what_a_command_is_for(scripts: Path) -> None:
    shell = Typed([required("zsh"), "-f", "-i"], scripts)
    try:
        shell.wait_for("> ")
        shell.type("autoload -Uz compinit; compinit -u -d dump; . ./angarium.zsh; echo lo''aded\n")
        shell.wait_for("loaded")
        shell.type("angarium users \t")
        shell.wait_for("add a user, or give one a new password")
    finally:
        shell.close()


@pytest.mark.parametrize("name", ["bash", "zsh", "fish"])
def test_every_command_and_option_is_in_every_script(name: str, scripts: Path) -> None:
    script = (scripts / f"angarium.{name}").read_text()
    for command, parser in main_module._parser().commands.items():
        assert command in script
        for option in parser.options:
            if option.startswith("--"):
                assert (f"-l {option[2:]}" if name == "fish" else option) in script


def test_the_process_itself_prints_a_script() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "angarium", "completion", "bash"],
        capture_output=True,
        timeout=PATIENCE_S,
        check=True,
    )
    assert ran.stdout.startswith(b"# bash completion for angarium")
