"""`python -m tests.storm`: an hour of load, faults and attacks; exit 0
only when nothing was broken.
"""

import argparse
import json
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from deploy.compose import ComposeError
from tests.storm.faults import Tormentor, planned
from tests.storm.stage import SENDERS, WELL_S, Stage
from tests.storm.summary import Summary
from tests.storm.tally import Tally

HOUR = 3600
TELL_S = 30.0
TICK_S = 1.0
PATIENCE = 900.0
"""Seconds for which one message is sent again, and in which the reading
must find everything.
"""
STUCK_S = 300.0
"""Nothing has been accepted for so long: the writing is over, or never
will be.
"""
OVERTIME = 1.5
"""Writers catch up what outages cost; after so many times the time the
writing is ended.
"""
READING_S = 3600.0


def main() -> int:
    """Run a storm.

    Returns:
        The exit status.
    """
    # A shell ignores Ctrl-C for what it runs in the background, and so
    # would the writers, which are ended by it.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    arguments = _arguments()
    folder = arguments.folder
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "storm.log").open("a") as log:

        def tell(text: str) -> None:
            line = f"{datetime.now(UTC):%H:%M:%S} {text}"
            print(line, flush=True)
            log.write(f"{line}\n")
            log.flush()

        signal.signal(signal.SIGTERM, lambda *_: sys.exit("storm: ended by a signal"))
        summary = Summary(arguments.seed)
        stage = Stage(folder, arguments.apis, arguments.workers)
        tell(
            f"storm of {arguments.seconds} s, seed {arguments.seed}, project {stage.project}, in "
            f"{folder}"
        )
        try:
            _run(stage, arguments, summary, tell)
        except (ComposeError, OSError) as error:
            summary.problems.append(str(error))
        finally:
            summary.write(folder / "summary.json")
            for line in summary.lines():
                tell(line)
            _take_down(stage, arguments.keep, tell)
    return 0 if summary.kept else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.storm", description=__doc__)
    parser.add_argument(
        "--seconds", type=int, default=HOUR, help="of writing (default: %(default)s)"
    )
    parser.add_argument(
        "--rate", type=int, default=300, help="messages a second (default: %(default)s)"
    )
    parser.add_argument(
        "--interval",
        type=float,
        default=10.0,
        help="seconds between faults (default: %(default)s)",
    )
    parser.add_argument(
        "--seed", type=int, default=random.randrange(10**6), help="draws the faults"
    )
    parser.add_argument(
        "--apis", type=int, default=2, help="instances of the API (default: %(default)s)"
    )
    parser.add_argument("--workers", type=int, default=2, help="workers (default: %(default)s)")
    parser.add_argument(
        "--overtime",
        type=float,
        default=OVERTIME,
        help="times the seconds after which the writing ends whatever was sent "
        "(default: %(default)s)",
    )
    parser.add_argument("--no-attack", action="store_true", help="load and faults alone")
    parser.add_argument(
        "--keep", action="store_true", help="leave the containers running at the end"
    )
    began = f"{datetime.now(UTC):%Y%m%d-%H%M%S}"
    parser.add_argument(
        "--folder",
        type=Path,
        default=Path("build/storm") / began,
        help="for log, ledgers, summary",
    )
    return parser.parse_args()


def _run(
    stage: Stage, arguments: argparse.Namespace, summary: Summary, tell: Callable[[str], None]
) -> None:
    began = time.monotonic()
    stage.up()
    tell(f"everything is well after {time.monotonic() - began:.0f} s, behind {stage.url}")
    tormentor = Tormentor(stage.compose, tell)
    total = arguments.seconds * arguments.rate
    processes = [
        stage.begin_verifying(
            number, total // SENDERS, max(1, arguments.rate // SENDERS), PATIENCE
        )
        for number in range(SENDERS)
    ]
    try:
        if not arguments.no_attack:
            stage.begin_attacking()
        tally = Tally([stage.ledger(number) for number in range(SENDERS)])
        summary.seconds = _torment(stage, arguments, processes, tormentor, tally, tell)
        summary.longest_gap = tally.longest_gap
        _calm(stage, tormentor, summary, tell)
        summary.verdicts = [
            _verdict(process, stage.folder / f"verify-{number}.json")
            for number, process in enumerate(processes)
        ]
        tell("everything is read back; auditing")
        summary.audit = stage.audit()
    finally:
        for process in processes:
            if process.poll() is None:
                process.kill()
                process.wait()
        tormentor.finish()
        tormentor.heal()
        summary.outcomes, summary.skipped = tormentor.outcomes, tormentor.skipped


def _torment(
    stage: Stage,
    arguments: argparse.Namespace,
    processes: Sequence["subprocess.Popen[str]"],
    tormentor: Tormentor,
    tally: Tally,
    tell: Callable[[str], None],
) -> float:
    total = arguments.seconds * arguments.rate // SENDERS * SENDERS
    faults = planned(arguments.seed, stage.targets, arguments.interval)
    fault = next(faults)
    began = time.monotonic()
    told, told_accepted = began, 0
    while any(process.poll() is None for process in processes):
        now = time.monotonic()
        elapsed = now - began
        if tally.look() >= total or tally.gap > STUCK_S:
            break
        if elapsed > arguments.overtime * arguments.seconds:
            tell("the time is over: the writing is ended before everything was sent")
            break
        if elapsed >= fault.at:
            tormentor.strike(fault)
            fault = next(faults)
        if now - told >= TELL_S:
            rate = (tally.accepted - told_accepted) / (now - told)
            unwell = [each.name for each in stage.compose.containers() if not each.well]
            tell(
                f"{elapsed:.0f} s: {tally.accepted} of {total} accepted, {rate:.0f}/s, "
                f"{len(tormentor.outcomes)} faults over, unwell: {', '.join(unwell) or 'none'}"
            )
            told, told_accepted = now, tally.accepted
        time.sleep(TICK_S)
    elapsed = time.monotonic() - began
    for process in processes:
        if tally.accepted < total and process.poll() is None:
            process.send_signal(signal.SIGINT)
    tell(f"the writing is over after {elapsed:.0f} s, {tally.accepted} accepted")
    return elapsed


def _calm(
    stage: Stage, tormentor: Tormentor, summary: Summary, tell: Callable[[str], None]
) -> None:
    summary.attacks = stage.attack_counts()
    stage.end_attacking()
    tormentor.finish()
    tormentor.heal()
    stage.compose.await_well(WELL_S)
    tell("everything is well again; reading back")


def _verdict(process: "subprocess.Popen[str]", file: Path) -> tuple[int, dict[str, object]]:
    try:
        status = process.wait(READING_S)
    except subprocess.TimeoutExpired:
        return 1, {}
    try:
        return status, dict(json.loads(file.read_text()))
    except ValueError:
        return status or 1, {}


def _take_down(stage: Stage, keep: bool, tell: Callable[[str], None]) -> None:
    if keep:
        tell(f"left running: docker compose --project-name {stage.project} down --volumes")
        return
    try:
        (stage.folder / "containers.log").write_text(
            stage.compose.run("logs", "--no-color", "--tail=2000", seconds=120)
        )
        stage.down()
    except ComposeError as error:
        tell(f"taking it down: {error}")


if __name__ == "__main__":
    sys.exit(main())
