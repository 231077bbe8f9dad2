"""Verbs of channel codes and menus: the files are what is wanted, and the platforms are told of what differs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

from limner.campaigns.text import NAME
from limner.channels.tencent import OFFICIAL, Api, Refused
from limner.config import secret as secret_of
from limner.contacts import codes
from limner.contacts.codes import Code, Made
from limner.errors import ConfigError, ConflictError, DefinitionError, NotFoundError, did_you_mean
from limner.tags.document import Document, dumped
from limner.types import Json
from limner.workspace import relating
from limner.workspace.runs import said
from limner.workspace.workspace import Workspace

PAGE = "/cgi-bin/externalcontact"
_GONE = (41044, 40058)


@contextmanager
def account(workspace: Workspace) -> Iterator[Api]:
    """The official account, for this block alone. Raises ConfigError where it is not set up."""
    missing = workspace.sending.missing("wechat")
    if missing:
        raise ConfigError(f"{missing[0]['key']} is not set", hint=missing[0]["hint"])
    config = workspace.config.wechat
    made = Api(
        OFFICIAL,
        api=config.api,
        query={
            "grant_type": "client_credential",
            "appid": config.app_id,
            "secret": secret_of(config.secret_env),
        },
        clock=workspace.clock,
    )
    made.wait = workspace.stopping.wait
    try:
        yield made
    finally:
        made.close()


# codes


def code_list(workspace: Workspace) -> Json:
    """Every channel code: what its file wants, what there is at the platform, and how many came by it."""
    found, wrong = codes.read_folder(workspace.paths.folder / "codes")
    there = codes.made(workspace.records)
    came = _came(workspace)
    now = workspace.clock()
    rows = []
    for name in sorted({*found, *there}):
        code, made = found.get(name), there.get(name)
        kind = code.kind if code else made.kind if made else ""
        rows.append(
            {
                "name": name,
                "kind": kind,
                "titles": dict(code.title) if code else {"": name},
                "scene": code.scene if code else "",
                "staff": list(code.staff) if code else [],
                "lasts": "" if code is None or code.lasts is None else f"{code.lasts.total_seconds():.0f}",
                "made": made is not None,
                "ends_at": None if made is None or made.ends_at is None else made.ends_at.isoformat(),
                "todo": codes.wanted(code, made, now=now) if code else "remove",
                "people": came.get(code.scene, 0) if code else 0,
            }
        )
    return {"codes": rows, "problems": [said(error) for error in wrong]}


def _came(workspace: Workspace) -> dict[str, int]:
    """How many people came by each scene, of whatever account."""
    workspace.load()
    scene = workspace.engine.read("SELECT col FROM properties WHERE name = 'scene'").to_pylist()
    if not scene:
        return {}
    rows = workspace.engine.read(
        f"SELECT e.{scene[0]['col']}::VARCHAR AS scene, COUNT(DISTINCT e.ix) AS people FROM events AS e"
        " JOIN names AS n ON n.name_i = e.name_i WHERE n.name IN ('Customer Added', 'Followed', 'Code Scanned')"
        f" AND e.{scene[0]['col']} IS NOT NULL GROUP BY 1"
    ).to_pylist()
    return {row["scene"]: row["people"] for row in rows}


def code_save(
    workspace: Workspace,
    name: str,
    kind: str = codes.WECOM,
    title: str = "",
    scene: str = "",
    staff: list[str] = [],  # noqa: B006 - never changed
    skip_verify: bool = True,
    lasts: str = "",
) -> Json:
    """Writes the file of a code; the platform is told by `code apply`. Comments in the file stay."""
    if workspace.config.definitions == "read-only":
        raise ConflictError("definitions are read-only here", code="read_only")
    if not NAME.fullmatch(name):
        raise DefinitionError(f"'{name}' is no name of a code", hint="use [a-z][a-z0-9_]*, at most 64")
    given: dict[str, Any] = {"kind": kind, "title": title or None, "scene": scene or None}
    given["staff"] = list(staff) if kind == codes.WECOM else None
    given["skip_verify"] = skip_verify if kind == codes.WECOM else None
    given["lasts"] = lasts or None if kind == codes.OFFICIAL else None
    path = workspace.paths.definition("codes", name)
    if path.is_file():
        text = Document(path.read_text(encoding="utf-8"), where=f"codes/{name}.yml").edited(
            given, order=codes.KEYS
        )
    else:
        text = dumped({key: value for key, value in given.items() if value is not None})
    code = codes.read(text, name)
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return {
        "name": name,
        "scene": code.scene,
        "todo": codes.wanted(code, codes.made(workspace.records).get(name), now=workspace.clock()),
    }


def code_apply(workspace: Workspace, only: list[str] = [], dry_run: bool = False) -> Json:  # noqa: B006 - never changed
    """The platforms have the codes of the files: what is new is made, what differs is changed, the rest is deleted."""
    found, wrong = codes.read_folder(workspace.paths.folder / "codes")
    if wrong:
        raise wrong[0]
    there = codes.made(workspace.records)
    for name in only:
        if name not in {*found, *there}:
            raise NotFoundError(f"there is no code '{name}'", hint=did_you_mean(name, found))
    now = workspace.clock()
    todo = {
        name: codes.wanted(found[name], there.get(name), now=now) if name in found else "remove"
        for name in sorted({*found, *there})
        if not only or name in only
    }
    todo = {name: what for name, what in todo.items() if what}
    answer: Json = {"dry_run": dry_run}
    for what, word in (("make", "made"), ("change", "changed"), ("remove", "removed")):
        answer[word] = [name for name, wanted in todo.items() if wanted == what]
    if dry_run:
        return answer
    for name, what in todo.items():
        _tell(workspace, name, what, found.get(name), there.get(name))
    return answer


def _tell(workspace: Workspace, name: str, what: str, code: Code | None, made: Made | None) -> None:
    if what != "change" and made is not None and made.kind == codes.WECOM:
        with relating.opened(workspace) as there, _forgotten():
            there.api.surely(f"{PAGE}/del_contact_way", {"config_id": made.made})
    if code is None:
        codes.forget(workspace.records, name)
    elif code.kind == codes.WECOM:
        _tell_wecom(workspace, code, made if what == "change" else None)
    else:
        _tell_official(workspace, code)


@contextmanager
def _forgotten() -> Iterator[None]:
    """A code that the platform does not have any more is as good as deleted."""
    try:
        yield
    except Refused as error:
        if error.number not in _GONE:
            raise


def _tell_wecom(workspace: Workspace, code: Code, made: Made | None) -> None:
    body: Json = {
        "remark": code.remark or code.name,
        "skip_verify": code.skip_verify,
        "state": code.scene,
        "user": list(code.staff),
    }
    now = workspace.clock()
    with relating.opened(workspace) as there:
        if made is not None:
            there.api.surely(f"{PAGE}/update_contact_way", {**body, "config_id": made.made})
            config, url = made.made, made.url
        else:
            kind = {"type": 1 if len(code.staff) == 1 else 2, "scene": 2}
            # Made twice where an answer was lost: asked once only.
            answer = there.api.ask(f"{PAGE}/add_contact_way", {**kind, **body})
            config, url = str(answer["config_id"]), str(answer.get("qr_code", ""))
            if not url:
                url = str(
                    there.api.surely(f"{PAGE}/get_contact_way", {"config_id": config})["contact_way"][
                        "qr_code"
                    ]
                )
    codes.keep(workspace.records, Made(code.name, code.kind, config, url, code.digest, now, None))


def _tell_official(workspace: Workspace, code: Code) -> None:
    now = workspace.clock()
    body: Json = {
        "action_name": "QR_LIMIT_STR_SCENE" if code.lasts is None else "QR_STR_SCENE",
        "action_info": {"scene": {"scene_str": code.scene}},
    }
    if code.lasts is not None:
        body["expire_seconds"] = int(code.lasts.total_seconds())
    with account(workspace) as there:
        answer = there.surely("/cgi-bin/qrcode/create", body)
    seconds = answer.get("expire_seconds")
    ends = None if code.lasts is None else now + timedelta(seconds=int(seconds or body["expire_seconds"]))
    ticket = str(answer["ticket"])
    codes.keep(
        workspace.records,
        Made(code.name, code.kind, ticket, str(answer.get("url", "")), code.digest, now, ends),
    )


def code_picture(workspace: Workspace, name: str) -> tuple[bytes, str]:
    """The picture of a code that is to be scanned, and its type. Raises NotFoundError and Unavailable."""
    made = codes.made(workspace.records).get(name)
    if made is None:
        raise NotFoundError(f"the code '{name}' is not made yet", hint=f"limner code apply {name}")
    if made.kind == codes.WECOM:
        with relating.opened(workspace) as there:
            return there.api.picture(made.url)
    config = workspace.config.wechat
    base = "https://mp.weixin.qq.com" if config.api == "https://api.weixin.qq.com" else config.api
    with account(workspace) as api:
        return api.picture(f"{base}/cgi-bin/showqrcode?ticket={quote(made.made, safe='')}")


def code_save_picture(workspace: Workspace, name: str, to: str) -> Json:
    """Writes the picture of a code into a file that is not there yet."""
    path = Path(to)
    if path.exists():
        raise ConflictError(f"{path} is already there", hint="choose another name")
    body, _ = code_picture(workspace, name)
    path.write_bytes(body)
    return {"name": name, "path": str(path), "bytes": len(body)}


# menus


MOST_BUTTONS, MOST_INNER = 3, 5
_LONG = {0: 16, 1: 60}
"""Bytes of a name: of an entry of the first level, and of one within it."""


def menu_of(workspace: Workspace) -> Json:
    """The menu that menus/official_account.yml wants, as the platform takes it. Raises DefinitionError."""
    path = workspace.paths.definition("menus", "official_account")
    if not path.is_file():
        raise NotFoundError("there is no menus/official_account.yml", hint="entries: [{name: 茶, key: tea}]")
    document = Document(path.read_text(encoding="utf-8"), where="menus/official_account.yml")
    document.known_keys(("entries", "owner", "why"))
    return {"button": _buttons(document, ("entries",), MOST_BUTTONS, 0)}


def _buttons(document: Document, at: tuple[Any, ...], most: int, level: int) -> list[Json]:
    given = document.value(*at)
    if not isinstance(given, list) or not 1 <= len(given) <= most:
        raise document.error(f"a menu has 1 to {most} entries here", *at)
    found: list[Json] = []
    for number, item in enumerate(given):
        here = (*at, number)
        if not isinstance(item, dict):
            raise document.error("an entry has a name, and a key, a url, a page or entries", *here)
        document.known_keys(("name", "key", "url", "app", "page", "entries"), *here)
        name = document.string(*here, "name", required=True)
        if not 1 <= len(name.encode()) <= _LONG[level]:
            raise document.error(f"a name has 1 to {_LONG[level]} bytes here", *here, "name")
        ways = [way for way in ("key", "url", "entries") if item.get(way) is not None]
        if len(ways) != 1 or (level and ways == ["entries"]):
            raise document.error("an entry has one of key, url and entries", *here)
        if ways == ["entries"]:
            found.append({"name": name, "sub_button": _buttons(document, (*here, "entries"), MOST_INNER, 1)})
        elif ways == ["key"]:
            key = document.string(*here, "key")
            if not 1 <= len(key.encode()) <= 128:
                raise document.error("a key has 1 to 128 bytes", *here, "key")
            found.append({"type": "click", "name": name, "key": key})
        elif item.get("app") is not None:
            found.append(
                {
                    "type": "miniprogram", "name": name, "url": document.string(*here, "url"),
                    "appid": document.string(*here, "app"), "pagepath": document.string(*here, "page", required=True),
                }
            )  # fmt: skip
        else:
            found.append({"type": "view", "name": name, "url": document.string(*here, "url")})
    return found


def menu_show(workspace: Workspace) -> Json:
    """The menu of the file, the menu of the account, and whether they are the same."""
    wanted = menu_of(workspace)
    with account(workspace) as there:
        try:
            now = there.surely("/cgi-bin/get_current_selfmenu_info")
        except Refused:
            now = {}
    has = _bare((now.get("selfmenu_info") or {}).get("button") or [])
    return {"wanted": wanted["button"], "there": has, "same": _bare(wanted["button"]) == has}


def _bare(buttons: list[Json]) -> list[Json]:
    """The entries without what the platform adds."""
    found = []
    for button in buttons:
        inner = button.get("sub_button") or []
        several = inner.get("list", []) if isinstance(inner, dict) else inner
        one = {
            key: button[key] for key in ("type", "name", "key", "url", "appid", "pagepath") if button.get(key)
        }
        found.append({"name": one["name"], "sub_button": _bare(several)} if several else one)
    return found


def menu_apply(workspace: Workspace) -> Json:
    """The account has the menu of the file; followers see it within a day, or when they follow anew."""
    wanted = menu_of(workspace)
    with account(workspace) as there:
        there.surely("/cgi-bin/menu/create", wanted)
    return {"entries": len(wanted["button"])}
