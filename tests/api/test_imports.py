"""Files over HTTP: uploaded, mapped, tried, imported, reported; exact, once, and what was set aside comes in later."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from limner.types import Json
from tests.api.served import Served, serving

ORDERS = """\
订单编号,下单时间,买家手机号,收货人姓名,Email,商品名称,单价,数量,实付金额(元),收货城市,订单状态
A001,2026/3/5 14:22,138 0013 8000,王小明,Ming@Example.com,龙井 250g,¥128.00,2,"¥1,256.00",杭州,交易成功
A002,2026/3/6 9:05,13900139000,Li Lei,lilei@example.com,Teapot,¥399.00,1,¥399.00,上海,已退款
A003,2026/13/6 9:05,13700137000,韩梅梅,han@example.com,Teapot,¥399.00,1,¥399.00,上海,交易成功
A004,2026/3/7 10:00,1.38E+10,Bad,bad@example.com,Cup,¥39.00,1,¥39.00,上海,交易成功
A005,2026/3/8 11:30,13600136000,周,zhou@example.com,Cup
A006,2026/3/9 20:15,138-0013-8000,王小明,ming@example.com,Cup,¥39.00,1,¥39.00,杭州,交易成功
"""


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Served]:
    with serving(tmp_path / "shop", toml='zone = "Asia/Shanghai"\n') as made:
        yield made


def upload(shop: Served, content: str | bytes, name: str = "订单_2026-03.csv") -> str:
    answer = shop.send("POST", "/api/v1/uploads", content=content, role="operator", name=name)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["upload"])


def guessed(shop: Served, content: str | bytes, name: str = "订单_2026-03.csv") -> Json:
    made = upload(shop, content, name)
    return {"upload": made, **shop.post("/api/v1/imports/guess", {"upload": made}, role="operator")}


def roles(form: Json) -> dict[str, tuple[str, str, str]]:
    return {item["column"]: (item["role"], item["name"], item["type"]) for item in form["columns"]}


def test_a_messy_export_is_understood_tried_and_imported_exactly(shop: Served) -> None:
    found = guessed(shop, ORDERS)
    form = found["form"]
    assert form["source"] == "订单"
    assert form["time"] == {"format": "%Y/%m/%d %H:%M", "zone": "Asia/Shanghai"}
    assert form["event"] == {"kind": "cases", "name": "", "cases": ["Order Refunded", "Order Paid"]}
    assert roles(form) == {
        "订单编号": ("property", "order", ""),
        "下单时间": ("time", "", ""),
        "买家手机号": ("key", "phone", ""),
        "收货人姓名": ("attribute", "name", ""),
        "Email": ("key", "email", ""),
        "商品名称": ("property", "product", ""),
        "单价": ("property", "price", "money"),
        "数量": ("property", "quantity", "number"),
        "实付金额(元)": ("property", "amount", "money"),
        "收货城市": ("attribute", "city", ""),
        "订单状态": ("property", "status", ""),
    }
    assert (found["problems"], found["questions"], found["before"]) == ([], [], None)
    sample = found["sample"]
    assert (sample["rows"], sample["whole"], sample["fits"]) == (6, True, 3)
    assert sample["reasons"] == {"bad_time": 1, "damaged_by_spreadsheet": 1, "too_few_fields": 1}
    first, refunded = sample["shown"][:2]
    assert first["person"] == {"phone": "138 0013 8000", "email": "Ming@Example.com"}
    assert (first["event"], first["at"]) == ("Order Paid", "2026-03-05T06:22:00Z")
    assert (first["properties"]["amount"], first["properties"]["quantity"]) == ("1256", 2.0)
    assert refunded["event"] == "Order Refunded"
    assert [(row["line"], row["status"]) for row in sample["shown"]] == [
        (2, "fits"), (3, "fits"), (4, "quarantined"), (5, "quarantined"), (6, "rejected"), (7, "fits"),
    ]  # fmt: skip

    report = shop.post(
        "/api/v1/imports",
        {"upload": found["upload"], "mapping": found["mapping"], "name": "订单.csv"},
        role="operator",
    )
    assert (report["received"], report["stored"], report["duplicate"]) == (6, 3, 0)
    assert (report["quarantined"], report["rejected"], report["file"]) == (2, 1, "订单.csv")
    assert [line["line"] for line in report["lines"]] == [4, 5, 6]
    summed = shop.get("/api/v1/events/summary", sum="amount", by="event")
    assert (summed["events"], summed["sum"]) == (3, "1694")
    assert shop.get("/api/v1/identity")["people"] == 2  # one phone in two spellings

    (row,) = shop.get("/api/v1/imports", role="operator")["imports"]
    assert (row["status"], row["bad"], row["lines_kept"], row["upload"]) == ("done", 3, True, found["upload"])
    lines = shop.send("GET", f"/api/v1/imports/{row['id']}/lines", role="operator")
    read = list(csv.DictReader(io.StringIO(lines.content.decode("utf-8-sig"))))
    assert [(item["line"], item["status"], item["code"]) for item in read] == [
        ("4", "quarantined", "bad_time"),
        ("5", "quarantined", "damaged_by_spreadsheet"),
        ("6", "rejected", "too_few_fields"),
    ]
    assert "A003" in read[0]["row"]


def test_the_same_file_twice_adds_nothing_and_says_so(shop: Served) -> None:
    found = guessed(shop, ORDERS)
    asked = {"upload": found["upload"], "mapping": found["mapping"]}
    shop.post("/api/v1/imports", asked, role="operator")
    again = guessed(shop, ORDERS, "copy.csv")
    assert again["before"]["stored"] == 3
    assert again["earlier"]["mapping"] == found["mapping"]
    report = shop.post(
        "/api/v1/imports", {"upload": again["upload"], "mapping": again["mapping"]}, role="operator"
    )
    assert (report["received"], report["stored"], report["duplicate"]) == (6, 0, 3)
    assert any("already imported at" in note for note in report["notes"])
    assert shop.get("/api/v1/events/summary")["events"] == 3


def test_a_mapping_that_fits_lets_in_what_was_set_aside_and_the_counters_stay_exact(shop: Served) -> None:
    content = "user_id,at,amount\nann,2026-03-01 10:00:00,5\nbob,02.03.2026,6\ncho,03.03.2026,7\n"
    mapping = "source: till\nperson: user_id\ntime: {column: at, format: FORMAT}\nevent: Bought\nproperties: [amount]\n"
    asked = {"upload": upload(shop, content), "mapping": mapping.replace("FORMAT", '"%Y-%m-%d %H:%M:%S"')}
    first = shop.post("/api/v1/imports", asked, role="operator")
    assert (first["stored"], first["quarantined"]) == (1, 2)
    aside = shop.get("/api/v1/quarantine", role="operator")
    assert [(row["code"], row["file"]) for row in aside["events"]] == [("bad_time", "订单_2026-03.csv")] * 2
    assert aside["reasons"][0] | {"last_at": "", "message": ""} == {
        "code": "bad_time", "n": 2, "of_files": 2, "last_at": "", "message": "",
    }  # fmt: skip
    asked["mapping"] = mapping.replace("FORMAT", '"%d.%m.%Y"')
    second = shop.post("/api/v1/imports", asked, role="operator")
    assert (second["stored"], second["duplicate"], second["quarantined"]) == (2, 0, 1)
    aside = shop.get("/api/v1/quarantine", role="operator")
    assert [row["message"][:6] for row in aside["events"]] == ["line 2"]
    counted = shop.get("/api/v1/counters")["sources"]["till"]
    assert counted == {"received": 6, "stored": 3, "duplicate": 2, "quarantined": 1, "rejected": 0}


def test_form_and_text_say_the_same_both_ways(shop: Served) -> None:
    found = guessed(shop, ORDERS)
    form, made = found["form"], found["upload"]
    kept = shop.post(
        "/api/v1/imports/check", {"upload": made, "mapping": found["mapping"], "form": form}, role="operator"
    )
    assert (kept["form"], kept["sample"]) == (form, found["sample"])
    for item in form["columns"]:
        if item["column"] == "订单状态":
            item["role"] = "ignore"
        if item["column"] == "商品名称":
            item["name"] = "title"
    form["event"] = {"kind": "name", "name": "Bought", "cases": []}
    changed = shop.post(
        "/api/v1/imports/check", {"upload": made, "mapping": found["mapping"], "form": form}, role="operator"
    )
    assert "event: Bought" in changed["mapping"]
    assert "title: 商品名称" in changed["mapping"]
    assert "订单状态" not in changed["mapping"]
    assert {row["event"] for row in changed["sample"]["shown"] if row["status"] == "fits"} == {"Bought"}
    text = "# checked by Ada\n" + changed["mapping"].replace("attributes:", "atributes:")
    wrong = shop.post("/api/v1/imports/check", {"upload": made, "mapping": text}, role="operator")
    (problem,) = wrong["problems"]
    assert problem["line"] == text[: text.index("atributes")].count("\n") + 1
    assert problem["hint"] == "did you mean attributes?"


def test_what_only_text_can_say_survives_the_form(shop: Served) -> None:
    text = (
        "# the till's order lines\nsource: till\nperson: {user_id: who}\ntime: at\nevent: Order Paid\nproperties:\n"
        "  amount: {multiply: [price, qty], type: money}\n  shop: {value: London}\n  qty: {column: qty, type: number}\n"
    )
    made = upload(shop, "who,at,price,qty\nann,2026-03-01,1.5,2\n", "till.csv")
    found = shop.post("/api/v1/imports/check", {"upload": made, "mapping": text}, role="operator")
    assert found["form"]["more"] == [
        {"section": "properties", "name": "amount", "text": "price × qty"},
        {"section": "properties", "name": "shop", "text": "London"},
    ]
    found["form"]["more"].pop()
    kept = shop.post(
        "/api/v1/imports/check", {"upload": made, "mapping": text, "form": found["form"]}, role="operator"
    )
    assert kept["mapping"].startswith("# the till's order lines\n")
    assert kept["sample"]["shown"][0]["properties"] == {"amount": "3", "qty": 2.0}


def test_two_readings_of_a_date_are_asked_about(shop: Served) -> None:
    found = guessed(shop, "user_id,date,amount\nann,03/04/2026,5\nbob,05/06/2026,7\n", "x.csv")
    assert found["questions"] == [
        {"code": "ambiguous_date", "column": "date", "choices": ["%d/%m/%Y", "%m/%d/%Y"]}
    ]
    assert found["form"]["time"]["format"] == "%d/%m/%Y"


def test_a_file_of_a_chinese_spreadsheet_is_read_without_being_told(shop: Served) -> None:
    found = guessed(shop, "会员号,城市\n007,杭州\n".encode("gb18030"), "会员.csv")
    assert found["problems"] == []
    assert "encoding: gb18030" in found["mapping"]
    assert found["sample"]["shown"][0]["attributes"] == {"city": "杭州"}
    assert found["sample"]["shown"][0]["person"] == {"user_id": "007"}


def test_a_sheet_of_a_workbook_is_read_with_its_types(shop: Served) -> None:
    found = guessed(shop, workbook(), "orders.xlsx")
    assert found["sheets"] == ["Orders", "Other"]
    (row,) = found["sample"]["shown"]
    assert row["person"] == {"phone": "13800138000"}
    assert (row["at"], row["properties"]["amount"]) == ("2026-03-04T16:00:00Z", "12.5")


def test_what_is_no_table_is_refused_and_not_kept(shop: Served) -> None:
    for content, code, status in (
        (b"PK\x03\x04 an archive", "unsupported_file", 415),
        (b"", "empty_file", 422),
    ):
        answer = shop.send("POST", "/api/v1/uploads", content=content, role="operator", name="x.csv")
        assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert not list((shop.world.folder / "data" / "uploads").iterdir())
    wrong = shop.send("POST", "/api/v1/imports/guess", {"upload": "../../records"}, role="operator")
    assert (wrong.status_code, wrong.json()["code"]) == (404, "not_found")


def test_an_upload_is_kept_under_a_harmless_name_for_a_day(shop: Served) -> None:
    made = upload(shop, "user_id,city\n1,x\n", "../../etc/.evil\x00<b>.csv")
    (path,) = (shop.world.folder / "data" / "uploads" / made).glob("*.csv")
    assert path.name == "evilb.csv"
    shop.world.now += timedelta(hours=25)
    upload(shop, "user_id,city\n2,x\n")
    gone = shop.send("POST", "/api/v1/imports/guess", {"upload": made}, role="operator")
    assert (gone.status_code, gone.json()["code"]) == (404, "not_found")


def test_an_import_asked_for_twice_with_one_key_runs_once(shop: Served) -> None:
    found = guessed(shop, ORDERS)
    asked = {"upload": found["upload"], "mapping": found["mapping"]}
    sent = [
        shop.send("POST", "/api/v1/imports", asked, role="operator", headers={"idempotency-key": "march"})
        for _ in range(2)
    ]
    assert sent[0].json() == sent[1].json()
    assert sent[1].headers["idempotent-replay"] == "true"
    shop.wait(sent[0].json()["job"])
    assert len(shop.get("/api/v1/imports", role="operator")["imports"]) == 1


def test_a_viewer_sees_no_files_and_imports_nothing(shop: Served) -> None:
    for method, path, body in (
        ("POST", "/api/v1/imports", {"upload": "x"}),
        ("POST", "/api/v1/imports/guess", {"upload": "x"}),
        ("GET", "/api/v1/imports", None),
        ("GET", "/api/v1/quarantine", None),
        ("GET", "/api/v1/events", None),
    ):
        answer = shop.send(method, path, body, role="viewer")
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden"), path


def test_erasing_a_person_takes_uploads_and_bad_lines_with_them(shop: Served) -> None:
    found = guessed(shop, ORDERS)
    shop.post("/api/v1/imports", {"upload": found["upload"], "mapping": found["mapping"]}, role="operator")
    shop.world.verb("person erase", id="email:lilei@example.com")
    data = shop.world.folder / "data"
    assert not list((data / "uploads").iterdir())
    for path in data.rglob("*.csv"):
        assert b"lilei" not in path.read_bytes()


def workbook() -> bytes:
    """A small workbook, its XML by hand: a text heading, a phone as a number, a date by its style, an amount."""
    parts: dict[str, Any] = {
        "[Content_Types].xml": (
            '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
            '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            '<Default Extension="xml" ContentType="application/xml"/></Types>'
        ),
        "_rels/.rels": (
            '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1"'
            ' Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument"'
            ' Target="xl/workbook.xml"/></Relationships>'
        ),
        "xl/workbook.xml": (
            '<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
            ' xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets>'
            '<sheet name="Orders" sheetId="1" r:id="r1"/><sheet name="Other" sheetId="2" r:id="r2"/></sheets>'
            "</workbook>"
        ),
        "xl/_rels/workbook.xml.rels": (
            '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
            + "".join(
                f'<Relationship Id="{id}" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/'
                f'{kind}" Target="{target}"/>'
                for id, kind, target in (
                    ("r1", "worksheet", "worksheets/sheet1.xml"),
                    ("r2", "worksheet", "worksheets/sheet2.xml"),
                    ("r3", "styles", "styles.xml"),
                )
            )
            + "</Relationships>"
        ),
        "xl/styles.xml": (
            '<styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><cellXfs count="2">'
            '<xf numFmtId="0"/><xf numFmtId="14"/></cellXfs></styleSheet>'
        ),
        "xl/worksheets/sheet1.xml": _sheet(
            '<row r="2"><c r="A2" t="inlineStr"><is><t>手机号</t></is></c>'
            '<c r="B2" t="inlineStr"><is><t>下单时间</t></is></c><c r="C2" t="inlineStr"><is><t>实付金额</t></is></c>'
            "</row>"
            '<row r="3"><c r="A3"><v>13800138000</v></c><c r="B3" s="1"><v>46086</v></c><c r="C3"><v>12.5</v></c></row>'
        ),
        "xl/worksheets/sheet2.xml": _sheet(""),
    }
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, '<?xml version="1.0" encoding="UTF-8"?>' + content)
    return out.getvalue()


def _sheet(rows: str) -> str:
    return (
        '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
        f"<sheetData>{rows}</sheetData></worksheet>"
    )
