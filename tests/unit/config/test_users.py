"""The file of configured users."""

import json
from pathlib import Path

import pytest

from angarium.config import DEMO_USERS, ConfiguredUser, Settings, SettingsError
from angarium.config.users import MAX_BYTES, read_users
from angarium.domain.user import is_username
from angarium.engines.secrets.passwords import DEFAULT_LOG_N, DEFAULT_P, ScryptHasher
from angarium.wiring import admit_configured_users
from tests.fakes.clock import ManualClock
from tests.fakes.users import MemoryUsers

ANY = bool
"""Any hash is as good as another."""

PHC = "$scrypt$ln=14,r=8,p=5$c2FsdHNhbHRzYWx0c2FsdA$aGFzaGhhc2hoYXNoaGFzaGhhc2hoYXNoaGFzaGhhc2g"


def test_the_demo_users_have_the_documented_passwords() -> None:
    assert [(user.username, user.password) for user in DEMO_USERS] == [
        ("alice", "alice-demo"),
        ("bob", "bob-demo"),
        ("carol", "carol-demo"),
        ("dave", "dave-demo"),
        ("verify-1", "verify-1-demo"),
        ("verify-2", "verify-2-demo"),
        ("verify-3", "verify-3-demo"),
        ("verify-4", "verify-4-demo"),
    ]
    assert all(is_username(user.username) for user in DEMO_USERS)


def test_a_start_has_no_password_of_the_demo_to_hash() -> None:
    hasher = ScryptHasher()
    configured = admit_configured_users(Settings.from_env({}), MemoryUsers(), ManualClock())
    assert configured.items() == ()
    for user in DEMO_USERS:
        assert user.password_hash is not None
        assert hasher.verify(f"{user.username}-demo", user.password_hash)
        assert user.password_hash.startswith(f"$scrypt$ln={DEFAULT_LOG_N},r=8,p={DEFAULT_P}$")


def test_a_user_has_a_password_or_its_hash(tmp_path: Path) -> None:
    path = tmp_path / "users.json"
    path.write_text(
        json.dumps(
            [
                {"username": "erin", "password": "pässword", "note": "ignored"},
                {"username": "f.r-a_n.k", "password_hash": PHC, "password": None},
            ]
        )
    )
    users, problems = read_users(path, ANY)
    assert problems == ()
    assert users == (
        ConfiguredUser("erin", password="pässword"),
        ConfiguredUser("f.r-a_n.k", password_hash=PHC),
    )


BROKEN: list[tuple[str, str]] = [
    (
        "[{]",
        (
            "is not JSON at line 1, column 3: Expecting property name enclosed in double quotes; "
            "write "
            "[{"
        ),
    ),
    ("[" * 100_000, "is not JSON in UTF-8"),
    ('{"username": "erin"}', "is not a list of users"),
    ("[]", "has no users in it"),
    ('["erin"]', 'user 1 is not an object; write {"username": "…", "password": "…"}'),
    ("[{}]", "user 1 has no username; give it one"),
    ('[{"username": 1}]', "user 1 has no username"),
    (
        '[{"username": "Erin", "password": "x"}]',
        "user 1 is named 'Erin'; use 1 to 64 characters from a-z 0-9 . _ -",
    ),
    (
        '[{"username": "erin"}]',
        "user 1 (erin) has neither password nor password_hash; write one of the two",
    ),
    (
        '[{"username": "erin", "password": "a", "password_hash": "b"}]',
        "user 1 (erin) has both password and password_hash; write one of the two",
    ),
    (
        '[{"username": "erin", "password": ""}]',
        "user 1 (erin) has a password that is not a string or is empty",
    ),
    (
        '[{"username": "erin", "password": 7}]',
        "user 1 (erin) has a password that is not a string or is empty",
    ),
    (
        '[{"username": "erin", "password": "\\ud800"}]',
        "user 1 (erin) has a lone surrogate in its password",
    ),
    (
        '[{"username": "erin", "password_hash": "$2b$12$x"}]',
        (
            "has a password_hash that is not of the form $scrypt$ln=…,r=…,p=…$salt$hash; write "
            "what `angarium"
        ),
    ),
    (
        (
            '[{"username": "erin", "password": "a good one"},'
            ' {"username": "erin", "password": "another one"}]'
        ),
        "user 2 is 'erin' like user 1; name each user once",
    ),
    (
        '[{"username": "erin", "password": "a good one", "username": "frank"}]',
        "user 1 has the key 'username' twice; write each key once",
    ),
    (
        (
            '[{"username": "erin", "password": "a good one",'
            ' "note": {"a": 1, "a": 2}, "password": "b"}]'
        ),
        "user 1 has the key 'password' twice",
    ),
    (
        '[{"username": "erin", "password": "1234567"}]',
        (
            "user 1 (erin) has a password that has 7 bytes; choose one of 8 to 1,024 bytes, "
            "without U+0000"
        ),
    ),
    (
        f'[{{"username": "erin", "password": "{"x" * 1025}"}}]',
        "has a password that has 1,025 bytes",
    ),
    (
        '[{"username": "erin", "password": "a good\\u0000one"}]',
        "has a password that has U+0000 in it",
    ),
]


