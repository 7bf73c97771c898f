import hashlib
import threading
from base64 import b64encode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from angarium import deadline
from angarium.domain.errors import Code, Refused
from angarium.engines.secrets.passwords import ScryptHasher

DEFAULT_COST = 2**14 * 8 * 5
SALT = b"sixteen bytes ok"


class Spent:
    """Stands in for scrypt: derives at once, and sums up what the
    derivations would have cost.
    """

    def __init__(self) -> None:
        self.cost = 0

    def __call__(
        self, password: bytes, /, *, salt: bytes, n: int, r: int, p: int, maxmem: int, dklen: int
    ) -> bytes:
        self.cost += n * r * p
        assert maxmem <= 130 * 2**20
        return hashlib.shake_128(b"%d %d %d" % (n, r, p) + salt + password).digest(dklen)

    def of(self, password_hash: str | None) -> int:
        self.cost = 0
        ScryptHasher(derive=self).verify("a password", password_hash)
        return self.cost


def phc(log_n: int, r: int, p: int, salt: bytes = SALT, digest: bytes = b"d" * 32) -> str:
    def encoded(data: bytes) -> str:
        return b64encode(data).rstrip(b"=").decode()

    return f"$scrypt$ln={log_n},r={r},p={p}${encoded(salt)}${encoded(digest)}"


def made_elsewhere(password: str, log_n: int, r: int, p: int) -> str:
    digest = hashlib.scrypt(
        password.encode(), salt=SALT, n=2**log_n, r=r, p=p, maxmem=200 * 2**20, dklen=32
    )
    return phc(log_n, r, p, SALT, digest)


def test_a_password_matches_its_hash_and_no_other_does() -> None:
    hasher = ScryptHasher()
    kept = hasher.hash("correct horse")
    assert hasher.verify("correct horse", kept)
    assert not hasher.verify("correct horse ", kept)


def test_a_hash_is_a_phc_string_of_the_recommended_cost() -> None:
    hasher = ScryptHasher(derive=Spent())
    kept = hasher.hash("a password")
    assert kept.startswith("$scrypt$ln=14,r=8,p=5$")
    assert hasher.is_hash(kept)
    assert "a password" not in kept


def test_the_same_password_never_hashes_to_the_same_string() -> None:
    hasher = ScryptHasher(derive=Spent())
    assert hasher.hash("a password") != hasher.hash("a password")


def test_a_hash_made_elsewhere_is_verified_by_its_own_parameters() -> None:
    hasher = ScryptHasher()
    kept = made_elsewhere("пароль", 13, 8, 1)
    assert hasher.is_hash(kept)
    assert hasher.verify("пароль", kept)
    assert not hasher.verify("парол", kept)


def test_the_largest_accepted_parameters_do_work() -> None:
    kept = made_elsewhere("a password", 17, 8, 1)
    assert ScryptHasher().verify("a password", kept)


def test_an_unknown_user_a_wrong_password_and_a_cheaper_hash_cost_the_same() -> None:
    spent = Spent()
    assert spent.of(None) == DEFAULT_COST
    assert spent.of(phc(14, 8, 5)) == DEFAULT_COST
    assert spent.of("no hash at all") == DEFAULT_COST
    assert spent.of(phc(13, 8, 1)) == DEFAULT_COST
    assert spent.of(phc(14, 8, 1)) == DEFAULT_COST


def test_a_right_password_costs_as_much_as_a_wrong_one() -> None:
    spent = Spent()
    hasher = ScryptHasher(derive=spent)
    kept = hasher.hash("right")
    costs = []
    for password in ("right", "wrong"):
        spent.cost = 0
        hasher.verify(password, kept)
        costs.append(spent.cost)
    assert costs == [DEFAULT_COST, DEFAULT_COST]


def test_no_password_matches_an_unknown_user() -> None:
    class Constant:
        def __call__(
            self,
            password: bytes,
            /,
            *,
            salt: bytes,
            n: int,
            r: int,
            p: int,
            maxmem: int,
            dklen: int,
        ) -> bytes:
            return b"\0" * dklen

    hasher = ScryptHasher(derive=Constant())
    hasher._dummy = hasher._dummy.__class__(14, 8, 5, SALT, b"\0" * 32)
    assert not hasher.verify("anything", None)


@pytest.mark.parametrize(
    "parameters",
    [
        (13, 8, 1),
        (13, 8, 10),
        (14, 8, 5),
        (15, 8, 3),
        (16, 8, 2),
        (17, 8, 1),
        (16, 8, 1),
        (12, 16, 1),
    ],
)
def test_parameters_in_use_elsewhere_are_accepted(parameters: tuple[int, int, int]) -> None:
    assert ScryptHasher().is_hash(phc(*parameters))


