"""Everything on disk: the catalog, segments, trained parameters, checksums."""
