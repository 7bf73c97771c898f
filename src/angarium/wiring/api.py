"""Building the API: an engine, the services and the HTTP server."""

import socket

from angarium import logs
from angarium.api.application import MessagingApplication, Services
from angarium.api.cors import CorsPolicy
from angarium.api.endpoints.page import DemoLogin, PageSettings
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
from angarium.wiring.administration import has_public_logins
from angarium.wiring.engine import Engine


def http_server(
    settings: Settings, engine: Engine, clock: Clock, configured: ConfiguredPasswords | None = None
) -> Server:
    """Build the API and bind its address.

    Args:
        settings: Addresses, limits and windows.
        engine: The log and the stores.
        clock: Used by every service.
        configured: Passwords that are not hashed yet.

    Returns:
        A server that listens; it answers once `serve` is called.

    Raises:
        SetupError: The address cannot be used.
    """
    retry = StoreRetry()
    presence = Presence(engine.presence, settings.presence_window_s, clock)
    # An outage concerns all of them, so it is logged once for all.
    repeats = logs.Repeats(clock.monotonic)
    services = Services(
        authentication=Authentication(engine.signer, presence, clock),
        login=Login(
            engine.users,
            ScryptHasher(),
            engine.signer,
            LoginThrottle(settings.login_attempts, settings.login_window_s, clock),
            presence,
            clock,
            settings.token_ttl_s,
            retry,
            configured,
        ),
        users=Users(engine.users, retry),
        conversations=Conversations(
            engine.conversations, engine.users, engine.reader, clock, retry
        ),
        sending=Sending(engine.log, clock, engine.instance, repeats=repeats),
        delivery=Delivery(engine.log, engine.reader, clock, retry, engine.instance, repeats),
        history=History(engine.reader, retry),
        inbox=Inbox(engine.reader, retry),
        health=Health(engine.log, engine.conversations, clock, repeats=repeats),
        repeats=repeats,
    )
    limits = ServerLimits(
        max_in_flight=settings.max_inflight,
        max_logins=settings.max_logins,
        idle_timeout_s=settings.idle_timeout_s,
        request_timeout_s=settings.request_timeout_s,
        max_store_calls_per_user=engine.max_store_calls_per_user,
        crowded_switch_s=engine.crowded_switch_s,
    )
    cors = CorsPolicy(settings.cors_origins) if settings.cors_origins else None
    try:
        application = MessagingApplication(
            services,
            settings.trusted_proxies,
            hosts=host_check(settings, has_public_logins(settings, engine.users, configured)),
            cors=cors,
            page=page_settings(settings),
        )
        return Server(
            (settings.host, settings.port), application, limits, clock, cors, engine.idle_hint
        )
    except OSError as error:
        raise SetupError(
            f"{settings.host}:{settings.port} cannot be listened on ({error.strerror or error}); "
            "stop what listens there, or choose another address with ANGARIUM_HOST and "
            "ANGARIUM_PORT"
        ) from error


PEOPLE_ON_PAGE = 2
"""Side by side; it is told of no more."""


def page_settings(settings: Settings) -> PageSettings | None:
    """Decide what the page for people is told.

    Only where demo users are allowed does it know passwords, and only
    those that everybody knows.

    Args:
        settings: Whether there is a page, and the configured users.

    Returns:
        The demo users and the presence window; None without a page.
    """
    if not settings.page:
        return None
    users = settings.users if settings.allows_demo_users else ()
    logins = [
        DemoLogin(user.username, user.password)
        for user in users
        if user.password is not None and user.has_public_password
    ]
    return PageSettings(tuple(logins[:PEOPLE_ON_PAGE]), settings.presence_window_s)


def host_check(
    settings: Settings, is_public: bool, lookup: Lookup = socket.getaddrinfo
) -> HostCheck | None:
    """Make the check of `Host` for public logins (docs/adr/0023).

    Args:
        settings: The names under which clients reach the service.
        is_public: Whether everybody knows somebody's password.
        lookup: Replaces `socket.getaddrinfo` in tests.

    Returns:
        The check; None where nobody's password is public.

    Raises:
        OSError: The host to listen on cannot be resolved.
    """
    if not is_public:
        return None
    names = map(host_of_origin, settings.cors_origins)
    if settings.published_host is not None:
        # Clients use the address in front of the container, and never
        # the container's own.
        return HostCheck([settings.published_host], names)
    # Clients may use the name, or the address that it resolves to,
    # which the start prints.
    _, bound = resolve_listening_address(settings.host, settings.port, lookup)
    return HostCheck([settings.host, str(bound[0])], names)
