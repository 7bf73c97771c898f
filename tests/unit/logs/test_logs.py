import io
import json
import logging
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from angarium import logs
from tests.unit.logs.lines import Stderr

_log = logs.get("angarium.test")


def run(program: str, stderr: int = subprocess.PIPE) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", program], stderr=stderr, text=True, timeout=60, check=False
    )


def test_a_line_says_who_wrote_it_and_what_happened(stderr: Stderr) -> None:
    _log.info("message_stored", "stored", partition=3)
    line = stderr.line()
    assert (line["service"], line["level"], line["action"]) == ("serve", "INFO", "message_stored")
    assert line["instance"] == f"{os.uname().nodename}-{os.getpid()}"
    assert line["partition"] == 3


def test_an_instance_that_has_a_name_uses_it(stderr: Stderr) -> None:
    logs.configure("api", "INFO", "json", stderr, "api-2")
    _log.info("message_stored", "stored")
    assert stderr.line()["instance"] == "api-2"


def test_each_level_has_its_word(stderr: Stderr) -> None:
    logging.getLogger("angarium").setLevel("DEBUG")
    _log.debug("a", "m")
    _log.info("b", "m")
    _log.warning("c", "m")
    _log.error("d", "m")
    assert [line["level"] for line in stderr.lines()] == ["DEBUG", "INFO", "WARNING", "ERROR"]


def test_lines_below_the_level_are_left_out(stderr: Stderr) -> None:
    _log.debug("a", "m")
    assert stderr.lines() == []


def test_an_error_line_carries_what_was_raised(stderr: Stderr) -> None:
    _log.error("dead_lettered", "m", ValueError("bad"), trace_id="f" * 32)
    line = stderr.line()
    assert (line["error_type"], line["traceback"]) == ("ValueError", "ValueError: bad")


def test_ids_of_the_work_at_hand_are_in_every_line_inside_the_block(stderr: Stderr) -> None:
    with logs.bound(trace_id="t", user_id="u"):
        _log.info("a", "m")
        with logs.bound(user_id="v", message_id="m"):
            _log.info("b", "m", message_id="n")
        _log.info("c", "m")
    _log.info("d", "m")
    ids = [
        {name: line.get(name) for name in ("trace_id", "user_id", "message_id")}
        for line in stderr.lines()
    ]
    assert ids == [
        {"trace_id": "t", "user_id": "u", "message_id": None},
        {"trace_id": "t", "user_id": "v", "message_id": "n"},
        {"trace_id": "t", "user_id": "u", "message_id": None},
        {"trace_id": None, "user_id": None, "message_id": None},
    ]


def test_a_block_that_fails_takes_its_ids_with_it(stderr: Stderr) -> None:
    with pytest.raises(OSError), logs.bound(trace_id="t"):
        raise OSError
    _log.info("a", "m")
    assert "trace_id" not in stderr.line()


def test_ids_stay_in_their_thread(stderr: Stderr) -> None:
    with logs.bound(trace_id="t"), ThreadPoolExecutor(1) as pool:
        pool.submit(_log.info, "a", "m").result()
    assert "trace_id" not in stderr.line()


def test_libraries_are_heard_when_they_warn(stderr: Stderr) -> None:
    logging.getLogger("library").info("chatter")
    logging.getLogger("library").warning("careful with %s", "this")
    assert (stderr.line()["message"], stderr.line()["action"]) == ("careful with this", "library")


def test_the_client_libraries_are_heard_in_our_words_once_in_a_while(stderr: Stderr) -> None:
    for number in range(50):
        logging.getLogger("kafka.net.manager").error("Connection failed: %s", number)
    line = stderr.line()
    assert (line["action"], line["level"], line["logger"]) == ("library", "WARNING", "kafka")
    assert str(line["message"]).startswith("A connection to a Kafka broker was lost")


def test_configuring_again_takes_the_earlier_handler_s_place(stderr: Stderr) -> None:
    _log.info("a", "m")
    again = io.StringIO()
    logs.configure("serve", "INFO", "text", again).close()
    _log.info("b", "m")
    assert stderr.line()["action"] == "a"
    assert again.getvalue().count("\n") == 1
    assert " INFO    b: m" in again.getvalue()


def test_handlers_of_others_stay(stderr: Stderr, caplog: pytest.LogCaptureFixture) -> None:
    logs.configure("serve", "INFO", "json", stderr)
    _log.warning("a", "seen by both")
    assert caplog.messages == ["seen by both"]
    assert stderr.line()["message"] == "seen by both"


def test_what_is_left_is_written_when_the_program_ends_without_closing() -> None:
    ended = run(
        "from angarium import logs\n"
        "logs.configure('api', 'INFO', 'json')\n"
        "log = logs.get('angarium.test')\n"
        "for number in range(1000): log.info('counted', 'm', number=number)\n"
    )
    assert ended.returncode == 0
    assert [json.loads(line)["number"] for line in ended.stderr.splitlines()] == list(range(1000))


def test_what_nobody_caught_is_a_line_of_its_own() -> None:
    ended = run(
        "import threading\n"
        "from angarium import logs\n"
        "logs.configure('api', 'INFO', 'json')\n"
        "thread = threading.Thread(target=lambda: 1 / 0, name='lane')\n"
        "thread.start(); thread.join()\n"
        "[][0]\n"
    )
    assert ended.returncode == 1
    first, second = map(json.loads, ended.stderr.splitlines())
    assert (first["action"], first["error_type"], first["thread"]) == (
        "thread_crashed",
        "ZeroDivisionError",
        "lane",
    )
    assert (second["action"], second["error_type"]) == ("crashed", "IndexError")


def test_a_reader_of_stderr_that_went_away_does_not_change_the_exit_status() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        ended = run(
            "from angarium import logs\n"
            "logs.configure('api', 'INFO', 'json')\n"
            "for number in range(1000): logs.get('angarium.test').warning('counted', 'm')\n",
            stderr=writer,
        )
    finally:
        os.close(writer)
    assert ended.returncode == 0


def test_a_program_started_without_stderr_runs() -> None:
    program = (
        "import os, sys; os.close(2)\n"
        "os.execv(sys.executable, [sys.executable, '-c', 'from angarium import logs\\n"
        'logs.configure("api", "INFO", "json")\\nlogs.get("angarium.test").error("a", "m")\'])'
    )
    assert run(program, stderr=subprocess.DEVNULL).returncode == 0


def test_a_hook_that_somebody_else_set_stays(stderr: Stderr) -> None:
    assert threading.excepthook is not threading.__excepthook__
    assert "angarium" not in threading.excepthook.__module__
