"""Objects through the API: an operator loads rows, a viewer looks."""

from __future__ import annotations

from pathlib import Path

from tests.api.served import serving


def test_an_operator_loads_rows_and_a_viewer_sees_their_tags(tmp_path: Path) -> None:
    with serving(tmp_path / "shop") as shop:
        text = "property: shop\ntags:\n  large:\n    when: size >= 100\n"
        shop.world.write("objects/store.yml", text)
        told = shop.send(
            "PUT", "/api/v1/objects/store/rows", {"rows": "id,size\nN,120\nS,80\n"}, role="operator"
        ).json()
        assert (told["objects"], told["tags"]) == (2, {"large": 1})
        found = shop.get("/api/v1/objects/store", role="viewer", tag="large")
        assert found["objects"] == [{"id": "N", "values": {"size": 120}, "tags": ["large"]}]
        (kind,) = shop.get("/api/v1/objects", role="viewer")["kinds"]
        assert (kind["property"], kind["columns"]) == ("shop", [{"name": "size", "type": "number"}])
