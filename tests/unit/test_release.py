"""What a release is named: the version in the code, the tag, and the
changelog say the same.
"""

import re
import shutil
import subprocess
from pathlib import Path

from angarium import __version__

ROOT = Path(__file__).parents[2]


def tags_of_this_commit() -> list[str]:
    """The versions that tags give the commit that is checked out; none
    in an archive.
    """
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        return []
    asked = [git, "-C", str(ROOT), "tag", "--points-at", "HEAD", "--list", "v*"]
    return subprocess.run(asked, capture_output=True, text=True, check=True).stdout.split()


def test_the_version_has_three_numbers() -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+", __version__)


def test_a_tag_names_the_version_of_the_code() -> None:
    assert set(tags_of_this_commit()) <= {f"v{__version__}"}


def test_a_released_version_has_its_changes_listed() -> None:
    listed = (ROOT / "CHANGELOG.md").read_text()
    assert "\n## [Unreleased]\n" in listed
    for tag in tags_of_this_commit():
        assert f"\n## [{tag.removeprefix('v')}] - " in listed
