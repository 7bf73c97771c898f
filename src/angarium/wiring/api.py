"""The API: the services on an engine, behind the server."""

import socket

from angarium import logs
from angarium.api.application import MessagingApplication, Services
from angarium.api.cors import CorsPolicy
from angarium.api.host_check import HostCheck
from angarium.api.transport.listening import Lookup, resolve_listening_address
from angarium.api.transport.server import Server, ServerLimits
from angarium.clock import Clock
from angarium.config import Settings
from angarium.config.addresses import host_of_origin
from angarium.domain.errors import SetupError
from angarium.engines.secrets.passwords import ScryptHasher
from angarium.services.authentication import Authentication
from angarium.services.configured_passwords import ConfiguredPasswords
from angarium.services.conversations import Conversations
from angarium.services.delivery import Delivery
from angarium.services.health import Health
from angarium.services.history import History
from angarium.services.inbox import Inbox
from angarium.services.login import Login
from angarium.services.login_throttle import LoginThrottle
from angarium.services.presence import Presence
from angarium.services.sending import Sending
from angarium.services.store_retry import StoreRetry
from angarium.services.users import Users
from angarium.wiring.engine import Engine


def http_server(
    settings: Settings, engine: Engine, clock: Clock, configured: ConfiguredPasswords | None = None
) -> Server:
    """Put the API together and bind its address.

    Args:
        settings: Addresses, limits and windows.
        engine: What it stands on.
        clock: Tells the time.
        configured: Passwords that are not hashed yet.

    Returns:
        A server that listens, and serves once it is told to.

    Raises:
        SetupError: The address cannot be listened on.
    """
    retry = StoreRetry()
    presence = Presence(engine.presence, settings.presence_window, clock)
    # What is out is out for all of them: told once.
    repeats = logs.Repeats(clock.monotonic)
    services = Services(
        authentication=Authentication(engine.signer, presence, clock),
        login=Login(
            engine.users,
            ScryptHasher(),
            engine.signer,
            LoginThrottle(settings.login_attempts, settings.login_window, clock),
            presence,
            clock,
            settings.token_ttl,
            retry,
            configured,
        ),
        users=Users(engine.users, retry),
        conversations=Conversations(
            engine.conversations, engine.users, engine.reader, clock, retry
        ),
        sending=Sending(engine.log, clock, repeats=repeats),
        delivery=Delivery(engine.log, engine.reader, clock, retry, repeats),
        history=History(engine.reader, retry),
        inbox=Inbox(engine.reader, retry),
        health=Health(engine.log, engine.conversations, clock, repeats=repeats),
        repeats=repeats,
    )
    limits = ServerLimits(
        max_in_flight=settings.max_inflight,
        max_logins=settings.max_logins,
        idle_timeout=settings.idle_timeout,
        request_timeout=settings.request_timeout,
        store_threads_of_user=engine.calls_of_user,
    )
    cors = CorsPolicy(settings.cors_origins) if settings.cors_origins else None
    try:
        application = MessagingApplication(
            services, settings.trusted_proxies, hosts=host_check(settings), cors=cors
        )
        return Server(
            (settings.host, settings.port), application, limits, clock, cors, engine.idle_hint
        )
    except OSError as error:
        raise SetupError(
            f"{settings.host}:{settings.port} cannot be listened on ({error.strerror or error}); "
            "stop what "
            "listens there, or choose another address with ANGARIUM_HOST and ANGARIUM_PORT"
        ) from error


def host_check(settings: Settings, lookup: Lookup = socket.getaddrinfo) -> HostCheck | None:
    """Make the check of `Host` that the demo users need
    (docs/adr/0023).

    Args:
        settings: Say whether there are any, and where others reach the
            service.
        lookup: Instead of `socket.getaddrinfo`.

    Returns:
        The check; None without demo users.

    Raises:
        OSError: The host to listen on leads nowhere.
    """
    if not settings.allows_demo_users:
        return None
    names = map(host_of_origin, settings.cors_origins)
    if settings.published_host is not None:
        # What stands in front is bound for this instance: nobody types
        # the container's address.
        return HostCheck([settings.published_host], names)
    # A name is its own, and so is the address behind it, which the
    # start names.
    _, bound = resolve_listening_address(settings.host, settings.port, lookup)
    return HostCheck([settings.host, str(bound[0])], names)
