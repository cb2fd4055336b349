"""Files and folders as people have them: which are read, as what documents, and what of them has changed."""
