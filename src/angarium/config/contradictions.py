"""Settings that are valid one by one and contradict each other."""

from collections.abc import Iterator

from angarium.config.reader import Reader

_ON_SERVERS = ("api", "worker")


def contradictions(reader: Reader, security: str, command: str | None) -> Iterator[str]:
    """Find settings that contradict each other or the command.

    Args:
        reader: After it has read every setting.
        security: The value of ANGARIUM_KAFKA_SECURITY.
        command: `serve`, `api`, `worker` or `init`, None for any other.

    Yields:
        A line for each problem.
    """
    yield from _both_or_neither(reader, "ANGARIUM_KAFKA", "ANGARIUM_CASSANDRA")
    yield from _both_or_neither(
        reader, "ANGARIUM_CASSANDRA_USERNAME", "ANGARIUM_CASSANDRA_PASSWORD"
    )
    yield from _engine(reader, command)
    distributed = reader.is_set("ANGARIUM_KAFKA") or command in _ON_SERVERS
    if distributed and not reader.is_set("ANGARIUM_JWT_SECRET"):
        yield (
            "ANGARIUM_JWT_SECRET is not set, but every instance must have the same with "
            "ANGARIUM_KAFKA; write at least 32 bytes, such as `openssl rand -hex 32` gives"
        )
    if "ANGARIUM_KAFKA_SECURITY" not in reader.wrong:
        yield from _kafka_login(reader, security)
        yield from _kafka_certificates(reader, security)


def _both_or_neither(reader: Reader, one: str, other: str) -> Iterator[str]:
    """Report one of two settings that is set without the other."""
    if reader.is_set(one) != reader.is_set(other):
        present, absent = (one, other) if reader.is_set(one) else (other, one)
        yield f"{present} is set and {absent} is not; set both or neither"


def _engine(reader: Reader, command: str | None) -> Iterator[str]:
    """Report engine settings that do not fit the command."""
    # One without the other is reported by `_both_or_neither`.
    kafka, cassandra = reader.is_set("ANGARIUM_KAFKA"), reader.is_set("ANGARIUM_CASSANDRA")
    if command == "serve" and kafka and cassandra:
        yield (
            "ANGARIUM_KAFKA and ANGARIUM_CASSANDRA are set, but `serve` runs on the embedded "
            "engine; unset both, or run `angarium api` and `angarium worker`"
        )
    if command in _ON_SERVERS and not (kafka or cassandra):
        yield (
            f"ANGARIUM_KAFKA and ANGARIUM_CASSANDRA are not set, but `{command}` runs on both; "
            "write host:port,… in each, or run `angarium serve`"
        )


def _kafka_login(reader: Reader, security: str) -> Iterator[str]:
    """Report SASL settings that do not fit the security protocol."""
    wanted = security.startswith("SASL_")
    for name in (f"ANGARIUM_KAFKA_SASL_{part}" for part in ("MECHANISM", "USERNAME", "PASSWORD")):
        if wanted and not reader.is_set(name):
            yield f"{name} is not set, but ANGARIUM_KAFKA_SECURITY is {security}; set it"
        if not wanted and reader.is_set(name):
            yield (
                f"{name} is set, but ANGARIUM_KAFKA_SECURITY is {security}, which has no login; "
                "write SASL_SSL or SASL_PLAINTEXT there, or unset it"
            )


def _kafka_certificates(reader: Reader, security: str) -> Iterator[str]:
    """Report TLS files that do not fit the security protocol."""
    for name in (f"ANGARIUM_KAFKA_{part}" for part in ("CAFILE", "CERTFILE", "KEYFILE")):
        if reader.is_set(name) and not security.endswith("SSL"):
            yield (
                f"{name} is set, but ANGARIUM_KAFKA_SECURITY is {security}, which encrypts "
                "nothing; write SSL or SASL_SSL there, or unset it"
            )
    if reader.is_set("ANGARIUM_KAFKA_KEYFILE") and not reader.is_set("ANGARIUM_KAFKA_CERTFILE"):
        yield (
            "ANGARIUM_KAFKA_KEYFILE is set and ANGARIUM_KAFKA_CERTFILE is not; set both, or the "
            "latter only"
        )
