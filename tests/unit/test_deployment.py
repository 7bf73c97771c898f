"""docker-compose.yml as it stands: what it passes on, and what lets it
run on a laptop in any number.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest
import yaml

from angarium.api.problem_kinds import KINDS
from angarium.api.problems import PAGE, type_of
from angarium.api.transport.trace_id import trace_id_of
from angarium.config import Settings, SettingsError
from angarium.config.users import DEMO_USERS
from angarium.domain.errors import Code

ROOT = Path(__file__).parents[2]
VARIABLE = re.compile(r"\$\{(\w+):-([^}]*)\}")
OFFERED = re.compile(r"^#(\w+)=(.*)$", re.MULTILINE)
INSTANCES = ("init", "api", "worker")
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
LAPTOP_MEBIBYTES = 6 * 1024
"""Of 8 GiB; the rest is the desktop's."""

Service = dict[str, object]


def offered() -> dict[str, str]:
    """What .env.example has, with the values that hold without it."""
    return dict(OFFERED.findall((ROOT / ".env.example").read_text()))


def composed(
    environment: Mapping[str, str], file: str = "docker-compose.yml"
) -> dict[str, Service]:
    """The services, with variables filled in as Compose does."""
    text = (ROOT / file).read_text()
    filled = VARIABLE.sub(lambda found: environment.get(found[1]) or found[2], text)
    return cast("dict[str, Service]", yaml.safe_load(filled)["services"])


def merged(below: object, above: object) -> object:
    """What Compose makes of a value in two files: mappings key by key,
    volumes by where they are mounted.
    """
    if isinstance(below, dict) and isinstance(above, dict):
        return {**below, **{key: merged(below.get(key), value) for key, value in above.items()}}
    if isinstance(below, list) and isinstance(above, list):
        return list({str(each).split(":")[1]: each for each in [*below, *above]}.values())
    return above


def with_three_nodes(environment: Mapping[str, str]) -> dict[str, Service]:
    """The services of both files together."""
    services = composed(environment)
    for name, override in composed(environment, "docker-compose.three-nodes.yml").items():
        extended = cast("dict[str, str]", override.pop("extends", {"service": name}))
        services[name] = cast("Service", merged(services[extended["service"]], override))
    return services


def settings_of(service: Service, command: str) -> Settings:
    given = cast("dict[str, object]", service["environment"])
    environment = {name: "" if value is None else str(value) for name, value in given.items()}
    return replace(Settings.from_env(environment, command=command), shown=())


def mebibytes(service: Service) -> int:
    number, unit = re.fullmatch(r"(\d+)([mg])", str(service["mem_limit"])).groups()  # type: ignore[union-attr]
    return int(number) * (1024 if unit == "g" else 1)


def test_every_setting_of_the_instances_can_be_set() -> None:
    names = {setting.name for setting in Settings.from_env({}).shown}
    passed_on = set(cast("dict[str, str]", composed({})["api"]["environment"]))
    assert names - passed_on == {"ANGARIUM_DATA", "ANGARIUM_URL"}, (
        "for `serve` and for clients only"
    )
    assert passed_on - names == set()


def test_the_example_offers_every_variable_with_the_value_that_holds_without_it() -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    variables = dict(VARIABLE.findall(text))
    assert offered().keys() == variables.keys()
    own = {setting.name: setting.value for setting in Settings.from_env({}).shown}
    for name, value in offered().items():
        assert value == (variables[name] or own.get(name) or "") or name == "ANGARIUM_USERS", name
    assert len(VARIABLE.findall(text)) == text.replace("$${", "").count("${"), (
        "a variable without a default"
    )


@pytest.mark.parametrize("environment", [{}, offered()], ids=["nothing", "the whole example"])
def test_instances_can_start_with(environment: dict[str, str]) -> None:
    services = composed(environment)
    for command in INSTANCES:
        settings = settings_of(services[command], command)
        assert settings.users is DEMO_USERS
        assert not settings.is_exposed
    assert settings_of(composed({})["api"], "api") == settings_of(
        composed(offered())["api"], "api"
    )


@pytest.mark.parametrize("command", ["init", "api"])
def test_nothing_that_everybody_knows_is_published_to_others(command: str) -> None:
    service = composed({"ANGARIUM_HOST": "0.0.0.0"})[command]
    with pytest.raises(
        SettingsError, match=r"ANGARIUM_HOST of \.env\) is '0\.0\.0\.0', which other machines"
    ):
        settings_of(service, command)
    asked_for = composed({"ANGARIUM_HOST": "0.0.0.0", "ANGARIUM_DEMO": "1"})[command]
    assert settings_of(asked_for, command).demo


def test_only_the_balancer_is_published_and_only_to_this_machine() -> None:
    services = composed({})
    assert {name for name, service in services.items() if "ports" in service} == {"haproxy"}
    assert services["haproxy"]["ports"] == ["127.0.0.1:8080:8080"]


def test_instances_can_be_scaled() -> None:
    for service in composed({}).values():
        assert not {"container_name", "hostname", "deploy"} & service.keys()


def test_three_of_each_fit_a_laptop() -> None:
    services = composed({})
    counts = {"api": 3, "worker": 3}
    assert (
        sum(mebibytes(each) * counts.get(name, 1) for name, each in services.items())
        <= LAPTOP_MEBIBYTES
    )


