"""Parts of Parquet files, joined without decoding them."""

import duckdb
import polars as pl
import pyarrow.parquet as pq
import pytest

from lydite.parquet import ParquetJoin, ParquetPart


@pytest.fixture
def rows() -> pl.DataFrame:
    return pl.DataFrame(
        {
            "number": range(40_000),
            "text": [None if n % 7 == 0 else f"text {n % 50}" for n in range(40_000)],
            "share": [n / 3 for n in range(40_000)],
        }
    )


@pytest.fixture
def files(rows, tmp_path):
    """Two files by DuckDB and one by pyarrow, of the same columns; all have several row groups."""
    found = [tmp_path / f"{name}.parquet" for name in ("first", "second", "third")]
    parts = rows.head(20_000), rows.slice(20_000, 10_000), rows.tail(10_000)
    with duckdb.connect() as writer:
        for file, part in zip(found[:2], parts[:2], strict=True):
            writer.register("part", part)
            writer.execute(
                f"copy (from part) to '{file}' (format parquet, row_group_size 2048,"
                " compression zstd)"
            )
    pq.write_table(parts[2].to_arrow(), found[2], row_group_size=3000)
    return found


def test_all_readers_find_the_rows_of_all_parts(rows, files, tmp_path) -> None:
    joined = ParquetJoin(tmp_path / "joined.parquet")
    for file in files[:2]:
        joined.append(ParquetPart.whole(file))
    joined.finish({"one": "1", "two": "zwei ✓"})
    path = tmp_path / "joined.parquet"
    expected = rows.head(30_000)
    assert pl.read_parquet(path).equals(expected)
    assert pl.DataFrame(pq.read_table(path)).equals(expected)
    with duckdb.connect() as reader:
        assert reader.sql(f"from '{path}'").pl().equals(expected)
        # By the statistics and the Bloom filters of the row groups.
        found = reader.sql(
            f"select count(*) from '{path}' where text = 'text 8' and number > 25000"
        )
        assert found.fetchall() == [(86,)]
    metadata = pq.read_metadata(path)
    assert metadata.num_row_groups == sum(pq.read_metadata(f).num_row_groups for f in files[:2])
    assert metadata.metadata == {b"one": b"1", b"two": "zwei ✓".encode()}


def test_parts_are_found_again_and_keep_their_checksum(files, tmp_path) -> None:
    path = tmp_path / "joined.parquet"
    joined = ParquetJoin(path)
    wholes = [ParquetPart.whole(file) for file in files[:2]]
    places = [joined.append(part) for part in wholes]
    joined.finish({})
    again = ParquetPart.whole(path)
    assert again.metadata == {}
    parts = [again.part(*place) for place in places]
    assert [part.checksum() for part in parts] == [part.checksum() for part in wholes]
    second = ParquetJoin(tmp_path / "second.parquet")
    second.append(parts[1])
    second.finish({})
    assert pl.read_parquet(tmp_path / "second.parquet").equals(pl.read_parquet(files[1]))


def test_a_file_of_another_writer_can_be_read(files, rows, tmp_path) -> None:
    joined = ParquetJoin(tmp_path / "joined.parquet")
    joined.append(ParquetPart.whole(files[2]))
    joined.finish({})
    assert pl.read_parquet(tmp_path / "joined.parquet").equals(rows.tail(10_000))


def test_a_changed_byte_changes_the_checksum(files) -> None:
    before = ParquetPart.whole(files[0])
    checksum = before.checksum()
    content = bytearray(files[0].read_bytes())
    content[before.end // 2] ^= 1
    files[0].write_bytes(content)
    assert ParquetPart.whole(files[0]).checksum() != checksum


@pytest.mark.parametrize("content", [b"", b"PAR1", b"PAR1" * 3, b"text" * 100])
def test_other_files_are_refused(tmp_path, content) -> None:
    file = tmp_path / "other"
    file.write_bytes(content)
    with pytest.raises(ValueError, match=r"no Parquet file|ends too early|type \d+"):
        ParquetPart.whole(file)


def test_a_file_that_was_cut_is_refused(files) -> None:
    part = ParquetPart.whole(files[0])
    files[0].write_bytes(files[0].read_bytes()[: part.end // 2])
    with pytest.raises(ValueError, match="shorter than its footer says"):
        part.checksum()
