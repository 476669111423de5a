"""Tables as plain text, for ``print``."""

from __future__ import annotations

from utkage.reporting.table import Table


def plain_table(table: Table) -> str:
    """Columns of equal width, two spaces apart; columns with values are aligned to the right.

    >>> print(plain_table(Table.of("", ("split", "faces"), [("val", "2329")])))
    split  faces
    val    2329
    """
    columns = []
    for index, heading in enumerate(table.columns):
        cells = [row[index] for row in table.rows]
        texts = [heading, *(cell.text for cell in cells)]
        width = max(map(len, texts))
        right = any(cell.value is not None for cell in cells)
        columns.append([text.rjust(width) if right else text.ljust(width) for text in texts])
    lines = ["  ".join(line).rstrip() for line in zip(*columns, strict=True)]
    return "\n".join([*([table.title] if table.title else []), *lines, *filter(None, [table.note])])
