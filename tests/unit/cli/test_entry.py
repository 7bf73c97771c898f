"""The moments before a command is loaded."""

import signal
import subprocess
import sys
import tomllib
from importlib import import_module
from pathlib import Path

import pytest

from angarium.cli import entry, errors
from tests.unit.cli.own_terminal import environment_of
from tests.waiting import PATIENCE_S

HELD_UP = """
import runpy, signal, sys
signal.signal(signal.SIGINT, getattr(signal, sys.argv.pop(1)))

class HoldUp:
    def find_spec(self, name, path=None, target=None):
        if name == "angarium.cli.main":
            print("loading", flush=True)
            sys.stdin.read()

sys.meta_path.insert(0, HoldUp())
runpy.run_module("angarium", run_name="__main__")
"""
"""Loads the program and stops in the middle until stdin ends."""


def loading(handler: str) -> "subprocess.Popen[str]":
    process = subprocess.Popen(
        [sys.executable, "-c", HELD_UP, handler, "version"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment_of({}),
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "loading\n"
    process.send_signal(signal.SIGINT)
    return process


def test_an_interrupt_while_the_program_is_loaded_ends_it_without_a_word() -> None:
    with loading("default_int_handler") as process:
        assert process.wait(PATIENCE_S) == errors.EXIT_INTERRUPTED
        assert process.communicate() == ("", "")


def test_an_interrupt_that_is_ignored_stays_so() -> None:
    with loading("SIG_IGN") as process:
        out, err = process.communicate(timeout=PATIENCE_S)
        assert (process.returncode, err) == (0, "")
        assert out.startswith("angarium ")


def test_a_loaded_command_is_interrupted_as_ever(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["angarium", "version"])
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        assert entry.main() == 0
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)
    assert capsys.readouterr().out.startswith("angarium ")


def test_the_installed_command_begins_here() -> None:
    project = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text())["project"]
    module, name = project["scripts"]["angarium"].split(":")
    assert getattr(import_module(module), name) is entry.main
