"""Makes docs/paper-checked.md from the paper's claims as bdlab keeps them (bdlab/paper/claims.csv).

python docs/paper_checked.py
"""

from pathlib import Path

from bdlab import paper

PAGE = Path(__file__).with_name("paper-checked.md")
WORDS = {"yes": "holds", "no": "does not hold", "in part": "holds in part"}
HEAD = """# The paper against itself

Each claim of the paper that its own tables can answer, and what they say. Made by
`python docs/paper_checked.py`; a test recomputes every number from the printed tables.

| where | the paper says | its tables say | verdict |
|---|---|---|---|
"""


def page() -> str:
    """The whole page as Markdown."""
    lines = []
    for claim in paper.claims():
        cells = (claim.where, claim.claim, claim.found, WORDS.get(claim.holds, claim.holds))
        lines.append("| " + " | ".join(cell.replace("|", "/") for cell in cells) + " |")
    return HEAD + "\n".join(lines) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
