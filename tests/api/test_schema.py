"""Generated requests against the served application: nothing breaks it, and every answer is as it is described.

Each operation of the OpenAPI document is called with generated words, right ones and wrong ones, for things that are
there and for things that are not. Found must be: no 500, no status and no type that is not described, no answer that
does not fit its schema, no wrong words taken for right ones.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
)

from limner.api import openapi
from tests.api.served import Served, serving

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    negative_data_rejection,
]
EXAMPLES = 2
TOO_LONG = (413, 431)
"""What is this long is refused before anybody reads what it says, so that it is not refused for that."""
SCHEMA = schemathesis.openapi.from_dict(openapi.document())
OPERATIONS = [found.ok() for found in SCHEMA.get_all_operations()]

LONG = frozenset({"POST /api/v1/start/demo"})
"""What makes a whole shop; its own tests call it."""

THERE = {
    "tags": {"key": "city_of", "name": "city_of"},
    "audiences": {"name": "everybody"},
    "campaigns": {"name": "hello"},
    "people": {"id": "u1"},
    "sources": {"name": "web"},
    "definitions": {"kind": "audiences", "name": "everybody"},
}
"""What stands for the parameters of a path below /api/v1/…, so that something is found there."""

FILES = {
    "tags/city_of.yml": "title: City\nnature: fact\nmethod: observed\ntype: text\nattribute: city\n",
    "audiences/everybody.yml": 'title: Everybody\nexpression: "did *"\n',
    "campaigns/hello.yml": (
        "title: Hello\naudience: everybody\nholdout: 0.1\nchannel: email\nclass: service\nsubject: Hello\n"
        "template: hello.html\n"
    ),
    "templates/hello.html": "<p>Hello {{ person.city }}</p>\n",
}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("schema") / "shop", toml='[email]\nsender = "a@x.test"\n') as served:
        for path, text in FILES.items():
            served.world.write(path, text)
        for number in range(3):
            served.identify(f"u{number}", city="杭州", email=f"u{number}@x.test")
            served.track(f"u{number}", "Order Paid", amount=9.5)
        served.world.verb("tag run")
        yield served


@pytest.fixture(scope="module")
def session() -> Iterator[requests.Session]:
    with requests.Session() as made:
        yield made


def call(served: Served, session: requests.Session, case: Any) -> None:
    """Sends the case and holds the answer to its description."""
    answer = case.call(
        base_url=str(served.client.base_url).rstrip("/"),
        session=session,
        headers={"Authorization": f"Bearer {served.keys['admin']}"},
        timeout=60,
    )
    checks = [
        check
        for check in CHECKS
        if answer.status_code not in TOO_LONG or check is not negative_data_rejection
    ]
    case.validate_response(answer, checks=checks)


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["right", "wrong"])
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda one: f"{one.method.upper()} {one.path}")
def test_an_operation_answers_as_it_is_described(
    shop: Served, session: requests.Session, operation: Any, mode: GenerationMode
) -> None:
    if f"{operation.method.upper()} {operation.path}" in LONG:
        pytest.skip("makes a whole shop")
    noun = operation.path.split("/")[3]

    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def check(case: Any) -> None:
        call(shop, session, case)
        there = THERE.get(noun, {})
        if (
            mode is GenerationMode.POSITIVE
            and case.path_parameters
            and there.keys() & case.path_parameters.keys()
        ):
            for name in case.path_parameters.keys() & there.keys():
                case.path_parameters[name] = there[name]
            call(shop, session, case)

    with contextlib.suppress(Unsatisfiable):  # nothing about it can be wrong
        check()
