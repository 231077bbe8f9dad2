"""Verbs of starting: what a new workspace has and lacks, first tags and an audience for a goal, the demo's data."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from importlib import resources
from pathlib import Path

from sqlalchemy import text

from limner.accounts.model import LOCAL, Caller
from limner.audiences.model import Audience
from limner.audiences.model import write as audience_text
from limner.demo import shop as tea
from limner.engine.seam import quoted
from limner.errors import ConflictError, UsageError, did_you_mean
from limner.expressions.printer import name_text as event_text
from limner.identity import people
from limner.tags import publish
from limner.tags.masking import is_personal
from limner.tags.model import Case, Definition, Method, Nature, Observed, Rule, Statistic, Tag, Value
from limner.tags.text import write as tag_text
from limner.types import MONEY_SCALE, Json, Progress, ValueType, silent
from limner.workspace import gathering, importing, knowing, reaching, writing
from limner.workspace.files import DEFINITIONS
from limner.workspace.workspace import Workspace

GOALS = ("win_back", "best", "greet")
"""What a first hour can be for: bring customers back, find the best ones, greet new ones."""

STEPS = ("data", "people", "tags", "audience", "message")
DEMO_PEOPLE = 800
DEMO_SEED = 7
DEMO_EVENTS = 25
"""So many events of each person of the demo."""

DAYS = (14, 30, 60, 90, 180, 365)
MOST_ATTRIBUTES = 4
MOST_VALUES = 200
_VALIDITY = timedelta(days=2)
_BUYING = re.compile(
    r"order|paid|purchase|bought|buy|sale|checkout|购买|下单|支付|付款|订单|成交|消费", re.IGNORECASE
)
_UNDONE = re.compile(r"refund|return|cancel|退|取消|关闭", re.IGNORECASE)
_OWN = re.compile(r"^\$|^Message |^Unsubscribed$")
_KEY = re.compile(r"[^a-z0-9_]+")
_KNOWN_ATTRIBUTES: Mapping[str, tuple[str, str, str]] = {
    "city": ("city", "City", "城市"),
    "province": ("province", "Province", "省份"),
    "country": ("country", "Country", "国家"),
    "gender": ("gender", "Gender", "性别"),
    "tier": ("tier", "Membership tier", "会员等级"),
    "age": ("age", "Age", "年龄"),
    "points": ("points", "Points", "积分"),
    "came_from": ("came_from", "Came from", "来源"),
    "城市": ("city", "City", "城市"),
    "性别": ("gender", "Gender", "性别"),
    "会员等级": ("tier", "Membership tier", "会员等级"),
}


@dataclass(frozen=True)
class Facts:
    """What the data have to make tags of."""

    events: tuple[Json, ...]
    money: str | None
    attributes: tuple[Json, ...]

    def event(self, wanted: str) -> Json | None:
        """The event that tags count: the one that is asked for, else a purchase, else what most people do."""
        if wanted:
            found = next((item for item in self.events if item["name"] == wanted), None)
            if found is None:
                raise UsageError(
                    f"no event is called '{wanted}'",
                    where="event",
                    hint=did_you_mean(wanted, [item["name"] for item in self.events]),
                )
            return found
        choices = [item for item in self.events if not _UNDONE.search(item["name"])]
        return max(
            choices,
            key=lambda item: (bool(_BUYING.search(item["name"])), item["paid"], item["people"]),
            default=None,
        )


def start_show(workspace: Workspace) -> Json:
    """Which of the first steps are done, for which goal, and whether the demo's data may be put in."""
    workspace.load()
    events = _count(workspace, "events")
    counts = {
        "data": events,
        "people": people.alive(workspace.engine),
        "tags": len(publish.applied(workspace.engine)),
        "audience": _files(workspace, "audiences"),
        "message": _files(workspace, "campaigns"),
    }
    return {
        "goal": _setting(workspace, "start_goal"),
        "goals": list(GOALS),
        "steps": [{"step": step, "done": counts[step] > 0, "count": counts[step]} for step in STEPS],
        "demo": {"possible": not events, "made": _setting(workspace, "start_demo") == "yes"},
    }


def start_goal(workspace: Workspace, goal: str) -> Json:
    """Remembers what the first hour is for."""
    _known_goal(goal)
    _set(workspace, "start_goal", goal)
    return start_show(workspace)


