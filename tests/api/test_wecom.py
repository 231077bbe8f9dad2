"""WeCom's doors: who may call, events counted once, codes as sources and tags, the sidebar of staff."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator, Mapping

import httpx2
import pytest

from limner.cli.serve import running
from limner.demo.wecom_server import WecomServer
from limner.workspace import relating
from limner.workspace.tick import Ticker
from tests.api.served import Served
from tests.workspace.wecom import AT, SECRETS, TEA, Shop


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with pytest.MonkeyPatch.context() as patch, WecomServer() as there:
        for name, value in SECRETS.items():
            patch.setenv(name, value)
        made = Shop(tmp_path_factory.mktemp("wecom") / "shop", there)
        made.write("tags/tea.yml", TEA)
        with running(made.workspace) as url, httpx2.Client(base_url=url, timeout=60) as client:
            made.client = client
            made.workspace.public_url = url
            yield made
        made.close()


def test_only_who_knows_the_token_and_the_key_is_answered(shop: Shop) -> None:
    query, body = shop.there.calls({"Event": "x"}, token="other", key=SECRETS["TEST_KEY"])
    refused = shop.client.post("/wecom/callback", params=query, content=body.encode())
    assert (refused.status_code, refused.json()["code"]) == (403, "not_signed")
    for content in (b"", b"<xml>", b"<xml><Encrypt>abc</Encrypt></xml>", b"x" * 70_000):
        assert 400 <= shop.client.post("/wecom/callback", params=query, content=content).status_code < 500


@pytest.mark.parametrize(
    ("kind", "event", "more"),
    [
        ("add_external_contact", "Customer Added", {"State": "store7", "WelcomeCode": "w"}),
        ("edit_external_contact", "Customer Edited", {}),
        ("del_external_contact", "Customer Removed", {}),
        ("del_follow_user", "Customer Left", {}),
        ("transfer_fail", "Hand-over Failed", {"FailReason": "customer_refused"}),
    ],
)
def test_a_change_of_a_customer_is_one_event_however_often_it_is_told(
    shop: Shop, kind: str, event: str, more: dict[str, str]
) -> None:
    shop.there.add_customer("wm-once", "wei", state="store7", at=AT)
    for _ in range(3):
        assert shop.called(kind, at=AT, UserID="wei", ExternalUserID="wm-once", **more) == 200
    found = [row for row in shop.events(event) if row["staff"] == "wei"]
    assert len(found) == 1
    assert found[0]["corp"] == "ww-demo"
    if more.get("State"):
        assert found[0]["scene"] == "store7"


def test_what_the_platform_knows_of_a_customer_joins_them_with_who_they_are(shop: Shop) -> None:
    shop.there.add_customer("wm-known", "wei", name="Ann", unionid="u-ann", state="store9", at=AT)
    shop.called("add_external_contact", UserID="wei", ExternalUserID="wm-known", State="store9")
    assert relating.refresh(shop.workspace) >= 1
    shop.workspace.load()
    shop.later(minutes=1)
    person = shop.verb("person show", id="external_userid:wm-known")
    assert person["person"] == shop.verb("person show", id="unionid:u-ann")["person"]
    assert person["header"]["name"] == "Ann"
    shop.there.tag("wei", "wm-known", "喜好", "茶")
    shop.called("edit_external_contact", UserID="wei", ExternalUserID="wm-known", at=AT + 1)
    relating.refresh(shop.workspace)
    listed = shop.verb("staff customers", staff="wei")
    assert {row["called"]: (row["scene"], row["tags"]) for row in listed["customers"]}["Ann"] == ("store9", 1)
    shop.there.remove_customer("wm-known", "wei")
    for _ in range(3):
        shop.called("del_follow_user", UserID="wei", ExternalUserID="wm-known", at=AT + 2)
    assert "Ann" not in {row["called"] for row in shop.verb("staff customers", staff="wei")["customers"]}


def test_who_comes_to_and_leaves_a_group_is_told_once_each(shop: Shop) -> None:
    shop.there.add_chat("wr1", "wei", ["wm-a", "wm-b"], at=AT)
    for _ in range(3):
        shop.called("create", event="change_external_chat", ChatId="wr1")
        relating.refresh(shop.workspace)
    assert len(shop.events("Group Joined")) == 2
    del shop.there.chats["wr1"]["members"]["wm-b"]
    shop.called("update", event="change_external_chat", ChatId="wr1", at=AT + 5)
    relating.refresh(shop.workspace)
    for _ in range(3):
        shop.called("dismiss", event="change_external_chat", ChatId="wr1", at=AT + 9)
    assert len(shop.events("Group Left")) == 2
    assert shop.verb("staff list")["groups"] == []


def test_a_contact_code_is_made_scanned_and_becomes_a_tag_of_new_and_known_customers(shop: Shop) -> None:
    shop.there.add_customer("wm-old", "mei", at=AT)
    shop.there.add_customer("wm-elsewhere", "wei", at=AT)
    shop.write("codes/store8.yml", "title: Store 8\nscene: s8\nstaff: [wei, mei]\n")
    shop.write(
        "tags/came_by.yml",
        "nature: fact\nmethod: statistic\ntype: text\nstatistic: 'last(scene of *)'\nvalidity: 2 days\n",
    )
    assert shop.verb("code apply", dry_run=True)["made"] == ["store8"]
    assert shop.verb("code apply")["made"] == ["store8"]
    (way,) = shop.there.ways.values()
    assert (way["state"], way["user"], way["type"], way["skip_verify"]) == ("s8", ["wei", "mei"], 2, True)
    # A known customer of mei comes to wei by the code, somebody new to mei.
    for customer, staff in (("wm-old", "wei"), ("wm-new", "mei")):
        shop.there.add_customer(customer, staff, state="s8", at=AT + 60)
        shop.called("add_external_contact", UserID=staff, ExternalUserID=customer, State="s8", at=AT + 60)
    relating.refresh(shop.workspace)
    shop.verb("tag run")
    assert shop.people("came_by", "s8") == {"wm-old", "wm-new"}
    (row,) = shop.verb("code list")["codes"]
    assert (row["people"], row["todo"], row["made"]) == (2, "", True)
    shop.write("codes/store8.yml", "title: Store 8\nscene: s8\nstaff: [mei]\n")
    assert shop.verb("code apply")["changed"] == ["store8"]
    assert next(iter(shop.there.ways.values()))["user"] == ["mei"]
    (shop.folder / "codes/store8.yml").unlink()
    assert shop.verb("code apply")["removed"] == ["store8"]
    assert not shop.there.ways


class Phone:
    """The browser of a member of staff inside WeCom."""

    def __init__(self, shop: Shop, staff: str) -> None:
        self.shop = shop
        self.client = httpx2.Client(base_url=str(shop.client.base_url), timeout=60)
        begun = self.client.get("/wecom/sidebar")
        assert begun.status_code == 303
        asked = httpx2.URL(begun.headers["location"])
        assert asked.host == "open.weixin.qq.com"
        assert asked.params["appid"] == shop.there.corp_id
        back = shop.there.signed_in(staff, code=f"code-{staff}", state=asked.params["state"])
        came = self.client.get(f"/wecom/sidebar?{back}")
        assert (came.status_code, came.headers["location"]) == (303, f"{shop.client.base_url}/wecom/sidebar")
        # A client of tests keeps the cookie that a browser keeps.
        self.client.cookies.set("limner_sidebar", came.cookies["limner_sidebar"])

    def get(self, path: str) -> httpx2.Response:
        return self.client.get(f"/wecom/sidebar{path}")

    def post(self, path: str, body: Mapping[str, object], **headers: str) -> httpx2.Response:
        return self.client.post(
            f"/wecom/sidebar{path}", json=body, headers={"x-limner-sidebar": "1", **headers}
        )


@pytest.mark.proves("H9")
def test_staff_see_tag_and_finish_tasks_of_their_own_customers_only(shop: Shop) -> None:
    for customer, staff in (("wm-mine", "lan"), ("wm-other", "mei")):
        shop.there.add_customer(customer, staff, name="Li Na", unionid=f"u-{customer}", at=AT)
        shop.called("add_external_contact", UserID=staff, ExternalUserID=customer, at=AT + 70)
    relating.refresh(shop.workspace)
    shop.later(minutes=1)
    shop.write("audiences/named.yml", "expression: known(person.name)\n")
    shop.write(
        "journeys/ring.yml",
        "title: Ring\nholdout: 0\nstart: {schedule: '5 0 * * *', audience: named}\n"
        "steps:\n  ask: {task: Ring them, within: 2 days}\n",
    )
    shop.verb("tag run")
    shop.verb("journey start", name="ring")
    shop.later(days=1)
    Ticker(shop.workspace).tick()
    assert shop.client.get("/wecom/sidebar/customer?id=wm-mine").status_code == 401
    assert shop.client.get("/wecom/sidebar?code=guess&state=guess").json()["code"] == "bad_state"
    phone = Phone(shop, "lan")
    page = phone.get("")
    assert page.status_code == 200
    assert "unsafe" not in page.headers["content-security-policy"]
    assert (
        len(page.content) + sum(len(phone.get(f"/files/sidebar.{end}").content) for end in ("js", "css"))
        < 20_000
    )
    began = time.perf_counter()
    mine = phone.get("/customer?id=wm-mine").json()
    assert time.perf_counter() - began < 1
    assert "Na" not in mine["name"], "masked by the role of the settings"
    assert [task["text"] for task in mine["tasks"]] == ["Ring them"]
    other = phone.get("/customer?id=wm-other")
    assert (other.status_code, other.json()["code"]) == (403, "not_yours")
    tag = {"customer": "wm-mine", "tag": "tea", "value": "true"}
    assert phone.post("/tags", tag).json()["changes"] == 1
    assert shop.people("tea", "true") == {"wm-mine"}
    assert phone.post("/tags", {**tag, "customer": "wm-other"}).status_code == 403
    assert phone.post("/tags", {**tag, "tag": "came_by"}).json()["code"] == "not_given"
    assert phone.post("/tags", {**tag, "staff": "mei"}).status_code == 400
    assert phone.client.post("/wecom/sidebar/tags", json=tag).json()["code"] == "not_the_sidebar"
    assert phone.post("/tags", {**tag, "value": ""}).json()["changes"] == 1
    (done,) = mine["tasks"]
    (theirs,) = [
        row for row in shop.verb("staff tasks", staff="mei")["tasks"] if row["customer"] == "wm-other"
    ]
    assert phone.post("/done", {"id": theirs["id"]}).status_code == 403
    assert phone.post("/done", {"id": done["id"]}).status_code == 200
    assert phone.get("/tasks").json()["tasks"] == []
    written = [(row["action"], row["caller"]["name"]) for row in shop.verb("audit list")["audit"]]
    assert ("sidebar tag", "staff lan") in written
    # What a page needs to ask WeCom whose chat is open.
    url = f"{shop.client.base_url}/wecom/sidebar"
    signed = phone.client.get("/wecom/sidebar/signature", params={"url": url}).json()
    ticket = hashlib.sha1(f"corp {shop.there.corp_id}".encode(), usedforsecurity=False).hexdigest()
    text = f"jsapi_ticket={ticket}&noncestr={signed['nonce']}&timestamp={signed['timestamp']}&url={url}"
    assert signed["signature"] == hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()
    assert (
        phone.client.get("/wecom/sidebar/signature", params={"url": "https://else.example/"}).status_code
        == 422
    )
    # A day later the browser must sign in anew.
    shop.later(hours=9)
    assert phone.get("/customer?id=wm-mine").status_code == 401
    phone.client.close()


def test_routes_of_contacts_say_what_the_verbs_say(shop: Shop) -> None:
    served = Served(shop, shop.client)
    shop.write("codes/door.yml", "title: Door\nstaff: [mei]\n")
    shop.there.staff.setdefault("mei", "Mei")
    assert served.post("/api/v1/codes/apply", {"only": ["door"]}, role="operator")["made"] == ["door"]
    picture = served.send("GET", "/api/v1/codes/door/picture", role="viewer")
    assert picture.headers["content-type"] == "image/png"
    assert picture.content.startswith(b"\x89PNG")
    assert served.send("GET", "/api/v1/codes/none/picture").status_code == 404
    saved = served.send("PUT", "/api/v1/codes/desk", {"staff": ["mei"], "scene": "x" * 31})
    assert saved.status_code == 422
    assert served.send("PUT", "/api/v1/codes/desk", {"staff": ["mei"]}).json()["todo"] == "make"
    listed = {row["name"]: row["todo"] for row in served.get("/api/v1/codes")["codes"]}
    assert (listed["desk"], listed["door"]) == ("make", "")
    assert served.post("/api/v1/contacts/sync")["staff"] >= 1
    assert "mei" in {row["staff"] for row in served.get("/api/v1/staff", role="viewer")["staff"]}
    masked = served.get("/api/v1/staff/mei/customers", role="viewer", limit=1)
    assert len(masked["customers"]) == 1
    assert masked["next"]
    rest = served.get("/api/v1/staff/mei/customers", cursor=masked["next"])
    assert masked["total"] == 1 + len(rest["customers"])
    assert served.send("GET", "/api/v1/staff/nobody/customers").status_code == 404
    shop.write("sync/wecom.yml", "tags: {tea: {group: 喜好, values: {'true': 茶}}}\n")
    assert served.send("POST", "/api/v1/tag-sync/wecom/plan", {}, role="viewer").status_code == 403
    planned = served.post("/api/v1/tag-sync/wecom/plan")
    assert planned["began"] is False
    assert served.post("/api/v1/tag-sync/wecom/run")["done"]["stopped"] == ""
    assert served.get("/api/v1/tag-sync/wecom/changes")["platform"] == "wecom"
    assert served.get("/api/v1/tag-sync")["platforms"][0]["tags"][0]["key"] == "tea"
    assert served.send("POST", "/api/v1/staff/mei/hand-over", {"taker": "mei"}).status_code == 422
