"""The chart of items by day."""

from collective.cloudfront.controlpanel.chart import bars
from collective.cloudfront.controlpanel.chart import HEIGHT
from hypothesis import given
from hypothesis import strategies as st


def test_each_day_of_the_month_has_a_bar():
    found = bars("2026-02", {"2026-02-01": 5, "2026-02-28": 10})
    assert [bar.day for bar in found] == list(range(1, 29))
    assert (found[0].height, found[27].height) == (HEIGHT / 2, HEIGHT)
    assert found[1].height == 0


@given(st.lists(st.integers(0, 10**6), min_size=31, max_size=31))
def test_no_bar_leaves_the_drawing_and_none_that_counts_is_invisible(counts):
    days = {f"2026-01-{day:02}": count for day, count in enumerate(counts, start=1)}
    for bar, count in zip(bars("2026-01", days), counts, strict=True):
        assert bar.count == count
        assert 0 <= bar.y <= HEIGHT
        assert bar.height <= HEIGHT
        assert (bar.height >= 1) == (count > 0)
