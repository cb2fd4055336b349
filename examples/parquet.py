"""Export an index as one Parquet file for other programs, and make an index of it again."""

import tempfile

import pyarrow.parquet

from wordhive import Index, Retriever
from wordhive.index.parquet import export_index, import_index

with tempfile.TemporaryDirectory() as folder:
    with Retriever.create(f"{folder}/my.hive") as retriever:
        retriever.add(["Honey bees dance to tell where flowers are.", "Ants follow a trail of scent."])
        export_index(retriever.index, f"{folder}/my.parquet")
    table = pyarrow.parquet.read_table(f"{folder}/my.parquet")
    print(table.num_rows, "documents with the columns", ", ".join(table.column_names))
    import_index(f"{folder}/my.parquet", f"{folder}/copy.hive")
    print(len(Index.open(f"{folder}/copy.hive")), "documents in the new index")