def start_tags(workspace: Workspace, goal: str, event: str = "") -> Json:
    """First tags and a first audience for a goal, as the definition files that they would be; nothing is saved."""
    workspace.load()
    _known_goal(goal)
    facts = _facts(workspace)
    chosen = facts.event(event)
    proposed = _tags(workspace, goal, facts, chosen)
    return {
        "goal": goal,
        "event": None if chosen is None else chosen["name"],
        "events": [
            {"name": item["name"], "people": item["people"], "paid": item["paid"]} for item in facts.events
        ],
        "tags": [_shown(workspace, tag) for tag in proposed],
        "audience": _audience(workspace, goal, proposed, chosen),
    }


def start_save(
    workspace: Workspace,
    progress: Progress,
    goal: str,
    event: str = "",
    keys: list[str] = [],  # noqa: B006 - never changed
    caller: Caller = LOCAL,
) -> Json:
    """Saves the proposed tags that are not there yet (all, or those of `keys`) and computes every tag."""
    asked = start_tags(workspace, goal=goal, event=event)
    saved = []
    for tag in asked["tags"]:
        if not tag["exists"] and (not keys or tag["key"] in keys):
            writing.definition_save(
                workspace, kind="tags", name=tag["key"], text=tag["text"], base=writing.NEW, caller=caller
            )
            saved.append(tag["key"])
    ran = knowing.tag_run(workspace, progress)
    held = {tag["tag"]: tag["people"] for tag in ran["tags"]}
    return {
        "saved": saved,
        "run": ran["run"],
        "as_of": ran["as_of"],
        "people": ran["people"],
        "tags": [{"key": tag["key"], "people": held.get(tag["key"])} for tag in asked["tags"]],
    }


def start_audience(
    workspace: Workspace, goal: str, event: str = "", days: int = 0, caller: Caller = LOCAL
) -> Json:
    """Saves the goal's first audience; the answer says how many people it holds now."""
    found = start_tags(workspace, goal=goal, event=event)["audience"]
    if found is None:
        raise UsageError(
            "there is nothing yet to make an audience of", hint="import data first", code="no_data"
        )
    expression = found["expression"]
    if days:
        named = {choice["days"]: choice["expression"] for choice in found["choices"]}
        if days not in named:
            raise UsageError(f"'days' is one of {', '.join(map(str, named))}", where="days")
        expression = named[days]
    name = found["name"] if not days or days == found["days"] else f"{found['name']}_{days}d"
    made = Audience(name, found["titles"], expression=expression, why=found["why"])
    if not workspace.paths.definition("audiences", name).exists():
        writing.definition_save(
            workspace,
            kind="audiences",
            name=name,
            text=audience_text(made),
            base=writing.NEW,
            caller=caller,
        )
    gathering.audience_snapshot(workspace, name=name)
    counted = gathering.audience_count(workspace, expression=f"in audience {name}")
    return {"name": name, "titles": found["titles"], "expression": expression, "people": counted["count"]}


def _known_goal(goal: str) -> None:
    if goal not in GOALS:
        raise UsageError(f"unknown goal '{goal}'", where="goal", hint=f"one of {', '.join(GOALS)}")


def _count(workspace: Workspace, table: str) -> int:
    found = workspace.engine.read(f"SELECT COUNT(*) AS n FROM {quoted(table)}")
    return int(found.column("n")[0].as_py())


def _files(workspace: Workspace, kind: str) -> int:
    return len(list((workspace.paths.folder / kind).glob("*.yml")))


def _setting(workspace: Workspace, key: str) -> str | None:
    with workspace.records.read() as connection:
        found: str | None = connection.execute(
            text("SELECT value FROM settings WHERE key = :key"), {"key": key}
        ).scalar()
    return found


def _set(workspace: Workspace, key: str, value: str) -> None:
    with workspace.records.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO settings (key, value) VALUES (:key, :value)"
                " ON CONFLICT (key) DO UPDATE SET value = :value"
            ),
            {"key": key, "value": value},
        )


