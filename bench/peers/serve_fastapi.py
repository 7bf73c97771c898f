"""Run the FastAPI peer on uvicorn with its fast parts (uvloop and httptools, where they are installed)."""

import logging
import os

import uvicorn

logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
uvicorn.run(
    "bench.peers.fastapi_app:app",
    host="127.0.0.1",
    port=int(os.environ["BENCH_PORT"]),
    log_level="info",
    access_log=True,
)
