# The workbook.