@pytest.mark.parametrize(
    "parameters",
    [
        (12, 8, 1),
        (13, 7, 1),
        (1, 8, 8192),
        (10, 8, 64),
        (12, 8, 100),
        (18, 8, 1),
        (17, 9, 1),
        (14, 8, 33),
        (17, 8, 5),
        (16, 1, 1),
        (30, 99_999_999, 1),
        (99, 8, 1),
    ],
)
def test_weaker_costlier_or_impossible_parameters_are_no_hash(
    parameters: tuple[int, int, int],
) -> None:
    spent = Spent()
    assert not ScryptHasher().is_hash(phc(*parameters))
    assert spent.of(phc(*parameters)) == DEFAULT_COST


@pytest.mark.parametrize(
    "text",
    [
        "",
        "$scrypt$",
        "a password",
        "$argon2id$v=19$m=65536,t=3,p=4$c2l4dGVlbiBieXRlcyBvaw$ZGRk",
        phc(14, 8, 5) + "=",
        phc(14, 8, 5) + "\n",
        " " + phc(14, 8, 5),
        phc(14, 8, 5).replace("ln=14", "ln=014"),
        phc(14, 8, 5).replace("ln=14", "ln=-14"),
        phc(14, 8, 5).replace("r=8", "r=0"),
        phc(14, 8, 5).replace("p=5", "p=\u0665"),
        phc(14, 8, 5).replace("ln=14,r=8", "r=8,ln=14"),
        phc(14, 8, 5, salt=b"short"),
        phc(14, 8, 5, digest=b"short"),
        phc(14, 8, 5, salt=b"s" * 65),
        phc(14, 8, 5, digest=b"d" * 65),
        phc(14, 8, 5)[:-2],
        "$scrypt$ln=14,r=8,p=5$c2l4dGVlbiBieXRlcyBv-w$" + "ZGRk" * 11,
    ],
)
def test_a_malformed_hash_matches_nothing_and_never_raises(text: str) -> None:
    spent = Spent()
    assert not ScryptHasher().is_hash(text)
    assert not ScryptHasher(derive=spent).verify("a password", text)
    assert spent.cost == DEFAULT_COST


@given(st.text(), st.text())
@settings(max_examples=200)
def test_no_text_raises(password: str, text: str) -> None:
    hasher = ScryptHasher(derive=Spent())
    assert not hasher.verify(password, text)
    assert not hasher.verify(password, phc(14, 8, 5) + text)


def test_a_password_with_a_lone_surrogate_matches_nothing_of_others_and_never_raises() -> None:
    hasher = ScryptHasher(derive=Spent())
    kept = hasher.hash("\ud800")
    assert hasher.verify("\ud800", kept)
    assert not hasher.verify("?", kept)
    assert not hasher.verify("�", kept)


class Gate:
    """Derivations that wait until they are let go, and the most that
    ever ran at once.
    """

    def __init__(self) -> None:
        self.open = threading.Event()
        self.entered = threading.Semaphore(0)
        self.running = 0
        self.most = 0
        self.lock = threading.Lock()

    def __call__(
        self, password: bytes, /, *, salt: bytes, n: int, r: int, p: int, maxmem: int, dklen: int
    ) -> bytes:
        with self.lock:
            self.running += 1
            self.most = max(self.most, self.running)
        self.entered.release()
        assert self.open.wait(10)
        with self.lock:
            self.running -= 1
        return b"\0" * dklen


def test_no_more_derivations_run_at_once_than_allowed() -> None:
    gate = Gate()
    hasher = ScryptHasher(parallelism=2, derive=gate)
    threads = [threading.Thread(target=hasher.hash, args=("a password",)) for _ in range(6)]
    for thread in threads:
        thread.start()
    assert gate.entered.acquire(timeout=10)
    assert gate.entered.acquire(timeout=10)
    gate.open.set()
    for thread in threads:
        thread.join(10)
    assert gate.most == 2


def test_a_wait_for_a_turn_ends_with_the_deadline() -> None:
    gate = Gate()
    hasher = ScryptHasher(parallelism=1, derive=gate)
    thread = threading.Thread(target=hasher.hash, args=("a password",))
    thread.start()
    assert gate.entered.acquire(timeout=10)
    with deadline.within(0), pytest.raises(Refused) as refusal:
        hasher.verify("a password", None)
    gate.open.set()
    thread.join(10)
    assert refusal.value.problems[0].code == Code.OVERLOADED
    assert refusal.value.retry_after == 1
