"""Fit a whole-word model to your own text, without labels, and search with it."""

import inspect
import random
import statistics
import tempfile
import textwrap

from wordhive import Encoder, Retriever

# Texts of the kind that you search, some hundred or more: here, what Python's own functions say of themselves.
FUNCTIONS = [each for module in (random, statistics, textwrap) for each in vars(module).values() if callable(each)]
TEXTS = list(dict.fromkeys(inspect.cleandoc(each.__doc__) for each in FUNCTIONS if each.__doc__))

encoder = Encoder.fit("all-MiniLM-L6-v2", TEXTS, dim=16, summary_weight=0.8)

with tempfile.TemporaryDirectory() as folder:
    encoder.save(f"{folder}/my-model")
    with Retriever.create(f"{folder}/my.hive", model=f"{folder}/my-model") as retriever:
        retriever.add(TEXTS)
        print(retriever.search("the middle value of data", k=1)[0].text)