def _facts(workspace: Workspace) -> Facts:
    """The events with how many people did them and paid by them, and the attributes with few values."""
    engine = workspace.engine
    columns = {
        row["name"]: row["col"]
        for row in engine.read("SELECT name, col FROM properties WHERE type = 'money'").to_pylist()
    }
    wanted = ("amount", "revenue", "total", *workspace.config.money_properties)
    money = next((name for name in wanted if name in columns), None)
    paid = f"COUNT(DISTINCT e.ix) FILTER (WHERE e.{quoted(columns[money])} IS NOT NULL)" if money else "0"
    rows = engine.read(
        f"SELECT n.name, COUNT(DISTINCT e.ix) AS people, {paid} AS paid FROM events AS e"
        " JOIN names AS n ON n.name_i = e.name_i WHERE e.ix IS NOT NULL GROUP BY n.name ORDER BY people DESC, n.name"
    ).to_pylist()
    held = engine.read(
        "SELECT name, COUNT(DISTINCT ix) AS people, COUNT(DISTINCT value) AS values,"
        " COUNT(*) FILTER (WHERE TRY_CAST(value AS DOUBLE) IS NULL) AS texts FROM attributes"
        " WHERE value IS NOT NULL AND value <> 'null' AND ix IS NOT NULL GROUP BY name ORDER BY people DESC, name"
    ).to_pylist()
    kept = [
        row
        for row in held
        if not is_personal(row["name"], workspace.config.personal) and 1 < row["values"] <= MOST_VALUES
    ]
    events = tuple(row for row in rows if not _OWN.match(row["name"]) or row["name"] == "$page")
    return Facts(events, money, tuple(kept[:MOST_ATTRIBUTES]))


def _tags(workspace: Workspace, goal: str, facts: Facts, event: Json | None) -> list[Tag]:
    made: list[Tag] = []
    if event is not None:
        name = event_text(event["name"])
        buying = bool(event["paid"]) or bool(_BUYING.search(event["name"]))
        noun, last = ("orders", "order") if buying else ("times", "time")
        words = {
            "orders": ("Orders", "订单数", "Days since the last order", "距上次下单天数"),
            "times": (
                f"Times: {event['name']}",
                f"次数：{event['name']}",
                "Days since the last time",
                "距上次天数",
            ),
        }[noun]
        made.append(_statistic(f"{noun}_total", words[0], words[1], ValueType.NUMBER, f"count({name})"))
        made.append(
            _statistic(f"days_since_{last}", words[2], words[3], ValueType.NUMBER, f"recency({name})")
        )
        if event["paid"] and facts.money:
            sum_of = f"sum({event_text(facts.money)} of {name})"
            made.append(_statistic("spent_total", "Spent in all", "累计消费", ValueType.MONEY, sum_of))
        if goal == "greet":
            first = ("First order", "首次下单") if buying else ("First time", "首次时间")
            made.append(_statistic(f"first_{last}", *first, ValueType.INSTANT, f"first_time({name})"))
        made += _rules(workspace, goal, made, event, facts.money)
    for row in facts.attributes:
        made.append(_observed(row))
    return list({tag.key: tag for tag in made}.values())


def _rules(workspace: Workspace, goal: str, made: list[Tag], event: Json, money: str | None) -> list[Tag]:
    keys = [tag.key for tag in made]
    times, days = keys[0], keys[1]
    if goal == "win_back":
        cases = (
            Case(f"{days} <= 30", "active"),
            Case(f"{days} <= 90", "cooling"),
            Case(f"{times} >= 1", "silent"),
        )
        return [_rule("rhythm", "Rhythm", "活跃状态", ValueType.TEXT, cases)]
    if goal == "best":
        measure = "spent_total" if "spent_total" in keys else times
        high, middle = _cuts(workspace, event, money if measure == "spent_total" else None)
        cases = (
            Case(f"{measure} >= {high}", "high"),
            Case(f"{measure} >= {middle}", "middle"),
            Case(f"{times} >= 1", "low"),
        )
        return [_rule("value_tier", "Value tier", "价值层级", ValueType.TEXT, cases)]
    new = (Case(f"first did {event_text(event['name'])} in last 30 days", True),)
    titles = ("New customer (30 days)", "新客（30天）")
    return [_rule("new_customer", *titles, ValueType.FLAG, new, otherwise=False)]


