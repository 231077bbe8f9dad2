"""Hosted forms: who comes, what is asked of them, and what an answer becomes; and the verbs of forms.

An answer is a call in the event log like any other. What follows from it (consents, values of tags) is done after it is
loaded, before the answer is thanked for; a process that dies in between leaves an answer that can be sent again, and
counts once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from weakref import WeakKeyDictionary

from limner.accounts.model import Caller, Role
from limner.consents import ledger
from limner.consents.model import Consent, State, address_hash
from limner.errors import LimnerError, NotFoundError, UsageError
from limner.expressions.parse import parse
from limner.expressions.printer import to_text
from limner.feedback import receipts
from limner.forms import answers, guard, page, submissions
from limner.forms import text as form_text
from limner.forms.answers import Answer
from limner.forms.guard import Gate, Page
from limner.forms.model import CONSENT, SUBMITTED, Field, Form, said
from limner.forms.submissions import Submission
from limner.forms.words import language_of
from limner.identity import people
from limner.touches import links
from limner.types import Json, silent
from limner.workspace import definitions, fitting, giving, knowing, reaching, recipients
from limner.workspace.catalog import known
from limner.workspace.runs import said as said_of
from limner.workspace.workspace import Workspace

COOKIE = "limner_visitor"
COOKIE_DAYS = 365
MOST_DAYS = 366

_GATES: WeakKeyDictionary[Workspace, Gate] = WeakKeyDictionary()


def gate(workspace: Workspace) -> Gate:
    """What counts the answers of each address while the workspace is open."""
    return _GATES.setdefault(workspace, Gate())


def saved(workspace: Workspace, name: str) -> Form:
    """The form as its file says it. Raises NotFoundError with the nearest name, DefinitionError for a wrong file."""
    paths = {path.stem: path for path in (workspace.paths.folder / "forms").glob("*.yml")}
    path = paths[known(sorted(paths), name, "form")]
    return form_text.read(path.read_text(encoding="utf-8", errors="replace"), name)


@dataclass(frozen=True)
class Visitor:
    """Whoever looks at a form. `kind` and `value`: the identifier by which their answer is kept; `ix`: who that is.

    `called`: their name, '' when there is none; `proven`: they came by a link of a message to them. `known`: the fields
    that are not asked.
    """

    kind: str
    value: str
    ix: int | None = None
    person: str = ""
    called: str = ""
    proven: bool = False
    known: frozenset[str] = frozenset()

    @property
    def recognized(self) -> bool:
        """Whether it is known who they are."""
        return self.ix is not None


def visitor(workspace: Workspace, form: Form, *, me: str = "", cookie: str = "") -> Visitor:
    """Who looks at the form: by the link of a message to them, else by a cookie of ours, else somebody new."""
    made = reaching.links(workspace)
    message = made.unsealed(links.ME, me, 1) if me else None
    about = receipts.touched(workspace.records, message[0]) if message else None
    if about is not None:
        ix = people.find(workspace.engine, f"person:{about.person}", keys=workspace.config.strong_keys)
        if ix is not None:
            return _known(workspace, form, ix, proven=True)
    browser = made.unsealed(links.VISITOR, cookie, 1) if cookie else None
    if browser is None:
        return Visitor("device", f"web-{workspace.new_id()}")
    ix = people.find(workspace.engine, f"device:{browser[0]}", keys=workspace.config.strong_keys)
    return Visitor("device", browser[0]) if ix is None else _known(workspace, form, ix, device=browser[0])


def _known(workspace: Workspace, form: Form, ix: int, *, proven: bool = False, device: str = "") -> Visitor:
    person, kind, value = recipients.named(workspace.engine, [ix], keys=workspace.config.strong_keys)[ix]
    attributes = {field.attribute for field in form.fields if field.attribute} | {"name"}
    tags = {field.tag for field in form.fields if field.tag}
    facts = recipients.recipients(
        workspace.engine,
        [person],
        address="",
        keys=workspace.config.strong_keys,
        attributes=attributes,
        tags=tags,
        columns=knowing.live(workspace),
        now=workspace.clock(),
    )[person]
    there = {
        field.name
        for field in form.fields
        if field.once
        and (
            facts.person.get(field.attribute) not in (None, "", [])
            if field.attribute
            else facts.tag.get(field.tag) is not None
            if field.tag
            else False
        )
    }
    there |= _agreed(workspace, form, {name: str(facts.person.get(name) or "") for name in attributes})
    name = facts.person.get("name")
    return Visitor(
        kind="device" if device else kind,
        value=device or value,
        ix=ix,
        person=person,
        called=_shortly(name) if isinstance(name, str) and proven else "",
        proven=proven,
        known=frozenset(there),
    )


def _agreed(workspace: Workspace, form: Form, attributes: Mapping[str, str]) -> set[str]:
    """The consents that were given already, for the address that is known."""
    found = set()
    fields = {field.name: field for field in form.fields}
    with workspace.records.read() as connection:
        for field in form.fields:
            address = attributes.get(fields[field.address].attribute, "") if field.kind == CONSENT else ""
            if address and field.once:
                hashed = address_hash(workspace.secret, field.channel, address)
                standing = ledger.standings(connection, field.channel, [hashed]).get(hashed)
                if standing is not None and standing.consented:
                    found.add(field.name)
    return found


def _shortly(name: str) -> str:
    """A name as whoever finds somebody's link may see it: its first letter."""
    return f"{name.strip()[:1]}***" if name.strip() else ""


