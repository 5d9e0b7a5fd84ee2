"""Peers that are installed: TF-IDF of trigrams (scikit-learn) and BM25 with fuzzy words (tantivy)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from benchmarks.matching.data import Row, plain, recombined
from tracktion.matching.text import normalise_track

Search = Callable[[str], list[int]]


def tfidf(rows: list[Row], size: int) -> Search | None:
    try:
        from sklearn.feature_extraction.text import TfidfVectorizer
    except ModuleNotFoundError:
        return None
    texts = [normalise_track(row["title"], row["artist"]).search for row in recombined(rows, size)]
    vectorizer = TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 3), dtype=np.float32, sublinear_tf=True)
    matrix = vectorizer.fit_transform(texts).T.tocsr()

    def search(text: str) -> list[int]:
        scores = (vectorizer.transform([plain(text)]) @ matrix).toarray()[0]
        best = np.argpartition(-scores, 10)[:10]
        return [int(row) for row in best[np.argsort(-scores[best], kind="stable")]]

    return search


def tantivy(rows: list[Row], size: int) -> Search | None:
    try:
        import tantivy as peer
    except ModuleNotFoundError:
        return None
    builder = peer.SchemaBuilder()
    builder.add_integer_field("row", stored=True)
    builder.add_text_field("body")
    index = peer.Index(builder.build())
    writer = index.writer(200_000_000, 1)
    for number, row in enumerate(recombined(rows, size)):
        writer.add_document(peer.Document(row=number, body=normalise_track(row["title"], row["artist"]).search))
    writer.commit()
    index.reload()
    searcher = index.searcher()

    def search(text: str) -> list[int]:
        words = plain(text).split()[:20]
        clauses = []
        for word in words:
            clauses.append((peer.Occur.Should, peer.Query.term_query(index.schema, "body", word)))
            if len(word) > 3:
                fuzzy = peer.Query.fuzzy_term_query(index.schema, "body", word, distance=1)
                clauses.append((peer.Occur.Should, peer.Query.boost_query(fuzzy, 0.5)))
        hits = searcher.search(peer.Query.boolean_query(clauses), 10).hits if clauses else []
        return [searcher.doc(address)["row"][0] for _, address in hits]

    return search


PEERS: dict[str, Callable[[list[Row], int], Search | None]] = {"tantivy": tantivy, "tf-idf": tfidf}
