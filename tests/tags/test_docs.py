"""The tag files in the documentation are tags, and its table of keys is complete."""

from __future__ import annotations

import re
from pathlib import Path

from limner.expressions import parse, to_text
from limner.tags.run import run
from limner.tags.text import KEYS, read
from tests.builders import AS_OF, DAY, Names, attributes, engine, events, statistic, tags
from tests.tags.test_preferences import demo_tags

DOCS = Path(__file__).parents[2] / "docs"
BLOCK = re.compile(r"```yaml\n# tags/(\w+)\.yml\n(.*?)```", re.DOTALL)
ROW = re.compile(r"^\| [^|]+ \| `([^`|]+\([^|]*\))` \| (\w+) \|$", re.MULTILINE)


def test_the_examples_of_the_guide_run(tmp_path: Path) -> None:
    guide = (DOCS / "how-to" / "tags.md").read_text(encoding="utf-8")
    texts = dict(BLOCK.findall(guide))
    assert set(texts) == {"spent_90d", "city", "tier", "regular"}
    for number, (expression, kind) in enumerate(ROW.findall(guide)):
        texts[f"row_{number}"] = (
            f"nature: fact\nmethod: statistic\ntype: {kind}\nstatistic: {expression}\nvalidity: 1 day\n"
        )
    assert len(texts) == 16
    made, found = engine(people=2), tags(texts)
    events(made, [(0, "Order Paid", AS_OF - DAY, {"amount": 1200, "category": "茶"})])
    attributes(made, [(0, "city", "上海", AS_OF - DAY)])
    report = run(made, found, catalog=Names(made, found), as_of=AS_OF, run_id="r", columns_dir=tmp_path)
    assert [report.columns["tier"].label_at(ix) for ix in range(2)] == ["gold", "basic"]


def test_the_examples_of_the_guide_to_interests_are_the_demos_tags() -> None:
    guide = (DOCS / "how-to" / "interests.md").read_text(encoding="utf-8")
    texts = dict(BLOCK.findall(guide))
    assert {key: read(text, key).definition for key, text in texts.items()} == {
        key: tag.definition for key, tag in demo_tags().items()
    }
    for block in re.findall(r"^```limner\n(.*?)^```$", guide, re.MULTILINE | re.DOTALL):
        for line in block.splitlines():
            assert to_text(parse(line)) == line


def test_every_key_of_a_tag_file_is_documented() -> None:
    reference = (DOCS / "reference" / "tags.md").read_text(encoding="utf-8")
    for key in KEYS:
        assert f"`{key}`" in reference


def test_the_examples_of_the_reference_run(tmp_path: Path) -> None:
    texts = dict(BLOCK.findall((DOCS / "reference" / "tags.md").read_text(encoding="utf-8")))
    assert set(texts) == {"interest_score", "spender"}
    texts["spent_365d"] = statistic('sum(amount of "Order Paid" in last 365 days)', "money")
    made, found = engine(people=2), tags(texts)
    events(made, [(0, "Order Paid", AS_OF - DAY, {"amount": 900})])
    attributes(made, [(0, "city", "Shanghai", AS_OF - DAY)])
    report = run(made, found, catalog=Names(made, found), as_of=AS_OF, run_id="r", columns_dir=tmp_path)
    assert [report.columns["spender"].label_at(ix) for ix in range(2)] == ["high", "low"]
    assert [report.columns["interest_score"].label_at(ix) for ix in range(2)] == [2.5, 0]