@dataclass(frozen=True)
class Shown:
    """A page to answer with. `cookie`: what the browser is to keep, '' nothing; `redirect`: where it goes instead."""

    html: str
    status: int = 200
    cookie: str = ""
    redirect: str = ""
    policy: str = ""


@dataclass(frozen=True)
class Asked:
    """A request of a form's page. `me`: the token of a personal link; `stranger`: it is not who we think it is."""

    name: str
    lang: str = ""
    accepts: str = ""
    me: str = ""
    cookie: str = ""
    stranger: bool = False
    address: str = ""


def shown(workspace: Workspace, asked: Asked) -> Shown:
    """The page that asks."""
    form = saved(workspace, asked.name)
    if _problems(workspace, form):
        return _closed(form, asked)
    return _page(workspace, form, asked, _comes(workspace, form, asked))


def _comes(workspace: Workspace, form: Form, asked: Asked) -> Visitor:
    if asked.stranger:
        return Visitor("device", f"web-{workspace.new_id()}")
    return visitor(workspace, form, me=asked.me, cookie=asked.cookie)


def _page(workspace: Workspace, form: Form, asked: Asked, who: Visitor, **more: Any) -> Shown:
    language = language_of(asked.lang, asked.accepts, list(form.title))
    fresh = Page(form.name, workspace.clock(), workspace.new_id())
    sum_of = guard.sum_of(fresh) if more.pop("busy", False) else None
    other = "zh" if language == "en" else "en"
    html = page.asked(
        form,
        language=language,
        token=reaching.links(workspace).sealed(links.FORM, *guard.parts(fresh)),
        action=_to(asked, language),
        other=_to(asked, other),
        known=who.known,
        person=who.called if who.recognized else None,
        stranger=f"/f/{form.name}?lang={language}&stranger=yes",
        sum_of=sum_of,
        **more,
    )
    wrong = more.get("refused") or more.get("wrong")
    status = 429 if more.get("refused") == guard.TOO_MANY else 422 if wrong else 200
    return Shown(html, status=status, policy=page.policy(form.redirect))


def _to(asked: Asked, language: str) -> str:
    me = f"&k={asked.me}" if asked.me and not asked.stranger else ""
    return f"/f/{asked.name}?lang={language}{me}{'&stranger=yes' if asked.stranger else ''}"


def answered(workspace: Workspace, asked: Asked, posted: Mapping[str, Sequence[str]]) -> Shown:
    """What a posted form becomes: an answer that is kept, or the page again with what stands against it."""
    form = saved(workspace, asked.name)
    now = workspace.clock()
    made = reaching.links(workspace)
    sent = guard.read(made.unsealed(links.FORM, (posted.get("token") or [""])[0], 3), form.name)
    trapped = any(text.strip() for text in posted.get(guard.TRAP, ()))
    why = guard.objection(sent, form.bots, trapped=trapped, now=now)
    if why or sent is None:
        gate(workspace).turn_away(form.name, why)
        return _page(workspace, form, asked, _comes(workspace, form, asked), refused=why, posted=posted)
    if submissions.there(workspace.records, sent.id):
        return _thanks(form, asked)
    if _problems(workspace, form):
        return _closed(form, asked)
    who = _comes(workspace, form, asked)
    said_sum = (posted.get(guard.QUESTION) or [""])[0].strip()
    right = who.proven or said_sum == str(sum(guard.sum_of(sent)))
    busy = gate(workspace).busy(form.name, asked.address, form.bots, answered=right, now=now)
    if busy:
        gate(workspace).turn_away(form.name, busy)
        if said_sum:
            gate(workspace).take(form.name, asked.address, now=now)
        return _page(workspace, form, asked, who, refused=busy, posted=posted, busy=busy == guard.UNANSWERED)
    given = answers.read(form, posted, known=who.known)
    if given.wrong:
        return _page(workspace, form, asked, who, wrong=given.wrong, posted=posted, busy=bool(said_sum))
    gate(workspace).take(form.name, asked.address, now=now)
    _keep(workspace, form, who, sent, given.answers, language_of(asked.lang, asked.accepts, list(form.title)))
    if who.proven:
        return _thanks(form, asked)
    return _thanks(form, asked, cookie=made.sealed(links.VISITOR, who.value))


