"""The description of the management API says what the routes do, and the UI's copy of it is the present one."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from limner.api import openapi
from limner.api.routes import ROUTES
from limner.api.routes.route import Route
from limner.workspace.verbs import VERBS
from tests.api.served import Served

ROOT = Path(__file__).parents[2]
DOCUMENT = openapi.document()


def test_the_uis_copy_of_the_description_is_the_present_one() -> None:
    kept = (ROOT / "web" / "openapi.json").read_text(encoding="utf-8")
    assert json.loads(kept) == openapi.document(), "run: make openapi"


def test_the_server_tells_anybody_what_its_routes_are(served: Served) -> None:
    assert served.client.get("/api/v1/openapi.json").json() == json.loads(openapi.text())


def test_no_two_routes_are_the_same() -> None:
    places = [(route.method, re.sub(r"{\w+}", "{}", route.path)) for route in ROUTES]
    assert len(set(places)) == len(places)
    operations = [
        operation["operationId"] for methods in DOCUMENT["paths"].values() for operation in methods.values()
    ]
    assert len(set(operations)) == len(operations)


def test_every_shape_that_is_named_is_there() -> None:
    named = set(re.findall(r'"\$ref": "#/components/schemas/([^"]+)"', json.dumps(DOCUMENT)))
    assert named <= DOCUMENT["components"]["schemas"].keys()


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_a_route_is_described_whole(route: Route) -> None:
    described = DOCUMENT["paths"][route.path][route.method.lower()]
    assert described["summary"]
    assert described["summary"] != described["operationId"]
    assert described["x-role"] in (None, "viewer", "operator", "admin")
    assert route.verb in VERBS or route.handle is not None
    for name in re.findall(r"{(\w+)", route.path):
        assert name in {
            parameter["name"] for parameter in described["parameters"] if parameter["in"] == "path"
        }


@pytest.mark.parametrize(
    "route",
    [route for route in ROUTES if route.takes is not None],
    ids=lambda route: f"{route.method} {route.path}",
)
def test_a_body_has_an_example_that_fits_it(route: Route) -> None:
    assert route.takes is not None
    route.takes.model_validate(openapi.example_of(route))


@pytest.mark.parametrize(
    "route",
    [route for route in ROUTES if "answer" in route.example],
    ids=lambda route: f"{route.method} {route.path}",
)
def test_an_example_of_an_answer_fits_its_shape(route: Route) -> None:
    route.answers.model_validate(route.example["answer"])
