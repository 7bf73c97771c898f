"""The only package that chooses an engine and connects the parts."""

from angarium.wiring.administration import UserAdmin as UserAdmin
from angarium.wiring.administration import admit_configured_users as admit_configured_users
from angarium.wiring.administration import open_dead_letters as open_dead_letters
from angarium.wiring.administration import open_identity as open_identity
from angarium.wiring.administration import password_hashing as password_hashing
from angarium.wiring.administration import provision as provision
from angarium.wiring.administration import refuse_public_passwords as refuse_public_passwords
from angarium.wiring.api import http_server as http_server
from angarium.wiring.embedded import embedded_engine as embedded_engine
from angarium.wiring.embedded import has_data as has_data
from angarium.wiring.engine import Engine as Engine
from angarium.wiring.inspection import Inspection as Inspection
from angarium.wiring.inspection import open_inspection as open_inspection
from angarium.wiring.inspection import outage_patience_s as outage_patience_s
from angarium.wiring.worker import router_worker as router_worker
