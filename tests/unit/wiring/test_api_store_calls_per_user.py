"""How many of one user's requests use the store at a time."""

from pathlib import Path
from uuid import UUID

from tests.fakes.held_service import held_service
from tests.waiting import until

READS = 3


def test_the_embedded_engine_makes_one_answer_of_a_user_at_a_time(tmp_path: Path) -> None:
    one, other = UUID(int=1), UUID(int=2)
    with held_service(tmp_path) as service:
        for number in range(READS):
            service.ask(one, number + 1)
        service.ask(other, READS + 1)
        until(lambda: service.users.asked[other] == 1, "the other's turn")
        assert service.users.asked[one] == 1
