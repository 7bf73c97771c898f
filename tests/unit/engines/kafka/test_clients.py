from contextlib import closing

from angarium.engines.kafka.clients import PatientClient
from angarium.engines.kafka.lazy_selector import LazySelector


def test_a_client_makes_few_system_calls() -> None:
    with closing(PatientClient(bootstrap_servers="127.0.0.1:1")) as client:
        assert isinstance(client._net._selector, LazySelector)
