import json

from carousel.corpus.document import Rejected


def test_a_rejected_row_is_one_line_of_json():
    row = Rejected("café.csv", 3, 'empty "text"\nand more')
    assert "\n" not in row.to_json()
    assert "café" in row.to_json()
    assert Rejected(**json.loads(row.to_json())) == row
