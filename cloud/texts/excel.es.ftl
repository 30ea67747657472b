# El libro de Excel.
