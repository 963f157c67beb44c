from carousel.comparison.speed import milliseconds


class Clocked:
    """Stands for a bundle: it notes who was asked what, in a common book."""

    def __init__(self, name, book):
        self.name, self.book = name, book

    def predict(self, texts):
        self.book.append((self.name, *texts))


def test_bundles_take_turns_on_the_same_texts_and_begin_as_often():
    book = []
    texts = [str(i) for i in range(101)]
    taken = milliseconds([Clocked("a", book), Clocked("b", book)], texts, documents=5, rounds=4)
    assert len(taken) == 2
    assert all(time >= 0 for time in taken)
    counted = book[10:]  # after the warm-up
    pairs = [counted[i : i + 2] for i in range(0, len(counted), 2)]
    assert len(pairs) == 20
    assert all(one[1] == other[1] and {one[0], other[0]} == {"a", "b"} for one, other in pairs)
    assert sorted({pair[0][1] for pair in pairs}, key=int) == ["0", "25", "50", "75", "100"]
    assert sum(pair[0][0] == "a" for pair in pairs) == 10


def test_fewer_texts_than_asked_for_are_enough():
    assert len(milliseconds([Clocked("a", [])], ["one", "two"])) == 1
