"""Joins parts of Parquet files without decoding them.

A Parquet file is a sequence of row groups, followed by a footer with the place of each: a Thrift
struct in the compact protocol, whose fields parquet.thrift of the format numbers. Row groups are
copied as bytes, and their places in the new file are written to a new footer.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    #: The type and the value of each field by its number.
    Struct = dict[int, tuple[int, Any]]

_MAGIC = b"PAR1"
_END = 8  # bytes after the footer: its length, and the magic number
_AT_ONCE = 1 << 22
# Types of the compact protocol.
_TRUE, _FALSE, _BYTE, _INTEGERS, _DOUBLE, _BINARY, _LIST, _STRUCT = 1, 2, 3, (4, 5, 6), 7, 8, 9, 12
_I64 = 6
# Fields of the structs FileMetaData, KeyValue, RowGroup and ColumnChunk.
_SCHEMA, _NUMBER_OF_ROWS, _ROW_GROUPS, _KEY_VALUES = 2, 3, 4, 5
_KEY, _VALUE = 1, 2
_COLUMNS, _ROWS, _GROUP_OFFSET, _ORDINAL = 1, 3, 5, 7
_COLUMN = 3
# Fields that are places in the file, of RowGroup, ColumnChunk and ColumnMetaData.
_OF_GROUP, _OF_CHUNK, _OF_COLUMN = (_GROUP_OFFSET,), (2, 4, 6), (9, 10, 11, 14)


@dataclass(frozen=True)
class ParquetPart:
    """Consecutive row groups of a Parquet file.

    Attributes
    ----------
    file
        The file.
    start, end
        The bytes of the row groups.
    footer
        The footer of the file.
    row_groups
        The row groups as the footer describes them.
    """

    file: Path
    start: int
    end: int
    footer: Struct
    row_groups: Sequence[Struct]

    @classmethod
    def whole(cls, file: Path) -> ParquetPart:
        """Return all row groups of a file.

        Raises
        ------
        ValueError
            When it is no Parquet file.
        """
        footer, end = _read_footer(file)
        return cls(file, len(_MAGIC), end, footer, footer[_ROW_GROUPS][1][1])

    def part(self, start: int, end: int, first: int, last: int) -> ParquetPart:
        """Return the row groups `first` to `last` - 1, which are in the bytes from start to end."""
        return ParquetPart(self.file, start, end, self.footer, self.row_groups[first:last])

    @property
    def metadata(self) -> dict[str, str]:
        """The texts in the metadata of the file, by key."""
        if _KEY_VALUES not in self.footer:
            return {}
        pairs = self.footer[_KEY_VALUES][1][1]
        return {
            pair[_KEY][1].decode(): pair[_VALUE][1].decode() for pair in pairs if _VALUE in pair
        }

    def checksum(self) -> int:
        """Return a checksum of everything that `join` copies, wherever it is in its file."""
        groups = [_moved(group, -self.start) for group in self.row_groups]
        found = zlib.crc32(_encode({1: self.footer[_SCHEMA], 2: _structs(groups)}))
        for content in self.read():
            found = zlib.crc32(content, found)
        return found

    def read(self) -> Iterator[bytes]:
        """Yield the bytes of the row groups."""
        with self.file.open("rb") as stream:
            stream.seek(self.start)
            left = self.end - self.start
            while left > 0:
                content = stream.read(min(left, _AT_ONCE))
                if not content:
                    raise ValueError(f"{self.file} is shorter than its footer says")
                left -= len(content)
                yield content


class ParquetJoin:
    """Writes parts of Parquet files with the same columns to a new one.

    Examples
    --------
    >>> import polars as pl
    >>> folder = getfixture("tmp_path")
    >>> for name in "ab":
    ...     pl.DataFrame({"name": [name]}).write_parquet(folder / name)
    >>> joined = ParquetJoin(folder / "joined")
    >>> for name in "ab":
    ...     _ = joined.append(ParquetPart.whole(folder / name))
    >>> joined.finish({"made by": "hand"})
    >>> pl.read_parquet(folder / "joined")["name"].to_list()
    ['a', 'b']
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._footer: Struct = {}
        self._row_groups: list[Struct] = []
        self._end = len(_MAGIC)
        path.write_bytes(_MAGIC)

    def append(self, part: ParquetPart) -> tuple[int, int, int, int]:
        """Append the row groups of a part.

        Returns
        -------
        Where they are: the arguments of `ParquetPart.part`.
        """
        start, first = self._end, len(self._row_groups)
        with self._path.open("ab") as stream:
            for content in part.read():
                stream.write(content)
        self._footer = self._footer or part.footer
        self._row_groups += [_moved(group, start - part.start) for group in part.row_groups]
        self._end += part.end - part.start
        return start, self._end, first, len(self._row_groups)

    def finish(self, metadata: Mapping[str, str]) -> None:
        """Write the footer, with texts by key."""
        for number, group in enumerate(self._row_groups):
            if _ORDINAL in group:
                group[_ORDINAL] = (group[_ORDINAL][0], number)
        pairs: list[Struct] = [
            {_KEY: (_BINARY, key.encode()), _VALUE: (_BINARY, text.encode())}
            for key, text in metadata.items()
        ]
        rows = sum(group[_ROWS][1] for group in self._row_groups)
        footer = _encode(
            self._footer
            | {
                _NUMBER_OF_ROWS: (_I64, rows),
                _ROW_GROUPS: _structs(self._row_groups),
                _KEY_VALUES: _structs(pairs),
            }
        )
        with self._path.open("ab") as stream:
            stream.write(footer + struct.pack("<I", len(footer)) + _MAGIC)


