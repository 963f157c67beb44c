import io

from matplotlib.image import imread

from carousel.training import plots


def test_gradient_norms_by_epoch_have_the_line_above_which_they_are_clipped():
    table = plots.norms_by_epoch([1.0, 2.0, 9.0, 0.5, 0.5, 3.0], 2)
    assert table["median"].to_list() == [2, 0.5]
    assert table["largest"].to_list() == [9, 3]
    figure = plots.gradient_norms(table, 1.5)
    assert [line.get_ydata()[0] for line in figure.axes[0].lines] == [9, table["p90"][0], 2, 1.5]
    content = io.BytesIO()
    figure.savefig(content, format="png")
    content.seek(0)
    assert imread(content).std() > 0.01
