"""Static checks of the compose file; no Docker engine is available to these tests."""

import re
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import click
import msgspec
import pytest
import yaml

from cli.main import taskledger
from infra.embedded.postgres import APPLICATION_ROLE
from infra.settings import ENVIRONMENT_PREFIX, Settings

ROOT = Path(__file__).parent.parent
SECRETS = ROOT / "scripts" / "compose-secrets"
SERVICE_KEYS = {
    "build",
    "cap_drop",
    "command",
    "depends_on",
    "environment",
    "healthcheck",
    "image",
    "init",
    "ports",
    "read_only",
    "restart",
    "secrets",
    "security_opt",
    "shm_size",
    "stop_grace_period",
    "tmpfs",
    "volumes",
}
HEALTH_KEYS = {"test", "interval", "timeout", "retries", "start_period"}
CONDITIONS = {"service_healthy", "service_completed_successfully"}
OWN_SERVICES = {"api", "worker", "migrate"}
Compose = dict[str, Any]


@pytest.fixture
def compose() -> Compose:
    parsed: Compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    return parsed


def test_the_file_has_the_services_that_it_should_and_nothing_wrong(compose: Compose) -> None:
    assert compose["services"].keys() == OWN_SERVICES | {"postgres", "redis", "broker"}
    assert list(problems_in(compose)) == []


def test_the_operator_must_say_whether_registration_is_open(compose: Compose) -> None:
    for name in OWN_SERVICES:
        assert compose["services"][name]["environment"]["TASKLEDGER_REGISTRATION"].startswith(
            "${TASKLEDGER_REGISTRATION:?"
        )


def test_only_the_broker_is_durable(compose: Compose) -> None:
    broker, cache = (" ".join(compose["services"][name]["command"]) for name in ("broker", "redis"))
    assert "--maxmemory-policy noeviction" in broker
    assert "--appendonly yes" in broker
    assert "--maxmemory-policy allkeys-lru" in cache
    assert "volumes" not in compose["services"]["redis"]


def test_only_the_api_is_published_and_only_to_this_machine(compose: Compose) -> None:
    published = {name: service["ports"] for name, service in compose["services"].items() if "ports" in service}
    assert published == {"api": ["127.0.0.1:8000:8000"]}


def test_only_the_migrations_know_the_owner_of_the_log(compose: Compose) -> None:
    owners = {"migration_url", "postgres_password"}
    knowing = {name for name, service in compose["services"].items() if owners & set(service.get("secrets", []))}
    assert knowing == {"migrate", "postgres"}
    assert "TASKLEDGER_MIGRATION_URL_FILE" in compose["services"]["migrate"]["environment"]
    made = dict(re.findall(r'^keep (\w+_url) "postgresql://(\w+):', SECRETS.read_text(), re.MULTILINE))
    assert made == {"migration_url": compose["services"]["postgres"]["environment"]["POSTGRES_USER"]} | {
        "database_url": APPLICATION_ROLE
    }


def test_every_secret_that_is_named_is_made_by_the_script(compose: Compose) -> None:
    script = SECRETS.read_text()
    made = set(re.findall(r"^keep (\w+)", script, re.MULTILINE))
    made |= {
        f"{server}{what}" for server in ("redis", "broker") for what in re.findall(r'keep "\$\{server\}(\w+)"', script)
    }
    assert {Path(secret["file"]).name for secret in compose["secrets"].values()} == made


