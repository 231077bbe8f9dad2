"""Metric files: `metrics/KEY.yml` to Metric, and the tags that name metrics told what these measure.

```yaml
# metrics/revenue.yml
title: {en: Revenue, zh: 销售额}
measure: sum(amount of "Order Paid")
unit: CNY
owner: finance
why: What customers paid us, before refunds.
```
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from limner.errors import DefinitionError, ExpressionError, did_you_mean
from limner.expressions.catalog import Catalog
from limner.expressions.check import check_value
from limner.metrics.model import Metric, measure_of
from limner.tags.document import KEY, Document
from limner.tags.goal import metric_of
from limner.tags.graph import expressions
from limner.tags.model import Tag
from limner.tags.text import document_of

KEYS = ("title", "measure", "unit", "zone", "owner", "why")
NAMED = re.compile(r"(?<![\w$])metric\(\s*([a-z][a-z0-9_]*)\s*\)")
"""How a sentence names a metric."""


@lru_cache(maxsize=1_024)  # the same text is the same metric, and a metric never changes
def read(text: str, key: str) -> Metric:
    """The metric that the text defines. Raises DefinitionError at the place that is wrong."""
    document = Document(text, where=f"metrics/{key}.yml")
    if not KEY.match(key) or len(key) > 60:
        raise DefinitionError(
            f"'{key}' is no metric key", where=document.where, hint="a-z, 0-9 and _, beginning with a letter"
        )
    document.known_keys(KEYS)
    if "measure" not in document.root:
        raise document.error("a metric needs 'measure'", code="missing", hint='measure: count("Order Paid")')
    measure = document.string("measure", required=True)
    try:
        measure_of(measure)
    except ExpressionError as error:
        raise document.wrapped(error, "measure") from error
    zone = document.string("zone")
    if zone:
        try:
            ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError):
            raise document.error(f"'{zone}' is no time zone", "zone", hint="such as Asia/Shanghai") from None
    return Metric(
        key=key,
        title=document.titles("title"),
        measure=measure,
        unit=document.string("unit"),
        zone=zone,
        owner=document.string("owner"),
        why=document.string("why"),
        text=text,
    )


def read_folder(folder: Path) -> tuple[dict[str, Metric], list[DefinitionError]]:
    """Every metric of `folder/*.yml` that can be read, by key, and the errors of the others."""
    metrics: dict[str, Metric] = {}
    errors: list[DefinitionError] = []
    for path in sorted(folder.glob("*.yml")) if folder.is_dir() else ():
        try:
            metrics[path.stem] = read(path.read_text(encoding="utf-8"), path.stem)
        except UnicodeDecodeError:
            errors.append(DefinitionError("the file is not UTF-8", where=f"metrics/{path.name}"))
        except DefinitionError as error:
            errors.append(error)
    return metrics, errors


def problems(metric: Metric, catalog: Catalog) -> list[DefinitionError]:
    """What is wrong in a metric by what is known here: its zone, and the types of what it adds up."""
    document = Document(metric.text, where=f"metrics/{metric.key}.yml")
    found = []
    if metric.zone and metric.zone != catalog.zone:
        message = f"days are those of {catalog.zone} here; a metric of {metric.zone} would agree with no tag"
        found.append(document.error(message, "zone", hint=f"zone: {catalog.zone}, or leave it out"))
    try:
        check_value(measure_of(metric.measure), catalog)
    except ExpressionError as error:
        found.append(document.wrapped(error, "measure"))
    return found


def measuring(tags: Mapping[str, Tag], metrics: Mapping[str, Metric]) -> dict[str, Tag]:
    """The tags, each that may name a metric knowing what all measure."""
    measures = tuple((key, metric.measure) for key, metric in sorted(metrics.items()))
    return {
        key: tag if tag.measures == measures or not _may_name(tag) else replace(tag, measures=measures)
        for key, tag in tags.items()
    }


def _may_name(tag: Tag) -> bool:
    return any("metric" in source for source in tag.sources)


def strangers(tags: Mapping[str, Tag], metrics: Mapping[str, Metric]) -> list[DefinitionError]:
    """An error for each tag that names a metric or object that is not there, or is to be judged by such a metric."""
    found = []
    for tag in tags.values():
        try:
            if _may_name(tag) or any("." in source for source in tag.sources):
                expressions(tag)
        except DefinitionError as error:
            found.append(error)
    return found + [
        document_of(tag).error(
            f"unknown metric '{name}'", *path, code="unknown_name", hint=did_you_mean(name, metrics)
        )
        for tag in tags.values()
        for path, name in _judging(tag)
        if name not in metrics
    ]


def judging(tag: Tag) -> frozenset[str]:
    """The metrics by which the tag is judged."""
    return frozenset(name for _, name in _judging(tag))


def _judging(tag: Tag) -> list[tuple[tuple[str, ...], str]]:
    """Where in the file which metric is named."""
    found: list[tuple[tuple[str, ...], str]] = [(("metric",), name) for name in NAMED.findall(tag.metric)]
    return found if tag.goal is None else [*found, (("goal", "metric"), metric_of(tag.goal).name)]
