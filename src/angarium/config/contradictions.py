"""Settings that are right one by one and wrong together."""

from collections.abc import Iterator

from angarium.config.reader import Reader


def contradictions(read: Reader, security: str) -> Iterator[str]:
    """Find settings that cannot go together.

    Args:
        read: What was read of the environment.
        security: Kafka's, as read.

    Yields:
        A line for each problem.
    """
    yield from _both_or_neither(read, "ANGARIUM_KAFKA", "ANGARIUM_CASSANDRA")
    yield from _both_or_neither(read, "ANGARIUM_CASSANDRA_USERNAME", "ANGARIUM_CASSANDRA_PASSWORD")
    if read.given("ANGARIUM_KAFKA") and not read.given("ANGARIUM_JWT_SECRET"):
        yield (
            "ANGARIUM_JWT_SECRET is not set, but every instance must have the same with ANGARIUM_KAFKA;"
            " write at least 32 bytes, such as `openssl rand -hex 32` gives"
        )
    if "ANGARIUM_KAFKA_SECURITY" not in read.wrong:
        yield from _kafka_login(read, security)
        yield from _kafka_certificates(read, security)


def _both_or_neither(read: Reader, one: str, other: str) -> Iterator[str]:
    if read.given(one) != read.given(other):
        present, absent = (one, other) if read.given(one) else (other, one)
        yield f"{present} is set and {absent} is not; set both or neither"


def _kafka_login(read: Reader, security: str) -> Iterator[str]:
    wanted = security.startswith("SASL_")
    for name in (f"ANGARIUM_KAFKA_SASL_{part}" for part in ("MECHANISM", "USERNAME", "PASSWORD")):
        if wanted and not read.given(name):
            yield f"{name} is not set, but ANGARIUM_KAFKA_SECURITY is {security}; set it"
        if not wanted and read.given(name):
            yield (
                f"{name} is set, but ANGARIUM_KAFKA_SECURITY is {security}, which logs nobody in;"
                " write SASL_SSL or SASL_PLAINTEXT there, or unset it"
            )


def _kafka_certificates(read: Reader, security: str) -> Iterator[str]:
    for name in (f"ANGARIUM_KAFKA_{part}" for part in ("CAFILE", "CERTFILE", "KEYFILE")):
        if read.given(name) and not security.endswith("SSL"):
            yield (
                f"{name} is set, but ANGARIUM_KAFKA_SECURITY is {security}, which encrypts nothing;"
                " write SSL or SASL_SSL there, or unset it"
            )
    if read.given("ANGARIUM_KAFKA_KEYFILE") and not read.given("ANGARIUM_KAFKA_CERTFILE"):
        yield "ANGARIUM_KAFKA_KEYFILE is set and ANGARIUM_KAFKA_CERTFILE is not; set both, or the latter only"
