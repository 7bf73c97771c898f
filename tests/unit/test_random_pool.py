import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from itertools import repeat

from angarium.random_pool import AT_ONCE, SIZE, RandomPool, random_bytes


class System:
    """Counts up, so that bytes given twice would show."""

    def __init__(self) -> None:
        self.asked: list[int] = []

    def random(self, size: int) -> bytes:
        self.asked.append(size)
        return b"".join(number.to_bytes(SIZE, "big") for number in range(size // SIZE))


def test_each_time_others_are_given() -> None:
    entropy = RandomPool()
    given = [entropy() for _ in range(AT_ONCE * 3)]
    assert len(set(given)) == len(given)
    assert {len(each) for each in given} == {SIZE}


def test_what_ids_are_made_of_comes_from_the_system_and_cannot_be_guessed() -> None:
    assert random_bytes._source is os.urandom


def test_the_system_is_asked_once_for_many() -> None:
    system = System()
    entropy = RandomPool(system.random)
    given = [entropy() for _ in range(AT_ONCE)]
    assert system.asked == [SIZE * AT_ONCE]
    assert len(set(given)) == AT_ONCE
    entropy()
    assert system.asked == [SIZE * AT_ONCE] * 2


def test_no_two_threads_are_given_the_same() -> None:
    entropy = RandomPool()

    def take(_: int) -> list[bytes]:
        return [entropy() for _ in range(AT_ONCE * 2)]

    with ThreadPoolExecutor(8) as threads:
        given = [each for taken in threads.map(take, repeat(0, 8)) for each in taken]
    assert len(set(given)) == len(given)


def test_a_child_process_is_given_others_than_its_parent() -> None:
    # In a process of its own: one with threads had better not be
    # forked.
    script = """
import os
from angarium.random_pool import random_bytes
random_bytes()
child = os.fork()
given = random_bytes().hex()
if child:
    os.waitpid(child, 0)
print(given, flush=True)
os._exit(0)
"""
    command = [sys.executable, "-c", script]
    said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert len(set(said.stdout.split())) == 2
