"""Models with different cells in the MLflow UI, and on our own page, seen through a real browser."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import mlflow
import pytest
from selenium import webdriver
from selenium.common.exceptions import (
    ElementClickInterceptedException,
    ElementNotInteractableException,
    NoSuchElementException,
    StaleElementReferenceException,
)
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from tests.conftest import Checkout
from tests.registry.test_pyfunc import wait_until_up

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
pytestmark = [
    pytest.mark.pipeline,
    pytest.mark.browser,
    pytest.mark.skipif(
        not (CHROMIUM and DRIVER) and not os.environ.get("CI"),
        reason="Chromium and ChromeDriver are not installed (apt-get install chromium chromium-driver)",
    ),
]

# Scrolls whatever scrolls on a page by a little, and returns what it then says
SCROLL_ON = """
for (const part of document.querySelectorAll('*'))
    if (part.scrollHeight > part.clientHeight + 20) part.scrollTop += 60;
return document.body.innerText
"""

RUNS = """
import json
from carousel.tracking.store import connect, experiment
client = connect()
found = experiment(client, 'stdlib-docs')
runs = client.search_runs([found], "tags.`bundle.fingerprint` != ''")
by_cell = {run.data.params['model.cell']: run.info.run_id for run in runs}
trials = client.search_runs([found], "tags.`optuna.trial` != ''")
print(json.dumps([found, by_cell, [run.info.run_id for run in trials]]))
"""


@pytest.fixture(scope="module")
def ui(two_models: Checkout) -> Iterator[str]:
    """The address of an MLflow UI on that store."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    command = [sys.executable, "-m", "mlflow", "ui", "--backend-store-uri", "sqlite:///mlflow.db", "--port", port]
    server = subprocess.Popen(
        [*command, "--workers", "1"],
        cwd=two_models.path,
        env=two_models.environment | {"MLFLOW_DISABLE_TELEMETRY": "true"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        wait_until_up(f"http://127.0.0.1:{port}/health")
        yield f"http://127.0.0.1:{port}/#"
    finally:
        os.killpg(server.pid, 15)
        server.wait(30)


@pytest.fixture(scope="module")
def see(ui: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., str]]:
    """Open a page, wait until every expected text is on it, and return all that it says."""
    folder = tmp_path_factory.mktemp("chromium")
    options = webdriver.ChromeOptions()
    options.binary_location = str(CHROMIUM)
    for argument in (
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--disable-dev-shm-usage",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--window-size=1700,1400",
        f"--user-data-dir={folder / 'profile'}",
    ):
        options.add_argument(argument)
    browser = webdriver.Chrome(options=options, service=Service(str(DRIVER)))

    def look(page: str, *expected: str, seconds: float = 60) -> str:
        browser.get(ui + page)
        deadline = time.monotonic() + seconds
        text = ""
        while time.monotonic() < deadline:
            try:
                text = browser.find_element(By.TAG_NAME, "body").text
            except (NoSuchElementException, StaleElementReferenceException):
                continue
            if all(part in text for part in expected):
                return text
            time.sleep(0.3)
        browser.save_screenshot(str(folder / "missing.png"))
        missing = [part for part in expected if part not in text]
        raise AssertionError(f"{page} does not show {missing} (see {folder / 'missing.png'}):\n{text}")

    try:
        look.browser = browser  # type: ignore[attr-defined]
        yield look
    finally:
        browser.quit()


@pytest.fixture(scope="module")
def found(two_models: Checkout) -> tuple[str, dict[str, str], list[str]]:
    """The experiment, the trained models' runs by cell, and the trials' runs."""
    return tuple(json.loads(two_models.python(RUNS).strip().splitlines()[-1]))


@pytest.fixture(scope="module")
def runs(found: tuple[str, dict[str, str], list[str]]) -> tuple[str, dict[str, str]]:
    return found[:2]


def until(browser: webdriver.Chrome, script: str, enough: Callable[..., bool], seconds: float = 60) -> Any:
    """Ask the page until the answer is enough, and return it."""
    deadline = time.monotonic() + seconds
    while True:
        answer = browser.execute_script(script)
        if enough(answer):
            return answer
        assert time.monotonic() < deadline, f"the page still answers {answer}"
        time.sleep(0.3)


def press(browser: webdriver.Chrome, xpath: str) -> None:
    """Click what can be seen there, as soon as it can be: a tree that opens moves for a moment."""

    def pressed(page: webdriver.Chrome) -> bool:
        for element in page.find_elements(By.XPATH, xpath):
            if element.is_displayed():
                element.click()
                return True
        return False

    moving = (ElementClickInterceptedException, ElementNotInteractableException, StaleElementReferenceException)
    WebDriverWait(browser, 60, ignored_exceptions=moving).until(pressed)


def test_the_list_of_runs_tells_them_apart_by_name(see: Callable[..., str], runs: tuple[str, dict]) -> None:
    see(f"/experiments/{runs[0]}/runs", "bilstm-16x1", "bigru-16x1", "sweep of 2", "stdlib-docs-train")


def test_carousel_ui_opens_on_the_columns_that_matter(
    see: Callable[..., str], two_models: Checkout, runs: tuple[str, dict]
) -> None:
    page = two_models.python(
        "from carousel.task import find; from carousel.tracking import runs_page, store;"
        "print(runs_page.link(store.connect(), 'stdlib-docs', find('classification').metrics, writable=True))"
    ).split()[-1]
    assert page.startswith(f"/#/experiments/{runs[0]}/runs?")
    text = see(page.removeprefix("/#"), "bilstm-16x1", "Duration", "test/accuracy", "test/macro_f1", "shared view")
    assert "baseline/accu" in text
    assert "best/val_accu" in text
    assert "Model registry" in text  # the navigation of model training


def test_a_run_shows_its_origin_data_and_version(see: Callable[..., str], runs: tuple[str, dict]) -> None:
    experiment, by_cell = runs
    text = see(
        f"/experiments/{experiment}/runs/{by_cell['gru']}", "bigru-16x1", "git.commit", "Registered models", "v2"
    )
    for expected in ("stdlib-docs-train (", "data.source", "stdlib_docs", "Finished"):
        assert expected in text


def test_curves_are_drawn(see: Callable[..., str], runs: tuple[str, dict]) -> None:
    experiment, by_cell = runs
    see(f"/experiments/{experiment}/runs/{by_cell['lstm']}/model-metrics", "bilstm-16x1", "val\n(3)", "test\n(")


def test_the_comparison_names_the_parameter_that_differs(see: Callable[..., str], runs: tuple[str, dict]) -> None:
    experiment, by_cell = runs
    wanted = json.dumps([by_cell["lstm"], by_cell["gru"]])
    page = f"/compare-runs?runs={wanted}&experiments={json.dumps([experiment])}"
    see(page, "Comparing 2 Runs", "bilstm-16x1", "bigru-16x1", "model.cell", "lstm", "gru", "best/val_accuracy")
    # The metrics are a list that scrolls, and the processor's stand before the test split's
    browser = see.browser  # type: ignore[attr-defined]
    until(browser, SCROLL_ON, lambda text: "test/accuracy" in text and "test/macro_f1" in text)


def test_the_confusion_matrix_is_a_plot(see: Callable[..., str], runs: tuple[str, dict]) -> None:
    experiment, by_cell = runs
    page = f"/experiments/{experiment}/runs/{by_cell['gru']}/artifacts/plots/confusion_matrix.png"
    see(page, "confusion_matrix.png")
    widths = "return [...document.images].map(image => image.naturalWidth)"
    until(see.browser, widths, lambda found: any(width > 400 for width in found))  # type: ignore[attr-defined]


def test_the_model_page_shows_versions_aliases_and_tags(see: Callable[..., str], runs: tuple[str, dict]) -> None:
    see("/models/stdlib-docs", "Version 1", "Version 2", "challenger", "bundle.fingerprint", "test.accuracy")
    see("/models/stdlib-docs/versions/2", "Source Run", "bigru-16x1", "vocabulary.fingerprint")


def test_the_model_page_opens_the_vocabulary(see: Callable[..., str], runs: tuple[str, dict], ui: str) -> None:
    server = ui.removesuffix("/#")
    source = mlflow.MlflowClient(server, server).get_model_version("stdlib-docs", "1").source
    see(f"/experiments/{runs[0]}/models/{source.removeprefix('models:/')}/artifacts", "requirements.txt")
    browser = see.browser  # type: ignore[attr-defined]
    for entry in ("artifacts", "bundle", "vocab.txt"):  # folders open where they are
        press(browser, f"//div[text()='{entry}']")
    shown = until(
        browser, "return document.body.innerText", lambda text: "carousel vocabulary 1\n<pad>\n<unk>\n" in text
    )
    assert "tokenizer.json" in shown
    assert "weights.safetensors" in shown
    assert "__pycache__" not in shown


# How many marks each chart of the UI is drawn with: the bars, lines and axes of plotly's charts
MARKS = """
return [...document.querySelectorAll('.js-plotly-plot')].map(chart =>
    chart.querySelectorAll('.trace path, .parcoords .axis').length)
"""


def test_the_comparison_of_four_runs_draws_its_charts(
    see: Callable[..., str], found: tuple[str, dict[str, str], list[str]]
) -> None:
    experiment, by_cell, trials = found
    wanted = [*by_cell.values(), *trials]
    assert len(wanted) >= 4
    page = f"/compare-runs?runs={json.dumps(wanted)}&experiments={json.dumps([experiment])}"
    see(page, "Comparing 4 Runs", "bilstm-16x1", "bigru-16x1", "trial 0", "trial 1")
    until(see.browser, MARKS, any)  # type: ignore[attr-defined]


def test_the_chart_view_draws_every_models_curves(see: Callable[..., str], runs: tuple[str, dict]) -> None:
    page = f"/experiments/{runs[0]}/runs?compareRunsMode=CHART"
    # The UI draws the others when it is scrolled
    see(page, "bilstm-16x1", "baseline/accuracy", "best/val_accuracy")
    until(see.browser, MARKS, lambda charts: sum(count > 0 for count in charts) >= 2)  # type: ignore[attr-defined]


def test_a_run_and_a_version_describe_themselves(see: Callable[..., str], runs: tuple[str, dict]) -> None:
    experiment, by_cell = runs
    see(
        f"/experiments/{experiment}/runs/{by_cell['gru']}",
        "A text classifier: bidirectional gru",
        "linear baseline",
    )
    see("/models/stdlib-docs", "The alias champion is the version that is live")
    see("/models/stdlib-docs/versions/2", "A text classifier: bidirectional gru", "mlflow.pyfunc.load_model")


def test_our_page_of_two_versions_is_drawn_without_network(
    see: Callable[..., str], two_models: Checkout, tmp_path: Path
) -> None:
    page = tmp_path / "comparison.html"
    two_models.carousel("compare", "1", "2", "--html", str(page))
    browser = see.browser  # type: ignore[attr-defined]
    browser.get(page.as_uri())
    text = browser.find_element(By.TAG_NAME, "body").text
    for expected in (
        "stdlib-docs version 1",
        "stdlib-docs version 2",
        "bilstm",
        "bigru",
        "macro-F1",
        "disagree most",
    ):
        assert expected in text
    drawn = browser.execute_script(
        "return [...document.querySelectorAll('svg')].map(svg => "
        "[svg.getBoundingClientRect().width, svg.getBoundingClientRect().height, "
        "[...svg.querySelectorAll('path, use')].filter(mark => mark.getBoundingClientRect().width > 0).length])"
    )
    assert len(drawn) == 3
    assert all(width > 400 and height > 80 and marks > 20 for width, height, marks in drawn), drawn
    assert browser.execute_script("return performance.getEntriesByType('resource').length") == 0
    browser.set_window_size(420, 900)  # a telephone's: tables scroll by themselves, the page does not
    assert browser.execute_script("return document.documentElement.scrollWidth - innerWidth") <= 0
    browser.set_window_size(1700, 1400)