def _cuts(workspace: Workspace, event: Json, money: str | None) -> tuple[str, str]:
    """What a fifth and a half of those who did it reach in money, or in times, at two digits."""
    column = "1"
    if money is not None:
        found = workspace.engine.read("SELECT col FROM properties WHERE name = $name", {"name": money})
        column = quoted(found.column("col")[0].as_py())
    row = workspace.engine.read(
        "SELECT QUANTILE_DISC(value, 0.8) AS high, QUANTILE_DISC(value, 0.5) AS middle FROM"
        f" (SELECT e.ix, SUM({column})::BIGINT AS value FROM events AS e JOIN names AS n ON n.name_i = e.name_i"
        " WHERE n.name = $name AND e.ix IS NOT NULL GROUP BY e.ix)",
        {"name": event["name"]},
    ).to_pylist()[0]
    scale = MONEY_SCALE if money is not None else 1
    high = _round((row["high"] or 0) / scale)
    middle = _round((row["middle"] or 0) / scale)
    return str(max(high, 2)), str(max(min(middle, high - 1), 1))


def _round(value: float) -> int:
    """The value at two digits, so that people can remember it."""
    if value < 100:
        return round(value)
    digits = 10 ** (len(str(int(value))) - 2)
    return int(value // digits * digits)


def _statistic(key: str, en: str, zh: str, kind: ValueType, expression: str) -> Tag:
    return _tag(key, en, zh, Nature.FACT, Method.STATISTIC, kind, Statistic(expression), "buying")


def _rule(
    key: str, en: str, zh: str, kind: ValueType, cases: tuple[Case, ...], otherwise: Value | None = None
) -> Tag:
    return _tag(key, en, zh, Nature.MODEL, Method.RULE, kind, Rule(cases, otherwise), "buying")


def _observed(row: Json) -> Tag:
    name = str(row["name"])
    key, en, zh = _KNOWN_ATTRIBUTES.get(name, (_key_of(name), name, name))
    kind = ValueType.TEXT if row["texts"] else ValueType.NUMBER
    return _tag(key, en, zh, Nature.FACT, Method.OBSERVED, kind, Observed(name), "who")


def _key_of(name: str) -> str:
    """A tag key for an attribute's name: its letters, or its digest when it has none."""
    plain = _KEY.sub("_", name.lower()).strip("_")
    if not plain or not plain[0].isalpha():
        plain = "about_" + (plain or writing.etag_of(name)[:6])
    return plain[:60]


def _tag(
    key: str,
    en: str,
    zh: str,
    nature: Nature,
    method: Method,
    kind: ValueType,
    definition: Definition,
    category: str,
) -> Tag:
    dynamic = method is not Method.OBSERVED
    return Tag(
        key=key,
        title={"en": en, "zh": zh},
        nature=nature,
        method=method,
        type=kind,
        definition=definition,
        validity=_VALIDITY if dynamic else None,
        category=(category,),
    )


def _shown(workspace: Workspace, tag: Tag) -> Json:
    return {
        "key": tag.key,
        "titles": dict(tag.title),
        "type": str(tag.type),
        "method": str(tag.method),
        "definition": tag.described,
        "text": tag_text(tag),
        "exists": workspace.paths.definition("tags", tag.key).exists(),
    }


def _audience(workspace: Workspace, goal: str, proposed: Iterable[Tag], event: Json | None) -> Json | None:
    """The goal's audience with how many people it would hold, counted on the events themselves."""
    keys = [tag.key for tag in proposed]
    if event is None:
        return None
    name = event_text(event["name"])
    found: Json
    if goal == "win_back":
        days = keys[1]
        choices = [
            {
                "days": n,
                "expression": f"{days} >= {n}",
                "people": _people(workspace, f"did {name} and not did {name} in last {n} days"),
            }
            for n in DAYS
        ]
        best = _likely(choices)
        found = {
            "name": "silent_customers",
            "titles": {"en": f"Silent for {best['days']} days", "zh": f"{best['days']}天未下单"},
            "why": "Customers to bring back.",
        }
    elif goal == "greet":
        choices = [
            {
                "days": n,
                "expression": "new_customer" if n == 30 else f"first did {name} in last {n} days",
                "people": _people(workspace, f"first did {name} in last {n} days"),
            }
            for n in DAYS
        ]
        best = next((item for item in choices[1:] if item["people"]), choices[-1])
        found = {
            "name": "new_customers",
            "titles": {"en": f"New in {best['days']} days", "zh": f"近{best['days']}天新客"},
            "why": "New customers to greet.",
        }
    else:
        tier = next(tag for tag in proposed if tag.key == "value_tier")
        first = tier.sources[0]
        measure = next(tag for tag in proposed if tag.key == first.partition(" ")[0])
        direct = first.replace(measure.key, measure.sources[0], 1)
        choices = []
        best = {"days": 0, "expression": "value_tier = 'high'", "people": _people(workspace, direct)}
        found = {
            "name": "best_customers",
            "titles": {"en": "Best customers", "zh": "高价值客户"},
            "why": "Customers to keep close.",
        }
    exists = workspace.paths.definition("audiences", found["name"]).exists()
    return {**found, **best, "choices": choices, "exists": exists}


def _likely(choices: list[Json]) -> Json:
    """The choice to begin with: 60 days when somebody was silent for so long, else the longest with somebody."""
    usual = next(item for item in choices if item["days"] == 60)
    if usual["people"]:
        return usual
    held = [item for item in choices if item["people"]]
    return held[-1] if held else usual


def _people(workspace: Workspace, expression: str) -> int:
    return int(gathering.audience_count(workspace, expression=expression)["count"])


def start_demo(workspace: Workspace, progress: Progress, shop: str = "tea", caller: Caller = LOCAL) -> Json:
    """Fills an empty workspace with a small tea shop: members, half a year of events, tags, audiences, campaigns.

    Definitions that are already there stay as they are.
    """
    workspace.load()
    if shop != "tea":
        raise UsageError(f"there is no demo shop '{shop}'", where="shop", hint="tea")
    if _count(workspace, "events"):
        raise ConflictError(
            "this workspace holds data already", code="not_empty", hint="make another one: limner init DIR"
        )
    made = tea.shop(people=DEMO_PEOPLE, seed=DEMO_SEED, start=tea.first_day(workspace.clock()))
    events = DEMO_PEOPLE * DEMO_EVENTS
    with ExitStack() as stack:
        files = stack.enter_context(resources.as_file(resources.files("limner.demo") / "files"))
        folder = Path(
            stack.enter_context(tempfile.TemporaryDirectory(dir=workspace.paths.data, prefix="demo-"))
        )
        saved = _definitions(workspace, files, caller)
        web = tea.browsing(made, events=int(events * 0.8))
        tea.write_members(made, folder / "members.csv")
        tea.write_consents(made, folder / "consents.csv")
        tea.write_web(made, web, folder / "web.parquet")
        tea.write_till(made, folder / "till.csv", lines=events // 10, first_day=0, last_day=tea.DAYS)
        tea.write_official_account(
            made, folder / "official_account.jsonl.gz", events=events // 10, last_day=tea.DAYS
        )
        stored = 0
        names = ("members.csv", "web.parquet", "till.csv", "official_account.jsonl.gz")
        for at, name in enumerate(names):
            progress(name, at, len(names) + 1)
            mapping = files / "mappings" / f"{name.partition('.')[0]}.yml"
            answer = importing.import_file(
                workspace, silent, file=str(folder / name), map=str(mapping), caller=caller
            )
            stored += answer["stored"]
        reaching.consent_import(workspace, silent, file=str(folder / "consents.csv"))
    progress("tags", len(names), len(names) + 1)
    ran = knowing.tag_run(workspace, silent)
    _set(workspace, "start_demo", "yes")
    return {"stored": stored, "people": ran["people"], "tags": len(ran["tags"]), "saved": saved}


def _definitions(workspace: Workspace, files: Path, caller: Caller) -> list[str]:
    """The demo's definitions that are not there yet are written; each can be taken back."""
    saved = []
    for kind in DEFINITIONS:
        if kind == "mappings":  # those of the demo's imports are needed only while it is imported
            continue
        for path in sorted((files / kind).glob("*")):
            name = path.name if kind == "templates" else path.stem
            target = writing.path_of(workspace, kind, name)
            if not target.exists():
                content = path.read_text(encoding="utf-8")
                writing.replace(
                    workspace, kind, name, content, base=writing.NEW, caller=caller, action="save"
                )
                saved.append(f"{kind}/{path.name}")
    return saved
