"""The page of `dvc plots show` with its scripts in it, so that it needs no network.

    python -m carousel.template.plots_page

DVC's own page loads Vega from a server. The scripts come from the package vl-convert-python, and stay out of git.
"""

from pathlib import Path

from carousel import layout
from carousel.files import replacing

PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
{{refresh_tag}}
<title>Plots</title>
<style>body {{ font-family: sans-serif; margin: 2rem; }} table {{ border-spacing: 15px; }}</style>
<script>
{scripts}
</script>
</head>
<body>
{{plot_divs}}
</body>
</html>
"""


def enable(root: Path = Path()) -> None:
    """Write the page's template into a checkout, and name it in DVC's local configuration."""
    from dvc.config import Config

    page = root / layout.PLOTS_PAGE
    if not page.exists():
        import vl_convert

        with replacing(page) as temporary:
            scripts = vl_convert.javascript_bundle()  # type: ignore[call-arg]  # its stubs lack the default
            temporary.write_text(PAGE.format(scripts=scripts), "utf-8")
    config = Config(str(page.parent), validate=False)
    if config.read("local").get("plots", {}).get("html_template") != page.name:
        with config.edit("local") as local:
            local.setdefault("plots", {})["html_template"] = page.name


if __name__ == "__main__":
    enable()
