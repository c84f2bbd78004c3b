"""Reads numbers that are written for people: ``€ 1.234,50``, ``1,234.50 USD``, ``(12.00)``.

A separator may be a decimal mark or group digits. Most values show which: in ``12,50`` the comma is
a decimal mark, in ``1,234,567`` it is not. Values such as ``1,234`` do not: the others of the
column decide, and where they disagree such a value is not a number.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lydite.engine import DuckDBEngine

if TYPE_CHECKING:
    from lydite.engine import Engine
    from lydite.inputs.source_rows import Relation

_BLANK = r"[\s\x0B\p{Z}\x{FEFF}\x{200E}\x{200F}\x{202A}-\x{202E}]"
_CURRENCY = r"(?:[A-Z]{0,3}\p{Sc}|[A-Z]{3})"
_GROUP = r"[ ''’\x{A0}\x{2009}\x{202F}]"  # groups digits, and is never a decimal mark
_SIGN = r"[-+\x{2212}]"
#: A number with an optional currency and sign; the first group has its digits and separators.
_AMOUNT = (
    rf"\(?{_BLANK}*{_SIGN}?{_BLANK}*{_CURRENCY}?{_BLANK}*{_SIGN}?{_BLANK}*"
    r"([0-9](?:[0-9.,''’\x{A0}\x{2009}\x{202F} ]*[0-9])?)"
    rf"{_BLANK}*{_CURRENCY}?{_BLANK}*{_SIGN}?{_BLANK}*\)?"
)
_IN_PARENTHESES = r"\(.*\)"
_MINUS = r"[-\x{2212}]"

_WHOLE = rf"[0-9]+|[0-9]{{1,3}}(?:{_GROUP}[0-9]{{3}})+"
#: Numbers whose decimal mark is surely a comma, or surely a dot.
_COMMA = (
    r"[0-9]{1,3}(?:[.][0-9]{3})+,[0-9]+|[0-9]{1,3}(?:[.][0-9]{3}){2,}"
    r"|[0-9]+,(?:[0-9]{1,2}|[0-9]{4,})|(?:0|[0-9]{4,}),[0-9]+"
    rf"|[0-9]{{1,3}}(?:{_GROUP}[0-9]{{3}})+,[0-9]+"
)
_DOT = (
    r"[0-9]{1,3}(?:,[0-9]{3})+[.][0-9]+|[0-9]{1,3}(?:,[0-9]{3}){2,}"
    r"|[0-9]+[.](?:[0-9]{1,2}|[0-9]{4,})|(?:0|[0-9]{4,})[.][0-9]+"
    rf"|[0-9]{{1,3}}(?:{_GROUP}[0-9]{{3}})+[.][0-9]+"
)
#: Numbers such as 1,234 and 1.234: a separator before three digits.
_COMMA_OR_GROUP, _DOT_OR_GROUP = r"[0-9]{1,3},[0-9]{3}", r"[0-9]{1,3}[.][0-9]{3}"
#: Text that is no number for SQL.
_AMBIGUOUS = "ambiguous"

_EVIDENCE = """
select
    count(*) filter (where regexp_full_match(digits, '{comma}')) > 0,
    count(*) filter (where regexp_full_match(digits, '{dot}')) > 0
from (
    select given, regexp_extract(given, '^(?:{amount})\\z', 1) as digits
    from (select {text} as given from {relation} where {text} is not null)
)
"""


def number_of_text(engine: Engine, relation: Relation, text: str) -> str:
    """Return the SQL expression of a column of numbers as text that SQL can cast.

    Text that is no number, or an ambiguous one, cannot be cast. On Spark, only plain numbers are
    read.

    Parameters
    ----------
    engine
        Reads the rows.
    relation
        The source.
    text
        SQL expression of the column as text, null where it is blank.
    """
    if not isinstance(engine, DuckDBEngine):
        return text
    plain = f"select exists (select 1 from {relation.sql} where try_cast({text} as double) is null"
    if not engine.scalar(f"{plain} and {text} is not null)"):
        return text
    with_comma, with_dot = engine.rows(
        _EVIDENCE.format(comma=_COMMA, dot=_DOT, amount=_AMOUNT, text=text, relation=relation.sql)
    )[0]
    return _expression(text, with_comma=with_comma, with_dot=with_dot)


def _expression(text: str, *, with_comma: bool, with_dot: bool) -> str:
    """Return the expression for a column that has decimal commas, decimal dots, both or neither."""
    digits = f"regexp_extract({text}, '^(?:{_AMOUNT})\\z', 1)"
    as_comma = f"replace(regexp_replace({digits}, '[^0-9,]', '', 'g'), ',', '.')"
    as_dot = f"regexp_replace({digits}, '[^0-9.]', '', 'g')"
    # Without any decimal mark in the column, 1.234 is what SQL reads, and 1,234 is nothing.
    plain_dot = (
        f"case when try_cast({text} as double) is null then '{_AMBIGUOUS}' else {as_dot} end"
    )
    comma_or_group, dot_or_group = {
        (True, False): (as_comma, as_comma),
        (False, True): (as_dot, as_dot),
        (True, True): (f"'{_AMBIGUOUS}'", f"'{_AMBIGUOUS}'"),
        (False, False): (f"'{_AMBIGUOUS}'", plain_dot),
    }[with_comma, with_dot]
    parentheses = f"regexp_full_match(trim({text}), '{_IN_PARENTHESES}')"
    minus = f"length(regexp_replace({text}, '[^\\x{{2212}}-]', '', 'g'))"
    return f"""case
        when {text} is null or {digits} = '' then {text}
        when regexp_matches({text}, '[()]') and not ({parentheses} and {minus} = 0)
            or length(regexp_replace({text}, '[^-+\\x{{2212}}]', '', 'g')) > 1
            then '{_AMBIGUOUS}'
        else case when {parentheses} or {minus} = 1 then '-' else '' end || case
            when regexp_full_match({digits}, '{_WHOLE}')
                then regexp_replace({digits}, '[^0-9]', '', 'g')
            when regexp_full_match({digits}, '{_COMMA}') then {as_comma}
            when regexp_full_match({digits}, '{_DOT}') then {as_dot}
            when regexp_full_match({digits}, '{_COMMA_OR_GROUP}') then {comma_or_group}
            when regexp_full_match({digits}, '{_DOT_OR_GROUP}') then {dot_or_group}
            else '{_AMBIGUOUS}'
        end
    end"""