@pytest.mark.parametrize(("text", "line"), BROKEN)
def test_a_wrong_file_is_refused_with_the_place_and_the_remedy(
    text: str, line: str, tmp_path: Path
) -> None:
    path = tmp_path / "users.json"
    path.write_text(text)
    with pytest.raises(SettingsError) as refused:
        Settings.from_env({"ANGARIUM_USERS": str(path)})
    (problem,) = refused.value.problems
    assert problem.startswith(f"ANGARIUM_USERS is '{path}'"[:60])
    assert line in problem


def test_all_wrong_users_of_a_file_are_reported_at_once(tmp_path: Path) -> None:
    path = tmp_path / "users.json"
    path.write_text('[{"username": "A"}, {"username": "erin", "password": "a good one"}, {}]')
    users, problems = read_users(path, ANY)
    assert [user.username for user in users] == ["erin"]
    assert [problem[:6] for problem in problems] == ["user 1", "user 3"]


def test_passwords_of_every_allowed_length_are_taken(tmp_path: Path) -> None:
    path = tmp_path / "users.json"
    passwords = ["12345678", "ä" * 4, "x" * 1024, "ä" * 512]
    users = [{"username": f"u{n}", "password": password} for n, password in enumerate(passwords)]
    path.write_text(json.dumps(users))
    assert [user.password for user in read_users(path, ANY)[0]] == passwords
    demo = [{"username": user.username, "password": user.password} for user in DEMO_USERS]
    path.write_text(json.dumps(demo))
    expected = [(user.username, user.password, None) for user in DEMO_USERS]
    read, problems = read_users(path, ANY)
    assert [(user.username, user.password, user.password_hash) for user in read] == expected
    assert problems == ()


def test_a_file_of_other_bytes_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "users.json"
    path.write_bytes(b"\xff\xfe[")
    assert read_users(path, ANY)[1][0].startswith("is not UTF-8 (byte 0xff at position 0); ")


def test_a_byte_order_mark_does_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "users.json"
    path.write_text('[{"username": "erin", "password": "a good one"}]', encoding="utf-8-sig")
    assert read_users(path, ANY)[1] == ()


def test_a_huge_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "users.json"
    with path.open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    assert "has 16,777,217 bytes; write at most 16,777,216" in read_users(path, ANY)[1][0]


def test_a_file_that_vanished_is_refused(tmp_path: Path) -> None:
    assert read_users(tmp_path / "gone.json", ANY)[1][0].startswith(
        "cannot be read: No such file or directory"
    )


def test_every_hash_of_unaccepted_strength_is_reported_with_the_other_problems(
    tmp_path: Path,
) -> None:
    path = tmp_path / "users.json"
    entries = [{"username": name, "password_hash": PHC} for name in ("erin", "frank")]
    path.write_text(json.dumps([*entries, {}]))
    with pytest.raises(SettingsError) as refused:
        Settings.from_env(
            {"ANGARIUM_USERS": str(path), "ANGARIUM_PORT": "x"}, is_hash=lambda _: False
        )
    port, *problems = refused.value.problems
    assert port.startswith("ANGARIUM_PORT")
    assert [problem.split(": ")[1].split(";")[0] for problem in problems] == [
        "user 1 (erin) has a password_hash that is weaker or more expensive than allowed",
        "user 2 (frank) has a password_hash that is weaker or more expensive than allowed",
        "user 3 has no username",
    ]
