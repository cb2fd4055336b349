"""Documents and queries from files, cut into chunks, encoded into shards."""
