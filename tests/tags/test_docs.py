"""The tag files in the documentation are tags, and its table of keys is complete."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from limner.expressions import parse, to_text
from limner.tags import measures, objects
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


def test_the_examples_of_the_guide_to_metrics_run(tmp_path: Path) -> None:
    guide = (DOCS / "how-to" / "metrics.md").read_text(encoding="utf-8")
    found = dict(re.findall(r"```yaml\n# metrics/(\w+)\.yml\n(.*?)```", guide, re.DOTALL))
    metrics = {key: measures.read(text, key) for key, text in found.items()}
    made, read_tags = engine(people=2), tags(dict(BLOCK.findall(guide)))
    told = measures.measuring(read_tags, metrics)
    assert not measures.strangers(told, metrics)
    events(
        made,
        [(0, "Order Paid", AS_OF - DAY, {"amount": 12.5}), (0, "Order Paid", AS_OF - DAY, {"amount": -1})],
    )
    report = run(made, told, catalog=Names(made, told), as_of=AS_OF, run_id="r", columns_dir=tmp_path)
    assert [report.columns["spent_90d"].label_at(ix) for ix in range(2)] == [125_000, 0]


def test_the_examples_of_the_guide_to_objects_run(tmp_path: Path) -> None:
    guide = (DOCS / "how-to" / "objects.md").read_text(encoding="utf-8")
    (kind,) = re.findall(r"```yaml\n# objects/product\.yml\n(.*?)```", guide, re.DOTALL)
    (rows,) = re.findall(r"```text\n(.*?)```", guide, re.DOTALL)
    product = objects.listed(kind, "product", rows.encode())
    assert {key: held.tolist() for key, held in product.tagged.items()} == {
        "seasonal": [True, False, False], "hero": [True, False, False],
    }  # fmt: skip
    made = engine(people=2)
    (store,) = re.findall(r"```yaml\n# objects/store\.yml\n(.*?)```", guide, re.DOTALL)
    told = objects.meaning(
        {key: read(text, key) for key, text in BLOCK.findall(guide)},
        {"product": replace(product, property="category"), "store": objects.listed(store, "store", b"")},
    )
    events(made, [(ix, "Order Paid", AS_OF - DAY, {"category": f"T-{ix + 1}"}) for ix in (0, 0, 1, 1)])
    report = run(made, told, catalog=Names(made, told), as_of=AS_OF, run_id="r", columns_dir=tmp_path)
    assert [report.columns["seasonal_buyer"].label_at(ix) for ix in range(2)] == [True, None]


def test_the_example_of_the_guide_to_learning_is_a_tag() -> None:
    guide = (DOCS / "how-to" / "learn.md").read_text(encoding="utf-8")
    ((key, text),) = BLOCK.findall(guide)
    assert read(text, key).described.endswith("; not learned yet")


def test_the_examples_of_the_guides_to_each_method_give_what_was_worked_out_by_hand(tmp_path: Path) -> None:
    texts: dict[str, str] = {}
    for guide in ("facts", "statistics", "rules"):
        found = dict(BLOCK.findall((DOCS / "how-to" / f"{guide}.md").read_text(encoding="utf-8")))
        assert not found.keys() & texts.keys()
        texts |= found
    texts["spent_365d"] = statistic('sum(amount of "Order Paid" in last 365 days)', "money")
    made, found_tags = engine(people=3), tags(texts)
    paid = [
        (0, "Order Paid", AS_OF - DAY, {"amount": 30, "category": "tea"}),
        (0, "Order Paid", AS_OF - 2 * DAY, {"amount": 50, "category": "pot"}),
        (0, "Order Paid", AS_OF - 100 * DAY, {"amount": 920, "category": "tea"}),
        (1, "Order Paid", AS_OF - DAY, {"amount": 100}),
        (1, "Order Refunded", AS_OF - DAY / 2, {"amount": -10}),
    ]
    events(made, [*paid, *((0, "Product Viewed", AS_OF - hour * DAY / 24) for hour in (1, 2, 3))])
    told = [(0, "city", "上海"), (0, "member", {"points": 120}), (1, "member", {"points": "many"})]
    attributes(made, [(ix, name, value, AS_OF - DAY) for ix, name, value in told])
    report = run(
        made, found_tags, catalog=Names(made, found_tags), as_of=AS_OF, run_id="r", columns_dir=tmp_path
    )
    assert {key: [report.columns[key].label_at(ix) for ix in range(3)] for key in texts} == {
        "city": ["上海", None, None],
        "points_balance": [120, None, None],
        "spent_90d": [800_000, 1_000_000, 0],
        "basket_90d": [400_000, 1_000_000, None],
        "favourite_category": ["tea", None, None],
        "spent_365d": [10_000_000, 1_000_000, 0],
        "tier": ["gold", "silver", "basic"],
        "warmth": [7, 2, 0],
        "warmth_tier": ["hot", "warm", "cold"],
    }
