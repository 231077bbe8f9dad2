"""docs/requirements.md from the `proves` markers on the tests: `python -m tests.requirements`.

A test says `@pytest.mark.proves("C1")`, or `@pytest.mark.proves("C1", partly="what is missing")`.
"""

from __future__ import annotations

import ast
import tomllib
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
PAGE = HERE.parent / "docs" / "requirements.md"

HEAD = """\
# What Limner must do, and what proves it

Made from the markers on the tests (`make reference`); never edited by hand. *Proved*: tests show the
whole row. *Partly*: tests show a part, and the missing part is named. *Not yet*: nothing shows it.

"""


@dataclass(frozen=True)
class Proof:
    """One test that shows a requirement, wholly or, when `missing` is said, in part."""

    test: str
    missing: str


def proofs() -> dict[str, list[Proof]]:
    """The proofs of each id, read from the test files without running them."""
    found: dict[str, list[Proof]] = defaultdict(list)
    for path in sorted(HERE.rglob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                for decorator in node.decorator_list:
                    for requirement, missing in _marked(decorator):
                        name = f"{path.relative_to(HERE).as_posix()}::{node.name}"
                        found[requirement].append(Proof(name, missing))
    return found


def _marked(decorator: ast.expr) -> list[tuple[str, str]]:
    if not isinstance(decorator, ast.Call) or not ast.unparse(decorator.func).endswith("mark.proves"):
        return []
    missing = "".join(ast.literal_eval(word.value) for word in decorator.keywords if word.arg == "partly")
    return [(ast.literal_eval(argument), missing) for argument in decorator.args]


def names() -> dict[str, dict[str, str]]:
    """Every id with its short name, by section."""
    return tomllib.loads((HERE / "requirements.toml").read_text(encoding="utf-8"))


def page() -> str:
    """The whole page."""
    proved = proofs()
    lines = [HEAD]
    totals = {"proved": 0, "partly": 0, "not yet": 0}
    body = []
    for section, rows in names().items():
        body.append(f"## {section}\n\n| id | requirement | state | shown by |\n|---|---|---|---|\n")
        for requirement, title in rows.items():
            shown = proved.get(requirement, [])
            whole = [proof for proof in shown if not proof.missing]
            state = "not yet" if not shown else "proved" if len(whole) == len(shown) else "partly"
            totals[state] += 1
            by = ", ".join(
                f"`{proof}`" for proof in list(dict.fromkeys(proof.test for proof in (whole or shown)))[:3]
            )
            missing = "; ".join(dict.fromkeys(proof.missing for proof in shown if proof.missing))
            if state == "partly" and missing:
                by += f" · missing: {missing}"
            body.append(f"| {requirement} | {title} | {state} | {by} |\n")
        body.append("\n")
    lines.append(", ".join(f"**{n}** {state}" for state, n in totals.items()) + ".\n\n")
    return "".join(lines + body).rstrip() + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(f"wrote {PAGE}")