def _read_footer(file: Path) -> tuple[Struct, int]:
    """Return the footer of a file, and where it begins."""
    size = file.stat().st_size
    with file.open("rb") as stream:
        stream.seek(max(size - _END, 0))
        length, magic = struct.unpack("<I4s", stream.read(_END).rjust(_END, b"\0"))
        start = size - _END - length
        if magic != _MAGIC or start < len(_MAGIC):
            raise ValueError(f"{file} is no Parquet file")
        stream.seek(start)
        return _Decoder(stream.read(length)).struct(), start


def _structs(found: Sequence[Struct]) -> tuple[int, Any]:
    return _LIST, (_STRUCT, found)


def _moved(group: Struct, by: int) -> Struct:
    """Return a row group whose bytes are so much later in the file."""
    kind, (inner, chunks) = group[_COLUMNS]
    moved = []
    for chunk in chunks:
        column = _add(chunk[_COLUMN][1], _OF_COLUMN, by)
        moved.append(_add(chunk, _OF_CHUNK, by) | {_COLUMN: (_STRUCT, column)})
    return _add(group, _OF_GROUP, by) | {_COLUMNS: (kind, (inner, moved))}


def _add(fields: Struct, places: Sequence[int], by: int) -> Struct:
    """Return the fields with places that are so much later; writers put 0 where there is none."""
    moved = {
        number: (fields[number][0], fields[number][1] + by)
        for number in places
        if number in fields and fields[number][1]
    }
    return fields | moved


# --- Thrift ---------------------------------------------------------------------------------------


class _Decoder:
    """Reads structs in the compact protocol."""

    def __init__(self, content: bytes) -> None:
        self._content, self._at = content, 0
        self._readers: dict[int, Callable[[], Any]] = {
            _BYTE: self._byte,
            _DOUBLE: lambda: self._bytes(8),
            _BINARY: lambda: self._bytes(self._natural()),
            _LIST: self._list,
            _STRUCT: self.struct,
        }

    def struct(self) -> Struct:
        fields: Struct = {}
        number = 0
        while head := self._byte():
            step, kind = head >> 4, head & 15
            number = number + step if step else self._integer()
            fields[number] = kind, self._value(kind)
        return fields

    def _value(self, kind: int) -> Any:  # noqa: ANN401
        if kind in {_TRUE, _FALSE}:
            return kind == _TRUE
        if kind in _INTEGERS:
            return self._integer()
        if kind not in self._readers:
            raise ValueError(f"the footer has a value of type {kind}, which Parquet does not use")
        return self._readers[kind]()

    def _list(self) -> tuple[int, list[Any]]:
        head = self._byte()
        size, inner = head >> 4, head & 15
        if size == 15:  # then the size follows
            size = self._natural()
        return inner, [self._value(inner) for _ in range(size)]

    def _byte(self) -> int:
        return self._bytes(1)[0]

    def _bytes(self, size: int) -> bytes:
        found = self._content[self._at : self._at + size]
        if len(found) < size:
            raise ValueError("the footer ends too early")
        self._at += size
        return found

    def _natural(self) -> int:
        found = shift = 0
        while True:
            byte = self._byte()
            found |= (byte & 127) << shift
            if byte < 128:  # the last one
                return found
            shift += 7

    def _integer(self) -> int:
        found = self._natural()
        return found >> 1 ^ -(found & 1)


def _encode(fields: Struct) -> bytes:
    """Return a struct in the compact protocol."""
    out = bytearray()
    _write_struct(out, fields)
    return bytes(out)


def _write_struct(out: bytearray, fields: Struct) -> None:
    before = 0
    for number, (kind, value) in sorted(fields.items()):
        if 0 < number - before < 16:  # what four bits hold
            out.append(number - before << 4 | kind)
        else:
            out.append(kind)
            _write_integer(out, number)
        _write_value(out, kind, value)
        before = number
    out.append(0)


def _write_value(out: bytearray, kind: int, value: Any) -> None:  # noqa: ANN401
    if kind == _BYTE:
        out.append(value)
    elif kind in _INTEGERS:
        _write_integer(out, value)
    elif kind == _DOUBLE:
        out += value
    elif kind == _BINARY:
        _write_natural(out, len(value))
        out += value
    elif kind == _LIST:
        inner, values = value
        if len(values) < 15:  # what four bits hold
            out.append(len(values) << 4 | inner)
        else:
            out.append(15 << 4 | inner)
            _write_natural(out, len(values))
        for each in values:
            _write_value(out, inner, each)
    elif kind == _STRUCT:
        _write_struct(out, value)


def _write_natural(out: bytearray, value: int) -> None:
    while value > 127:  # what seven bits hold
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)


def _write_integer(out: bytearray, value: int) -> None:
    _write_natural(out, value << 1 if value >= 0 else (-value << 1) - 1)
