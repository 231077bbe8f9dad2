"""The language of conditions and values: text ↔ tree ↔ JSON, checked, compiled to SQL or run over columns.

Knows no tag and no event by itself: every name is resolved through a Catalog that is given.
"""

from limner.expressions.as_json import from_json, to_json
from limner.expressions.catalog import Catalog, ColumnOf, TagColumns
from limner.expressions.check import check, type_of, warnings
from limner.expressions.columnar import NotInColumns, columns_count, columns_mask
from limner.expressions.compile import people, rule, statistics, values, where
from limner.expressions.compiler import Cases
from limner.expressions.parse import parse, parse_value
from limner.expressions.printer import to_text
from limner.expressions.tree import Expr, Literal, Value, audiences_of, events_of, names_of

__all__ = [
    "Cases", "Catalog", "ColumnOf", "Expr", "Literal", "NotInColumns", "TagColumns", "Value", "audiences_of",
    "check", "columns_count", "columns_mask", "events_of", "from_json", "names_of", "parse", "parse_value",
    "people", "rule", "statistics", "to_json", "to_text", "type_of", "values", "warnings", "where",
]  # fmt: skip
