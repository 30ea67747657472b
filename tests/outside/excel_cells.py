"""Prints every cell of a workbook as one JSON object a line, as openpyxl reads it.

excel_cells.py FILE: {"sheet", "cell", "type", "value"}; a number is one that Excel counts as
one.
"""

import datetime
import json
import sys

import openpyxl

book = openpyxl.load_workbook(sys.argv[1], data_only=False)
for sheet in book.worksheets:
    for row in sheet.iter_rows():
        for cell in row:
            if cell.value is None:
                continue
            value = cell.value
            if isinstance(value, (datetime.datetime, datetime.date)):
                value = value.isoformat()
            kind = type(cell.value).__name__
            place = {"sheet": sheet.title, "cell": cell.coordinate}
            print(json.dumps({**place, "type": kind, "value": str(value)}))
