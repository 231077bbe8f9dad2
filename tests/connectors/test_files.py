"""Files as Arrow rows: what is readable comes out as written, what is not is named by line and reason."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from limner.connectors.delimited import Delimited
from limner.connectors.files import open_file
from limner.connectors.seam import Block, FileForm, Reader
from limner.errors import InputError, NotFoundError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def made(folder: Path, content: bytes | str, name: str = "x.csv", **form: Any) -> Reader:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return open_file(path, FileForm(**form))


def rows(reader: Reader) -> list[tuple[Any, ...]]:
    return [tuple(row.values()) for block in reader.blocks() for row in block.rows.to_pylist()]


def problems(reader: Reader) -> list[tuple[int, str]]:
    return [(item.line, item.code) for block in reader.blocks() for item in block.problems]


def said(reader: Reader) -> list[str]:
    return [item.message for block in reader.blocks() for item in block.problems]


def test_every_value_of_a_csv_stays_text(folder: Path) -> None:
    reader = made(folder, "user_id,n,d\n007,1.50,2024-01-01\n,NULL,nan\n")
    assert rows(reader) == [("007", "1.50", "2024-01-01"), ("", "NULL", "nan")]


def test_a_header_alone_gives_no_rows(folder: Path) -> None:
    assert rows(made(folder, "user_id,email\n")) == []
    assert rows(made(folder, "user_id,email")) == []


@pytest.mark.parametrize("content", ["", "\n\n", "\ufeff"])
def test_an_empty_file_is_refused(folder: Path, content: str) -> None:
    with pytest.raises(InputError) as error:
        made(folder, content)
    assert (error.value.code, error.value.status) == ("empty_file", 422)


def test_rows_with_too_many_or_too_few_fields_are_named_by_line(folder: Path) -> None:
    reader = made(folder, "user_id,email\n1,a@b.c,zz\n2\n3,c@d.e\n")
    assert rows(reader) == [("3", "c@d.e")]
    assert problems(reader) == [(2, "too_many_fields"), (3, "too_few_fields")]


def test_line_numbers_count_line_breaks_inside_values(folder: Path) -> None:
    reader = made(folder, 'a,b\n"x\ny","1\n2"\n\n3,4,5\n7,8\n')
    assert rows(reader) == [("x\ny", "1\n2"), ("7", "8")]
    assert problems(reader) == [(6, "too_many_fields")]
    block = next(reader.blocks())
    assert block.lines.tolist() == [2, 7]
    assert block.numbers.tolist() == [0, 3]


def test_an_over_long_field_rejects_only_its_row(folder: Path) -> None:
    reader = made(folder, "user_id,n\n1," + "x" * 200_000 + "\n2,ok\n")
    assert rows(reader) == [("2", "ok")]
    assert said(reader)[0].startswith("line 2 field n too long")


def test_a_bad_byte_rejects_only_its_line(folder: Path) -> None:
    reader = made(folder, bytes.fromhex("757365725f69642c6e0a312c610a322cff0a332c620a"))
    assert rows(reader) == [("1", "a"), ("3", "b")]
    assert said(reader) == ["line 3 not UTF-8"]


def test_a_row_with_a_bad_byte_and_too_many_fields_is_still_only_one_problem(folder: Path) -> None:
    reader = made(folder, b"a,b\n1,\xff,3\n2,\xe4\xb8\n4,5\n")
    assert rows(reader) == [("4", "5")]
    assert problems(reader) == [(2, "too_many_fields"), (3, "bad_encoding")]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-8"])
def test_the_byte_order_mark_tells_the_encoding(folder: Path, encoding: str) -> None:
    reader = made(folder, "名,城\n张,北京\n".encode(encoding))
    assert reader.columns == ("名", "城")
    assert rows(reader) == [("张", "北京")]
    assert reader.notes[0] == ("encoding UTF-16" if encoding == "utf-16" else "encoding UTF-8")


def test_gb18030_is_read_when_declared_and_hinted_at_when_not(folder: Path) -> None:
    content = "名,城\n张,北京\n".encode("gb18030")
    assert rows(made(folder, content, encoding="gb18030")) == [("张", "北京")]
    with pytest.raises(InputError, match="gb18030") as error:
        made(folder, content)
    assert error.value.code == "bad_encoding"


def test_a_bad_byte_in_gb18030_rejects_only_its_line(folder: Path) -> None:
    content = "名,城\n张,".encode("gb18030") + b"\xff\xff" + "\n李,上海\n".encode("gb18030")
    reader = made(folder, content, encoding="gbk")
    assert rows(reader) == [("李", "上海")]
    assert said(reader) == ["line 2 not GB18030"]


def test_utf_16_without_a_mark_and_binary_files_are_refused(folder: Path) -> None:
    with pytest.raises(InputError) as error:
        made(folder, "a,b\n1,2\n".encode("utf-16-le"))
    assert error.value.code == "bad_encoding"
    assert rows(made(folder, "a,b\n1,2\n".encode("utf-16-le"), encoding="utf-16le")) == [("1", "2")]


def test_two_columns_of_one_name_are_refused(folder: Path) -> None:
    with pytest.raises(InputError, match="'a'") as error:
        made(folder, "user_id,a,a\n1,2,3\n")
    assert (error.value.code, error.value.status) == ("duplicate_column", 422)


def test_a_column_without_a_name_is_called_by_its_place(folder: Path) -> None:
    assert made(folder, ",a\n1,2\n").columns == ("column_1", "a")


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found_out(folder: Path, delimiter: str) -> None:
    text = f'a{delimiter}b\n"1,5;x|y"{delimiter}2\n3{delimiter}4\n'
    assert rows(made(folder, text)) == [("1,5;x|y", "2"), ("3", "4")]


def test_delimiter_quote_and_columns_can_be_declared(folder: Path) -> None:
    reader = made(folder, "'1:1':2\n3:4\n", delimiter=":", quote="'", columns=("a", "b"))
    assert reader.columns == ("a", "b")
    assert rows(reader) == [("1:1", "2"), ("3", "4")]


def test_a_quote_that_is_never_closed_costs_one_line(folder: Path) -> None:
    for content in (
        'a,b\n1,2\n"3,4\n5,6\n7,8\n',
        'a,b\n1,2\n3,"4\n5,6\n7,8\n',
        'a,b\n1,2\n"3,4\n5,6\n7,"8\n',
    ):
        reader = made(folder, content)
        assert (3, "unclosed_quote") in problems(reader)
        assert ("5", "6") in rows(reader)
        assert sum(block.received for block in reader.blocks()) == 4


def test_a_quote_left_open_in_a_large_file_costs_one_line(folder: Path) -> None:
    lines = [f"{number},ok" for number in range(700_000)]
    lines[650_000] = '650000,"open'
    reader = made(folder, "a,b\n" + "\n".join(lines))
    found = [number for block in reader.blocks() for number in block.numbers.tolist()]
    assert found == [number for number in range(700_000) if number != 650_000]
    assert problems(reader) == [(650_002, "unclosed_quote")]


def test_blank_lines_are_no_rows(folder: Path) -> None:
    assert rows(made(folder, "a,b\n\n1,2\r\n\r\n,\n3,4\n\n")) == [("1", "2"), ("3", "4")]
    assert rows(made(folder, "a\n\n1\n\n2\n")) == [("1",), ("2",)]


def test_the_digest_is_of_the_stored_bytes(folder: Path) -> None:
    packed = gzip.compress(b"a,b\n1,2\n", mtime=0)
    reader = made(folder, packed, "x.csv.gz")
    assert reader.digest == hashlib.sha256(packed).hexdigest()[:32]
    assert rows(reader) == [("1", "2")]


def test_gzip_members_one_after_another_are_one_file(folder: Path) -> None:
    packed = gzip.compress(b"a,b\n1,2\n") + gzip.compress(b"3,4\n") + b"\0" * 10
    assert rows(made(folder, packed, "x.csv.gz")) == [("1", "2"), ("3", "4")]


@pytest.mark.parametrize("cut", [1, 5, 30])
def test_a_gzip_file_that_ends_early_is_refused_before_any_row(folder: Path, cut: int) -> None:
    packed = gzip.compress(b"a,b\n" + b"1,2\n" * 1000)
    with pytest.raises(InputError) as error:
        made(folder, packed[:-cut], "x.csv.gz")
    assert error.value.code == "bad_archive"


def test_a_gzip_bomb_stops_at_the_limit(folder: Path) -> None:
    path = folder / "bomb.csv.gz"
    path.write_bytes(gzip.compress(b"a\n" + b"0" * 50_000_000))
    tracemalloc.start()
    with pytest.raises(InputError, match="unpacked") as error:
        open_file(path, file_bytes=1_000_000)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (error.value.code, error.value.status) == ("file_too_large", 413)
    assert peak < 16_000_000


def test_a_file_above_the_limit_is_refused(folder: Path) -> None:
    path = folder / "x.csv"
    path.write_bytes(b"a,b\n" + b"1,2\n" * 1000)
    with pytest.raises(InputError) as error:
        open_file(path, file_bytes=1000)
    assert error.value.status == 413


@pytest.mark.parametrize("magic", [b"PK\x03\x04rest", b"\xd0\xcf\x11\xe0rest", b"%PDF-1.4"])
def test_workbooks_and_archives_are_refused_with_what_to_do(folder: Path, magic: bytes) -> None:
    with pytest.raises(InputError, match="CSV") as error:
        made(folder, magic, "x.xlsx")
    assert (error.value.code, error.value.status) == ("unsupported_file", 415)


def test_no_file_is_said(folder: Path) -> None:
    with pytest.raises(NotFoundError):
        open_file(folder / "none.csv")


def test_json_lines_keep_native_types_and_nested_names(folder: Path) -> None:
    content = '{"id":"007","n":1,"x":2.55,"ok":true,"a":{"b":{"c":"z"}},"l":[1,2]}\n\n{"id":"8","n":null}\n'
    reader = made(folder, content, "x.jsonl")
    assert reader.columns == ("id", "n", "x", "ok", "a.b.c", "l")
    assert rows(reader) == [("007", 1, 2.55, True, "z", "[1,2]"), ("8", None, None, None, None, None)]


def test_json_lines_reject_what_is_no_object(folder: Path) -> None:
    reader = made(folder, b'{"a":1}\nnope\n[1]\n{"a":"\xff"}\n{"a":' + b"[" * 100_000 + b"\n", "x.jsonl")
    assert rows(reader) == [(1,)]
    assert problems(reader) == [(2, "bad_json"), (3, "bad_json"), (4, "bad_encoding"), (5, "bad_json")]


def test_parquet_keeps_native_types(folder: Path) -> None:
    table = pa.table(
        {
            "id": pa.array([1, 2], pa.int32()),
            "f": pa.array([2.55, None], pa.float32()),
            "d": pa.array(["a", "b"]).dictionary_encode(),
            "s": pa.array([{"x": "1"}, None], pa.struct([("x", pa.string())])),
            "l": pa.array([[1], None], pa.list_(pa.int64())),
        }
    )
    pq.write_table(table, folder / "x.parquet")
    reader = open_file(folder / "x.parquet")
    assert reader.columns == ("id", "f", "d", "s.x", "l")
    assert rows(reader) == [(1, 2.55, "a", "1", "[1]"), (2, None, "b", None, None)]


def test_a_damaged_parquet_file_is_refused(folder: Path) -> None:
    with pytest.raises(InputError) as error:
        made(folder, b"PAR1" + b"x" * 100, "x.parquet")
    assert error.value.code == "bad_file"


cells = st.text(st.characters(exclude_characters="\x00\r\ufdd0", exclude_categories=["Cs"]), max_size=8)
tables = st.lists(st.lists(cells, min_size=3, max_size=3), max_size=12).map(
    lambda found: [row for row in found if any(row)]
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tables, st.sampled_from([",", ";", "\t"]))
def test_both_readers_give_back_what_a_csv_writer_wrote(
    folder: Path, table: list[list[str]], delimiter: str
) -> None:
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter, lineterminator="\n").writerows([["a", "b", "c"], *table])
    reader = made(folder, out.getvalue(), delimiter=delimiter)
    assert isinstance(reader, Delimited)
    expected = [tuple(row) for row in table]
    assert rows(reader) == expected
    careful: Iterator[Block] = reader._careful(0)
    assert [tuple(row.values()) for block in careful for row in block.rows.to_pylist()] == expected


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.binary(max_size=12) | st.sampled_from([b'"', b'1,"2', b'"a\nb",2', b"1,2", b"\xff,"])))
def test_any_bytes_give_rows_and_problems_and_each_number_once(folder: Path, lines: list[bytes]) -> None:
    reader = made(folder, b"a,b\n" + b"1,2\n" * 200 + b"\n".join(lines), delimiter=",")
    numbers: list[int] = []
    for block in reader.blocks():
        assert block.rows.num_rows == len(block.numbers) == len(block.lines)
        numbers += sorted([*block.numbers.tolist(), *(item.row for item in block.problems)])
    assert numbers == sorted(set(numbers))
