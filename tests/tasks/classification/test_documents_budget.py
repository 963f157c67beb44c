from carousel.tasks.classification import budget


def test_a_network_counts_for_more_where_documents_are_many():
    shares = [budget.ngram_weight(documents) for documents in (1, 700, 1_999, 2_000, 25_000)]
    assert shares == sorted(shares, reverse=True)
    assert all(0.5 < share < 1 for share in shares)


def test_few_documents_have_n_grams_of_characters():
    assert budget.has_characters(budget.MAX_CHARACTERS)
    assert not budget.has_characters(budget.MAX_CHARACTERS + 1)
