"""Settings that are valid one by one and contradict each other."""

from collections.abc import Iterator

from angarium.config.reader import Reader

_ON_SERVERS = ("api", "worker")


def contradictions(read: Reader, security: str, command: str | None) -> Iterator[str]:
    """Find settings that contradict each other or the command.

    Args:
        read: The reader, after it has read every setting.
        security: The value of ANGARIUM_KAFKA_SECURITY.
        command: `serve`, `api`, `worker` or `init`, None for any other.

    Yields:
        A line for each problem.
    """
    yield from _both_or_neither(read, "ANGARIUM_KAFKA", "ANGARIUM_CASSANDRA")
    yield from _both_or_neither(read, "ANGARIUM_CASSANDRA_USERNAME", "ANGARIUM_CASSANDRA_PASSWORD")
    yield from _engine(read, command)
    distributed = read.given("ANGARIUM_KAFKA") or command in _ON_SERVERS
    if distributed and not read.given("ANGARIUM_JWT_SECRET"):
        yield (
            "ANGARIUM_JWT_SECRET is not set, but every instance must have the same with "
            "ANGARIUM_KAFKA;"
            " write at least 32 bytes, such as `openssl rand -hex 32` gives"
        )
    if "ANGARIUM_KAFKA_SECURITY" not in read.wrong:
        yield from _kafka_login(read, security)
        yield from _kafka_certificates(read, security)


def _both_or_neither(read: Reader, one: str, other: str) -> Iterator[str]:
    """Report one of two settings that is set without the other."""
    if read.given(one) != read.given(other):
        present, absent = (one, other) if read.given(one) else (other, one)
        yield f"{present} is set and {absent} is not; set both or neither"


def _engine(read: Reader, command: str | None) -> Iterator[str]:
    """Report engine settings that do not fit the command."""
    # One without the other is reported by `_both_or_neither`.
    kafka, cassandra = read.given("ANGARIUM_KAFKA"), read.given("ANGARIUM_CASSANDRA")
    if command == "serve" and kafka and cassandra:
        yield (
            "ANGARIUM_KAFKA and ANGARIUM_CASSANDRA are set, but `serve` runs on the embedded "
            "engine;"
            " unset both, or run `angarium api` and `angarium worker`"
        )
    if command in _ON_SERVERS and not (kafka or cassandra):
        yield (
            f"ANGARIUM_KAFKA and ANGARIUM_CASSANDRA are not set, but `{command}` runs on both;"
            " write host:port,… in each, or run `angarium serve`"
        )


def _kafka_login(read: Reader, security: str) -> Iterator[str]:
    """Report SASL settings that do not fit the security protocol."""
    wanted = security.startswith("SASL_")
    for name in (f"ANGARIUM_KAFKA_SASL_{part}" for part in ("MECHANISM", "USERNAME", "PASSWORD")):
        if wanted and not read.given(name):
            yield f"{name} is not set, but ANGARIUM_KAFKA_SECURITY is {security}; set it"
        if not wanted and read.given(name):
            yield (
                f"{name} is set, but ANGARIUM_KAFKA_SECURITY is {security}, which has no login;"
                " write SASL_SSL or SASL_PLAINTEXT there, or unset it"
            )


def _kafka_certificates(read: Reader, security: str) -> Iterator[str]:
    """Report TLS files that do not fit the security protocol."""
    for name in (f"ANGARIUM_KAFKA_{part}" for part in ("CAFILE", "CERTFILE", "KEYFILE")):
        if read.given(name) and not security.endswith("SSL"):
            yield (
                f"{name} is set, but ANGARIUM_KAFKA_SECURITY is {security}, which encrypts "
                "nothing;"
                " write SSL or SASL_SSL there, or unset it"
            )
    if read.given("ANGARIUM_KAFKA_KEYFILE") and not read.given("ANGARIUM_KAFKA_CERTFILE"):
        yield (
            "ANGARIUM_KAFKA_KEYFILE is set and ANGARIUM_KAFKA_CERTFILE is not; set both, or the "
            "latter only"
        )
