"""The servers' jars: fetched once with Maven, kept in the user's cache,
shared by everybody.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.engines.java import ADVICE, java
from tests.engines.missing import Missing

PATIENCE_S = 600
"""What a slow network may take for 120 MB."""


def jars(pom: Path, cache: Path | None = None) -> Path:
    """Give the folder with everything that a pom asks for, fetching it
    if it is not there yet.

    Whoever comes while another fetches the same waits for it; a fetch
    that breaks off leaves nothing.

    Args:
        pom: Names the artifacts; its content is the key in the cache.
        cache: The cache's folder; the user's own when None.

    Returns:
        A folder of jars, complete.

    Raises:
        Missing: They are not in the cache, and there is no Maven or no
            network to get them.
    """
    cache = cache or _user_cache()
    folder = cache / f"{pom.stem}-{hashlib.sha256(pom.read_bytes()).hexdigest()[:16]}"
    if folder.is_dir():
        return folder
    cache.mkdir(parents=True, exist_ok=True)
    with _alone(folder.with_suffix(".lock")):
        if not folder.is_dir():
            _fetch(pom, folder)
    return folder


def _user_cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "angarium" / "jars"


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield


def _fetch(pom: Path, folder: Path) -> None:
    maven = shutil.which("mvn")
    if maven is None:
        raise Missing(f"no Maven: {ADVICE}")
    print(
        f"Fetching the jars of {pom.stem.removesuffix('-pom')} with Maven (once, some minutes) …",
        file=sys.stderr,
        flush=True,
    )
    with tempfile.TemporaryDirectory(dir=folder.parent) as unfinished:
        into = Path(unfinished, "jars")
        command = [
            *(maven, "--batch-mode", "--quiet", "--file", str(pom)),
            *(
                "dependency:copy-dependencies",
                "-DincludeScope=runtime",
                f"-DoutputDirectory={into}",
            ),
        ]
        environment = {**os.environ, "JAVA_HOME": str(java().resolve().parent.parent)}
        try:
            done = subprocess.run(
                command,
                capture_output=True,
                text=True,
                env=environment,
                timeout=PATIENCE_S,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise Missing(
                f"Maven took over {PATIENCE_S} s for {pom.stem}: look at the network"
            ) from error
        if done.returncode != 0 or not into.is_dir():
            said = (done.stdout + done.stderr).strip().splitlines()
            raise Missing(
                f"Maven could not fetch {pom.stem}: {said[0] if said else 'it said nothing'}"
            )
        into.rename(folder)
