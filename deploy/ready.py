"""`python -m deploy.ready`: waits until all containers are healthy.

Then it prints the address.
"""

import sys
import time

from deploy.compose import Compose, ComposeError

PATIENCE = 300.0


def main() -> int:
    """Wait and tell.

    Returns:
        The exit status.
    """
    began = time.monotonic()
    compose = Compose()
    try:
        compose.await_well(PATIENCE)
        address = compose.run("port", "haproxy", "8080").strip()
        counts = [f"{len(compose.containers(service))} {service}" for service in ("api", "worker")]
    except ComposeError as error:
        print(error, file=sys.stderr)
        return 1
    waited = time.monotonic() - began
    print(f"healthy after another {waited:.0f} s: {' and '.join(counts)} behind http://{address}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
