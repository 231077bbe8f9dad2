"""The library as a kind of objects, so that tags may ask what the content was about that somebody read."""

from __future__ import annotations

from collections.abc import Mapping

from limner.content.model import LIBRARY, Item
from limner.tags import objects
from limner.tags.objects import Objects

_KIND = f"property: {LIBRARY}\n"


def kind_of(items: Mapping[str, Item]) -> Objects:
    """The items as objects of the kind `content`, which an event names by its property `content`.

    Their columns: `title`, and `about` and `words` as texts with commas between them.
    """
    rows = [
        {
            objects.ID: name,
            "title": next(iter(item.title.values()), name),
            "about": ", ".join(item.about),
            "words": ", ".join(item.words),
        }
        for name, item in sorted(items.items())
    ]
    return objects.of_rows(objects.read(_KIND, LIBRARY), rows)
