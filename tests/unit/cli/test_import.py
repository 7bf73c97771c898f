"""`angarium import` and `export`, on the embedded engine."""

from pathlib import Path

import pytest

from angarium.cli import export
from angarium.engines.embedded.bulk_loader import EmbeddedBulkLoader
from angarium.services.configured_passwords import NO_PASSWORD_YET
from angarium.services.transfer import importer, verification
from tests.unit.cli.conftest import Shell
from tests.unit.services.transfer import sample


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "moved.jsonl"
    path.write_bytes(sample.write(sample.entries()))
    return str(path)


def test_an_import_that_is_repeated_says_that_all_was_there(shell: Shell, file: str) -> None:
    assert shell.run("import", file) == 0
    first = shell.out
    assert first.startswith("imported 4 users, 3 conversations, 8 messages, sha256 ")
    assert shell.err == ""
    assert shell.run("import", file) == 0
    assert shell.out == first
    assert shell.err.startswith("all of it was there already, from an earlier import of this file")


@pytest.mark.parametrize(
    ("where", "told"),
    [
        ((importer, "survey"), "nothing was written yet"),
        (
            (verification, "_conversations"),
            "everything was written, and not all of it compared with the file yet",
        ),
        (
            (EmbeddedBulkLoader, "put_messages"),
            "at most 4 users, 3 conversations, 8 messages were written",
        ),
    ],
)
def test_an_import_that_is_interrupted_says_how_far_it_was(
    shell: Shell,
    file: str,
    monkeypatch: pytest.MonkeyPatch,
    where: tuple[object, str],
    told: str,
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(*where, _interrupt)
        assert shell.run("import", file) == 130
    assert shell.err == f"angarium: interrupted: {told}; the same command goes on\n"
    assert shell.run("import", file) == 0


def test_an_export_names_whose_passwords_it_lacks(
    shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "MAX_NAMES", 2)
    path = tmp_path / "moved.jsonl"
    lacking = [sample.user(name, NO_PASSWORD_YET) for name in ("amy", "ben", "cleo")]
    path.write_bytes(sample.write([*sample.entries()[:1], *lacking]))
    assert shell.run("import", str(path)) == 0
    assert shell.run("export", str(tmp_path / "again")) == 0
    assert shell.err.splitlines()[-1] == (
        "angarium: the file lacks the passwords of amy, ben and 1 more: they are configured and "
        "not hashed yet; export again once the running service has logged `passwords_stored`"
    )


def test_an_export_that_is_interrupted_says_that_the_file_is_not_there(
    shell: Shell, file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert shell.run("import", file) == 0
    monkeypatch.setattr(export, "_with_progress", _interrupt)
    target = tmp_path / "copy.jsonl"
    assert shell.run("export", str(target)) == 130
    assert shell.err == f"angarium: interrupted; {target} was not written\n"
    assert not target.exists()
