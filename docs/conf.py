"""The site: `make site` builds it offline from what is tracked, warnings are errors.

Notebooks are shown with the outputs they carry; nothing is run here.
"""

import shutil
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
sys.path[:0] = [str(ROOT), str(HERE / "_ext")]

from bdlab import __version__  # noqa: E402

project = "bdlab"
author = "the bdlab authors"
release = version = __version__

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "mathml"]
html_math_renderer = "mathml"
nb_execution_mode = "off"
# Widgets live in a notebook; the page shows the picture that stands beside each.
nb_mime_priority_overrides = [
    ("html", "application/vnd.jupyter.widget-view+json", None),
    ("html", "image/svg+xml", 10),
    ("html", "image/png", 20),
    ("html", "image/jpeg", 25),
    ("html", "text/html", 30),
    ("html", "text/markdown", 40),
    ("html", "text/plain", 50),
]
myst_enable_extensions = ["dollarmath", "colon_fence"]
myst_heading_anchors = 3
exclude_patterns = ["_build", "_ext"]
# Tables that a notebook prints may hold a rule between them, where docutils allows none.
suppress_warnings = ["mystnb.unknown_mime_type", "docutils"]
autodoc_typehints = "signature"
autodoc_member_order = "bysource"

html_theme = "furo"
html_title = "bdlab"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_theme_options = {"navigation_with_keys": True}
html_show_sphinx = False


def take_notebooks(app) -> None:
    """Copy the notebooks from the top of the repository: Sphinx reads its own folder."""
    target = HERE / "notebooks"
    shutil.rmtree(target, ignore_errors=True)
    skipped = shutil.ignore_patterns(".*", "__pycache__")
    shutil.copytree(ROOT / "notebooks", target, ignore=skipped)


def take_live_page(app, error) -> None:
    """The live page is one file that works by itself: it is copied as it is."""
    page = HERE / "live" / "index.html"
    if error is None and page.is_file():
        target = Path(app.outdir) / "live"
        target.mkdir(exist_ok=True)
        shutil.copy(page, target)


def setup(app) -> None:
    app.connect("build-finished", take_live_page)
    app.connect("builder-inited", take_notebooks, priority=1)
