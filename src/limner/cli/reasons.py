"""Reasons drawn for people: why somebody has a tag or is in an audience, what is missing, until when."""

from __future__ import annotations

from limner.cli import show
from limner.cli.ask import out
from limner.types import Json


def tag(answer: Json) -> None:
    """Why the person has the tag's value, or has none."""
    value = answer["value"] if answer["known"] else "no value"
    out.print(f"[bold]{show.clean(answer['key'])}[/bold] = {show.clean(value)}")
    out.print(show.clean(answer["definition"]))
    out.print(f"as of {answer['as_of']}, valid until {answer['expires_at'] or 'further notice'}")
    if answer["joined_since"]:
        out.print("by who the person was then: identifiers were joined or parted since")
    version = f"definition {answer['fingerprint']}"
    out.print(
        f"{version}, run {answer['run']} at {answer['run_at']}"
        if answer["run"]
        else f"{version}, not computed yet"
    )
    common(answer)
    rule, statistic, observed, points = (answer[part] for part in ("rule", "statistic", "observed", "points"))
    if answer["unavailable"]:
        out.print(show.clean(answer["unavailable"]["en"]))
    if points:
        show.table(
            f"{points['sum']:g} points",
            ("holds", "points", "when", "what is missing"),
            (
                [
                    "yes" if r["holds"] else "no",
                    f"{r['points']:g}",
                    r["when"],
                    "" if r["holds"] else said(r["near"]),
                ]
                for r in points["rows"]
            ),
        )
    if answer["tiers"]:
        _tiers(answer["tiers"])
    if answer["learned"]:
        _learned(answer["learned"], answer["fingerprint"])
    if rule:
        show.table(
            "Cases",
            ("holds", "value", "when", "what is missing"),
            (["yes" if c["holds"] else "no", c["then"], c["when"], said(c["near"])] for c in rule["cases"]),
        )
        show.table("Inputs", ("what", "value"), ([i["text"], i["value"]] for i in rule["inputs"]))
    if observed:
        show.table(
            "Said",
            ("at", "source", "value", "holds"),
            ([w["at"][:19], w["source"], w["value"], w["decides"] or ""] for w in observed["said"]),
        )
    if answer["weights"]:
        show.table(
            f"Weights: {answer['weights']['formula']}",
            ("label", "weight"),
            ([item["label"], f"{item['weight']:.3f}"] for item in answer["weights"]["labels"]),
        )
    for found in [statistic] if statistic else (rule or {}).get("evidence", []):
        show.table(
            f"{found['deciding']:,} deciding of {found['considered']:,} events",
            ("at", "event", "properties"),
            ([e["at"][:19], e["event"], e["properties"]] for e in found["events"]),
        )


def _tiers(tiers: Json) -> None:
    """The number, the cut points that decided, and what lies on either side of it."""
    cuts = ", ".join(f"{cut:g}" if cut == round(cut, 4) else repr(cut) for cut in tiers["cuts"])
    since = "in the file"
    if tiers["every_run"]:
        run = f"run {tiers['run']}" if tiers["run"] else "no run"
        since = f"of {run}, as of {tiers['as_of']}, from {tiers['people']:,} people's values"
    elif tiers["frozen_at"]:
        since = f"in the file since {tiers['frozen_at']}"
    value = "no value" if tiers["value"] is None else tiers["value"]
    out.print(show.clean(f"{tiers['of']} is {value}; {' < '.join(tiers['tiers'])} cut at {cuts}, {since}"))
    _sides(tiers)


def _learned(learned: Json, fingerprint: str) -> None:
    """The features with what each contributes, the version, and what lies on either side of the chance."""
    out.print(
        show.clean(
            f"version {learned['version'] or 'not applied'} ({fingerprint}), learned {learned['learnt_at']} from"
            f" {learned['examples'] or 0:,} examples; AUC {learned['auc']}; {learned['said']}"
        )
    )
    _sides(learned)
    rows = [
        [one["tag"], one["value"], f"{one['weight']:g}", _signed(one["contributes"]), _signed(one["adds"])]
        for one in learned["features"]
    ]
    rows.append(["(intercept)", "", "", _signed(learned["base"]), ""])
    rows.append(["log odds", "", "", _signed(learned["log_odds"]), ""])
    show.table("Features", ("feature", "value", "weight", "contributes", "against the mean"), rows)


def _signed(number: float | None) -> str:
    return "" if number is None else f"{number:+.4f}"


def _sides(told: Json) -> None:
    for side in (told["above"], told["below"]):
        if side is not None:
            lacks = said(side["near"])
            out.print(show.clean(f"{side['text']['en']}{': ' if lacks else ''}{lacks}"))


def member(answer: Json) -> None:
    """Why the person is in the audience, or is not."""
    state = "in" if answer["member"] else "not in"
    out.print(f"[bold]{show.clean(answer['person'])}[/bold] is {state} {show.clean(answer['audience'])}")
    if answer["expression"] and answer["expression"] != answer["audience"]:
        out.print(show.clean(answer["expression"]))
    if answer["definition"] == "first":
        out.print("what it said then is not known: this is the first text that was kept")
    for key in answer["defined_later"]:
        out.print(show.clean(f"nobody had defined the tag {key} then: it stands as it began"))
    if answer["joined_since"]:
        out.print("by who the person was then: identifiers were joined or parted since")
    if answer["kept"] is not None and answer["kept"] != answer["member"]:
        out.print(f"the snapshots of then have the person {'in' if answer['kept'] else 'out'}")
    if not answer["agrees"]:
        out.print(f"by the events known now it would be {'in' if answer['recomputed'] else 'not in'}")
    common(answer)
    show.table(
        "Deciding events",
        ("at", "event", "source", "properties"),
        ([e["at"][:19], e["event"], e["source"], e["properties"]] for e in answer["because"]["events"]),
    )


def common(answer: Json) -> None:
    """What decides, what is missing, when it ends: one line each."""
    out.print(show.clean(answer["because"]["text"]["en"]))
    for text in answer["because"]["absent"]:
        out.print(show.clean(f"  holds since nothing speaks against it: {text}"))
    out.print(show.clean(answer["ends"]["text"]["en"]))
    if answer["near"] is not None:
        out.print("missing: " + show.clean(said(answer["near"])))


def said(near: Json | None) -> str:
    """What is missing as one sentence; empty when nothing is."""
    return "" if near is None or near["missing"] is None else str(near["missing"]["text"]["en"])
