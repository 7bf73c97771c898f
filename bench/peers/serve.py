"""`python -m bench.peers.serve NAME`: a peer on uvicorn, with its fast
parts (uvloop, httptools).
"""

import os
import sys

import uvicorn

from bench.peers.log_lines import configuration


def main() -> int:
    """Serve until SIGTERM."""
    uvicorn.run(
        f"bench.peers.{sys.argv[1]}:app",
        host="127.0.0.1",
        port=int(os.environ["BENCH_PORT"]),
        loop="uvloop",
        http="httptools",
        backlog=4096,
        log_config=configuration(),
        access_log=sys.argv[1] != "constant",
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
