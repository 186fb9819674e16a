"""Tables of dates and numbers in files as people have them: text, JSON and Excel workbooks.

`opening.open_table` reads a file into records of cells. `layout` finds the header and the rows of data, `columns` the
dates and the prices among the columns. `dates` and `numbers` read them, each column as a whole. `days` makes one row a
day of them.
"""