def test_the_image_has_every_folder_that_the_program_is_made_of() -> None:
    packages = re.search(r"^packages = \[(.*)\]", (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert packages
    for package in re.findall(r'"(\w+)"', packages[1]):
        assert f"COPY {package} {package}\n" in (ROOT / "Dockerfile").read_text()
        assert f"!{package}\n" in (ROOT / ".dockerignore").read_text()


@pytest.mark.parametrize(
    ("service", "change"),
    [
        ("api", {"enviroment": {}}),
        ("postgres", {"image": "postgres"}),
        ("postgres", {"image": "postgres:latest"}),
        ("redis", {"healthcheck": {}}),
        ("redis", {"healthcheck": {"test": ["CMD", "true"], "intervall": "5s"}}),
        ("api", {"depends_on": {"nobody": {"condition": "service_healthy"}}}),
        ("api", {"depends_on": {"migrate": {"condition": "service_healthy"}}}),
        ("api", {"command": ["taskledger", "fly"]}),
        ("api", {"command": ["taskledger", "api", "--wings", "2"]}),
        ("api", {"environment": {"TASKLEDGER_COLOUR": "red"}}),
        ("api", {"environment": {"TASKLEDGER_LOG_LEVEL": "loud"}}),
        ("api", {"environment": {"TASKLEDGER_JWT_KEY": "k" * 32}}),
        ("api", {"secrets": ["nowhere"]}),
        ("broker", {"volumes": ["nowhere:/data"]}),
    ],
)
def test_a_mistake_in_the_compose_file_is_detected(compose: Compose, service: str, change: Compose) -> None:
    wrong = deepcopy(compose)
    wrong["services"][service] |= change
    assert list(problems_in(wrong))


def problems_in(compose: Compose) -> Iterator[str]:
    """The faults of a compose file, by service."""
    for name, service in compose["services"].items():
        checks = [
            *_shape_problems(service),
            *_dependency_problems(compose, service),
            *_volume_problems(compose, service),
        ]
        if name in OWN_SERVICES:
            checks += [*_command_problems(service["command"]), *_environment_problems(service["environment"])]
        yield from (f"{name}: {fault}" for fault in checks)


def _shape_problems(service: Compose) -> Iterator[str]:
    yield from (f"no such key: {key}" for key in service.keys() - SERVICE_KEYS)
    if not re.fullmatch(r"[a-z/]+:[0-9][0-9a-z.-]*", service["image"]):
        yield f"not pinned: {service['image']}"
    health = service.get("healthcheck", {})
    if health != {"disable": True} and (not health.get("test") or health.keys() - HEALTH_KEYS):
        yield f"no health check: {health}"


def _dependency_problems(compose: Compose, service: Compose) -> Iterator[str]:
    for other, how in service.get("depends_on", {}).items():
        found = compose["services"].get(other)
        ends = found and found["healthcheck"].get("disable", False)
        wanted = "service_completed_successfully" if ends else "service_healthy"
        if found is None or how != {"condition": wanted}:
            yield f"waits for {other}: {how}"


def _volume_problems(compose: Compose, service: Compose) -> Iterator[str]:
    yield from (
        f"no such secret: {secret}" for secret in service.get("secrets", []) if secret not in compose["secrets"]
    )
    for volume in service.get("volumes", []):
        if volume.partition(":")[0] not in compose["volumes"]:
            yield f"no such volume: {volume}"


def _command_problems(argv: list[str]) -> Iterator[str]:
    program, name, *arguments = argv
    context = click.Context(taskledger)
    command = taskledger.get_command(context, name) if program == "taskledger" else None
    if command is None:
        yield f"no such command: {argv}"
        return
    try:
        command.make_context(name, list(arguments))
    except click.ClickException as error:
        yield error.format_message()


def _environment_problems(environment: dict[str, str]) -> Iterator[str]:
    known = {f"{ENVIRONMENT_PREFIX}{field.name.upper()}": field for field in msgspec.structs.fields(Settings)}
    for variable, given in environment.items():
        field = known.get(variable.removesuffix("_FILE"))
        if field is None:
            yield f"no such setting: {variable}"
        elif variable.endswith("_FILE"):
            if not given.startswith("/run/secrets/"):
                yield f"not a secret: {variable}"
        elif field.name.endswith(("_url", "_key")):
            yield f"a secret in the open: {variable}"
        else:
            try:
                examples = re.sub(r"\$\{\w+:(?:-|\?)(\w+).*?\}", r"\1", given)  # a default, or what to say
                msgspec.convert(examples, field.type, strict=False)
            except msgspec.ValidationError as error:
                yield f"{variable}: {error}"