def _closed(form: Form, asked: Asked) -> Shown:
    language = language_of(asked.lang, asked.accepts, list(form.title))
    return Shown(page.closed(form, language=language), status=503, policy=page.policy())


def _thanks(form: Form, asked: Asked, cookie: str = "") -> Shown:
    language = language_of(asked.lang, asked.accepts, list(form.title))
    return Shown(
        page.thanked(form, language=language), cookie=cookie, redirect=form.redirect, policy=page.policy()
    )


def _keep(
    workspace: Workspace, form: Form, who: Visitor, sent: Page, given: Mapping[str, Answer], language: str
) -> None:
    """The answer is in the log, and what follows from it is done."""
    now = workspace.clock()
    reaching.keep_calls(workspace, _calls(form, who, sent, given, language, now.isoformat()))
    workspace.load()
    named = who.value if who.kind == "user" else f"{who.kind}:{who.value}"
    ix = people.find(workspace.engine, named, keys=workspace.config.strong_keys)
    if ix is None:
        raise LimnerError("the answer was not understood", code="not_loaded")
    person = people.person_id(workspace.engine, ix)
    ledger.record(workspace.records, _consents(workspace, form, sent, given, language, person))
    author = Caller("form", "", f"form {form.name}", Role.OPERATOR)
    values = {field.tag: given[field.name] for field in form.fields if field.tag and field.name in given}
    for key, value in {**form.gives, **values}.items():
        giving.tag_give(workspace, silent, key, value, people=[f"person:{person}"], caller=author)
    submissions.keep(workspace.records, Submission(sent.id, form.name, person, now, who.recognized))


def _calls(
    form: Form, who: Visitor, sent: Page, given: Mapping[str, Answer], language: str, at: str
) -> list[Json]:
    """What the log keeps of an answer: the attributes that were told, and that the form was answered."""
    traits: Json = {}
    keys: list[Json] = []
    properties: Json = {
        "form": form.name,
        "language": language,
        **({"label": form.label} if form.label else {}),
    }
    for field in form.fields:
        if field.name not in given:
            continue
        answer = given[field.name]
        if field.kind == CONSENT:
            properties[f"consent_{field.name}"] = said(field.label, language, field.name)
        elif field.attribute:
            traits[field.attribute] = answer
            if field.identifies:
                keys.append(
                    {"id": answer, "type": field.attribute, "collection": "users", "encoding": "none"}
                )
        elif not field.tag:
            properties[f"answer_{field.name}"] = ", ".join(answer) if isinstance(answer, list) else answer
    whose: Json = {}
    match who.kind:
        case "user":
            whose["userId"] = who.value
        case "device":
            whose["anonymousId"] = who.value
        case kind:
            keys.insert(0, {"id": who.value, "type": kind, "collection": "users", "encoding": "none"})
    if keys:
        whose["context"] = {"externalIds": keys}
    same: Json = {**whose, "timestamp": at}
    calls: list[Json] = [
        {
            **same,
            "type": "track",
            "event": SUBMITTED,
            "messageId": f"{sent.id}.form",
            "properties": properties,
        }
    ]
    if traits:
        calls.insert(0, {**same, "type": "identify", "messageId": f"{sent.id}.said", "traits": traits})
    return calls


def _consents(
    workspace: Workspace,
    form: Form,
    sent: Page,
    given: Mapping[str, Answer],
    language: str,
    person: str,
) -> list[Consent]:
    """The consents of an answer, each with the words that were agreed to."""
    fields = {field.name: field for field in form.fields}
    found = []
    for field in form.fields:
        if field.kind != CONSENT or field.name not in given:
            continue
        address = given.get(field.address) or _address(workspace, fields[field.address], person)
        if not address:
            continue
        found.append(
            Consent(
                person=person,
                channel=field.channel,
                address_hash=address_hash(workspace.secret, field.channel, str(address)),
                state=State.GRANTED,
                at=workspace.clock(),
                source=f"form {form.name}",
                proof=f"answer {sent.id}: {said(field.label, language, field.name)}",
            )
        )
    return found