def test_a_third_cassandra_node_holds_a_third_copy_of_each_row() -> None:
    services = with_three_nodes({})
    nodes = [name for name in services if name.startswith("cassandra-")]
    assert nodes == ["cassandra-1", "cassandra-2", "cassandra-3"]
    assert [services[node]["volumes"] for node in nodes] == [
        [f"{node}:/var/lib/cassandra"] for node in nodes
    ]
    assert len({services[node]["image"] for node in nodes}) == 1
    assert nodes[-1] not in str(services[nodes[-1]]["environment"]), (
        "a seed would join without its data"
    )
    assert "ring_delay_ms" not in str(services[nodes[-1]]["environment"]), (
        "it joins others that have data"
    )
    for command in INSTANCES:
        settings = settings_of(services[command], command)
        assert settings.replication == len(nodes)
        assert [address.host for address in settings.cassandra] == nodes
    assert set(nodes) < cast("dict[str, object]", services["init"]["depends_on"]).keys()


def test_everything_but_the_preparation_is_back_after_a_reboot() -> None:
    services = with_three_nodes({})
    restarted = {
        name for name, service in services.items() if service.get("restart") == "unless-stopped"
    }
    assert restarted == services.keys() - {"init"}
    assert "restart" not in services["init"]


def test_the_image_keeps_its_data_in_a_volume_of_its_user_and_compose_leaves_none_behind() -> None:
    steps = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")
    (folder,) = re.findall(r"ANGARIUM_DATA=(\S+)", steps)
    (user,) = re.findall(r"^USER (\d+):\d+$", steps, re.MULTILINE)
    made = re.search(
        rf"install --directory --mode=0700 --owner={user} --group=\d+ {folder}$",
        steps,
        re.MULTILINE,
    )
    volume = re.search(rf"^VOLUME {folder}$", steps, re.MULTILINE)
    assert made is not None
    assert volume is not None
    assert made.start() < volume.start(), "what a step changes in a volume is lost"
    for command in INSTANCES:
        # Without these options it has the folder's mode and is root's.
        owned = f"{folder}:uid={user},gid={user},mode=0700"
        assert composed({})[command]["tmpfs"] == [owned]


def test_nothing_waits_by_the_clock() -> None:
    for name, service in composed({}).items():
        waits = cast("dict[str, dict[str, str]]", service.get("depends_on", {}))
        conditions = {each["condition"] for each in waits.values()}
        assert conditions <= {"service_healthy", "service_completed_successfully"}, name
        assert "sleep" not in str(service)


def test_what_stands_around_an_instance_outlasts_what_it_bounds_itself() -> None:
    for name in ("api", "worker"):
        assert composed({})[name]["stop_grace_period"] == "15s", "a stop may take 10 s"


@pytest.mark.parametrize(
    "parent",
    [
        f"00-{TRACE}-00f067aa0ba902b7-01",
        f"cc-{TRACE}-00f067aa0ba902b7-01",
        f"cc-{TRACE}-00f067aa0ba902b7-01-what the future, may bring",
        f"00-{TRACE}-00f067aa0ba902b7-01-more",
        f"ff-{TRACE}-00f067aa0ba902b7-01",
        f"cc-{TRACE}-00f067aa0ba902b7-01.",
        f"00-{TRACE.upper()}-00f067aa0ba902b7-01",
        f"00-{TRACE[1:]}-00f067aa0ba902b7-01",
        f"00-{'0' * 32}-00f067aa0ba902b7-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE}",
        "",
    ],
)
def test_the_balancer_takes_the_same_traceparents_as_the_api(parent: str) -> None:
    balancer = (ROOT / "deploy" / "haproxy.cfg").read_text()
    (pattern,) = re.findall(r"req\.fhdr\(traceparent\) -m reg (\S+)", balancer)
    assert (re.search(pattern, parent) is not None) == (
        trace_id_of({"traceparent": [parent]}) == TRACE
    )


def test_the_balancer_tells_the_api_its_trace_id_whatever_the_client_sent() -> None:
    balancer = (ROOT / "deploy" / "haproxy.cfg").read_text()
    assert "    http-request set-header X-Trace-Id %[var(txn.trace_id)]\n" in balancer
    for parents in ([], ["00-mangled"], [f"00-{TRACE}-00f067aa0ba902b7-01"] * 2):
        assert trace_id_of({"traceparent": parents, "x-trace-id": [TRACE]}) == TRACE


def test_what_the_balancer_says_by_itself_is_what_the_api_would_say() -> None:
    """Its own problem documents have the types, titles and statuses of
    the API's table.
    """
    configured = (ROOT / "deploy" / "haproxy.cfg").read_text()
    found = re.findall(
        r'"type":"([^"]*)","title":"([^"]*)","status":(\d+),.*?"code":"(\w+)"', configured
    )
    assert len(found) == configured.count('"type":')
    for type_, title, status, code in found:
        kind = KINDS[Code(code)]
        assert (type_, title, int(status)) == (type_of(Code(code)), kind.title, kind.status)
    script = (ROOT / "deploy" / "wire.lua").read_text()
    told = re.findall(r'status = (\d+), code = "(\w+)", title = "([^"]*)"', script)
    assert len(told) == script.count('", title = "')
    for status, code, title in told:
        assert (int(status), title) == (KINDS[Code(code)].status, KINDS[Code(code)].title)
    assert f'"type":"{PAGE}#%s"' in script


def test_instances_are_given_no_privileges() -> None:
    for name in INSTANCES:
        service = composed({})[name]
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
