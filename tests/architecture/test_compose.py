"""docker-compose.yml is the supervisor's table, on real servers."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML  # check-jsonschema stands on it

from scf.runtime.services import SERVICES
from scf.runtime.session import PASSED_ON
from scf.runtime.site import Site
from scf.settings import Settings

ROOT = Path(__file__).parents[2]
FILE = ROOT / "docker-compose.yml"
COMPOSE = YAML(typ="safe").load(FILE)["services"]
SERVERS = ("postgres", "redis", "chain")
TABLE = {service.name: service for service in SERVICES}
DEMONSTRATION = {"BUSINESS_CLOCK"}  # a real installation lives in real time
CONDITIONS = {
    "service_completed_successfully": "step",
    "service_healthy": "answers",
    "service_started": "runs",
}


def test_it_is_valid():
    command = ["check-jsonschema", "--builtin-schema", "vendor.compose-spec", str(FILE)]
    program = [str(Path(sys.executable).parent / command[0]), *command[1:]]
    assert subprocess.run(program, capture_output=True, check=False).returncode == 0


def test_the_services_are_the_same():
    assert list(COMPOSE) == list(TABLE)


def test_they_need_the_same():
    needs = {name: tuple(service.get("depends_on", ())) for name, service in COMPOSE.items()}
    assert needs == {service.name: service.needs for service in SERVICES}


@pytest.mark.parametrize("name", TABLE)
def test_they_are_waited_for_in_the_same_way(name):
    for need, how in COMPOSE[name].get("depends_on", {}).items():
        assert (CONDITIONS[how["condition"]] == "step") == TABLE[need].once


@pytest.mark.parametrize("name", [name for name in TABLE if name not in SERVERS])
def test_the_commands_are_the_same(name):
    service, site = TABLE[name], Site(Path("/data"), {s.name: s.port for s in SERVICES if s.port})
    embedded = [word for word in service.command(site)[1:] if word not in {"--host", "127.0.0.1"}]
    composed = [word for word in COMPOSE[name]["command"][1:] if word not in {"--host", "0.0.0.0"}]
    assert composed == embedded


def test_all_of_ours_are_given_the_variables_that_settings_read():
    variables = {service.provides for service in SERVICES if service.provides} | {"SCF_DATA"}
    variables |= set(PASSED_ON) - DEMONSTRATION
    known = {field.validation_alias for field in Settings.model_fields.values()}
    assert variables <= known
    for name in TABLE.keys() - set(SERVERS):
        assert COMPOSE[name]["environment"].keys() == variables


def test_addresses_name_the_service_and_its_port():
    given = COMPOSE["api"]["environment"]
    for name in ("chain", "tokens", "registry"):
        assert re.search(rf"//{name}:{TABLE[name].port}\b", given[TABLE[name].provides])
    assert str(TABLE["api"].port) in given["PUBLIC_URL"]


def test_no_password_is_written_down():
    for variable, value in COMPOSE["postgres"]["environment"].items():
        if "PASSWORD" in variable:
            assert value.startswith("${")