def _address(workspace: Workspace, field: Field, person: str) -> str:
    if not field.attribute:
        return ""
    facts = recipients.recipients(
        workspace.engine,
        [person],
        address=field.attribute,
        keys=workspace.config.strong_keys,
        attributes=(),
        tags=(),
        columns=None,
        now=workspace.clock(),
    )
    return facts[person].address if person in facts else ""


# the verbs


def form_list(workspace: Workspace) -> Json:
    """Every form: its title, its address, how many answers it took and when the last came."""
    found, wrong = form_text.read_folder(workspace.paths.folder / "forms")
    counted = submissions.counted(workspace.records)
    rows: list[Json] = []
    for path in sorted((workspace.paths.folder / "forms").glob("*.yml")):
        form = found.get(path.stem)
        n, last = counted.get(path.stem, (0, None))
        error = next((item for item in wrong if (item.where or "").startswith(f"forms/{path.name}")), None)
        rows.append(
            {
                "name": path.stem,
                "titles": dict(form.title) if form else {},
                "fields": len(form.fields) if form else 0,
                "url": _url(workspace, path.stem),
                "answers": n,
                "last": None if last is None else last.isoformat(),
                "error": None if error is None else said_of(error),
            }
        )
    return {"forms": rows}


def _url(workspace: Workspace, name: str) -> str:
    return f"{workspace.public_url.rstrip('/')}/f/{name}"


def form_show(workspace: Workspace, name: str, days: int = 30) -> Json:
    """One form: what its fields become, answers by day, and what was turned away since the server began."""
    if not 1 <= days <= MOST_DAYS:
        raise UsageError(f"'days' is 1 to {MOST_DAYS}", where="days", code="out_of_range")
    form = saved(workspace, name)
    zone, now = workspace.config.tz, workspace.clock()
    today = now.astimezone(zone).date()
    first = today - timedelta(days=days - 1)
    listed = submissions.since(workspace.records, name, now - timedelta(days=days + 1))
    by_day = Counter(one.at.astimezone(zone).date() for one in listed)
    total, last = submissions.counted(workspace.records).get(name, (0, None))
    away = gate(workspace).turned_away
    return {
        "name": name,
        "titles": dict(form.title),
        "url": _url(workspace, name),
        "fields": [
            {
                "name": field.name,
                "kind": field.kind,
                "labels": dict(field.label),
                "required": field.required,
                "to": f"person.{field.attribute}"
                if field.attribute
                else f"tag.{field.tag}"
                if field.tag
                else None,
                "once": field.once,
                "identifies": field.identifies,
            }
            for field in form.fields
        ],
        "gives": dict(form.gives),
        "label": form.label,
        "redirect": form.redirect,
        "answers": total,
        "last": None if last is None else last.isoformat(),
        "recognized": sum(one.recognized for one in listed),
        "days": [
            {"day": day.isoformat(), "answers": by_day[day]}
            for day in (first + timedelta(days=number) for number in range(days))
        ],
        "turned_away": {why: n for (of, why), n in sorted(away.items()) if of == name},
        "where": to_text(parse(f"did \"{SUBMITTED}\" where form = '{name}'")),
        "problems": [said_of(error) for error in _problems(workspace, form)],
        "zone": workspace.config.zone,
    }


def _problems(workspace: Workspace, form: Form) -> list[LimnerError]:
    named = form.gives or any(field.tag for field in form.fields)
    return fitting.of_form(form, definitions.tags(workspace) if named else {}, workspace.config)


def form_check(workspace: Workspace, name: str) -> Json:
    """What is wrong with a form's file; nothing when it can be used."""
    try:
        found = _problems(workspace, saved(workspace, name))
    except NotFoundError:
        raise
    except LimnerError as error:
        found = [error]
    return {"name": name, "problems": [said_of(error) for error in found]}


def form_preview(workspace: Workspace, text: str, name: str = "preview", language: str = "en") -> Json:
    """The page of a form's text, as somebody new would see it; and its fields. What is sent from it is not taken."""
    form = form_text.read(text, name)
    html = page.asked(
        form, language=language_of(language, ""), token="", action="#", other="", known=(), person=None
    )
    return {
        "name": name,
        "html": html,
        "fields": len(form.fields),
        "problems": [said_of(error) for error in _problems(workspace, form)],
    }
