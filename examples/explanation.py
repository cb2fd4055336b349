"""Ask why a document was found: which query word met which of its words, and for how much of the score."""

import tempfile

from wordhive import Retriever

with tempfile.TemporaryDirectory() as folder, Retriever.create(f"{folder}/my.hive") as retriever:
    retriever.add(["Honey bees dance to tell where flowers are.", "Ants follow a trail of scent."])
    best = retriever.search("how do bees communicate?", k=1)[0]
    explanation = best.explain()
    for match in explanation.matches:
        print(f"{match.score:6.3f}  {match.word} → {match.match or 'left out by the model'}")
    print(f"{explanation.summary_score:6.3f}  the summary")
    print(f"{explanation.score:6.3f}  together")
