from datetime import date

from carousel.drift.comparison import compare
from carousel.drift.page import render
from tests.support.pages import NASTY, assert_standalone, outline
from tests.support.profiles import profile_of

REFERENCE = profile_of([(5 + i % 9, i % 2, (("a", NASTY)[i % 2],), 0.9) for i in range(300)])
CURRENT = profile_of([(9 + i % 9, i % 3, ((NASTY, "a")[i % 5 == 0],), 0.6) for i in range(200)])
FEW = profile_of([(9, 1, ("a",), 0.6)])


def page(days):
    return render(NASTY, "200 predictions.", compare(REFERENCE, CURRENT), days)


def test_the_page_needs_no_network_and_no_script_and_escapes_every_text():
    written = page({date(2026, 1, 5): CURRENT, date(2026, 1, 6): FEW, date(2026, 1, 7): REFERENCE})
    assert_standalone(written)
    assert NASTY not in written
    assert "script" not in outline(written).names


def test_the_tables_say_what_drifted_in_total_and_by_day():
    written = page({date(2026, 1, 5): CURRENT, date(2026, 1, 6): FEW})
    found = compare(REFERENCE, CURRENT)
    rows = outline(written).rows["shifts"][1:]
    assert [row[0] for row in rows] == [shift.title for shift in found.shifts]
    assert [row[-1] for row in rows] == [shift.verdict for shift in found.shifts]
    days = outline(written).rows["days"][1:]
    assert [row[:2] for row in days] == [["2026-01-05", "200"], ["2026-01-06", "1"]]
    assert days[1][4:] == ["–"] * 4


def test_a_file_has_no_days():
    assert "By day" not in page({})
