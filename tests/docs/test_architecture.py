"""The architecture page names only what exists."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = [
    ROOT / "docs/ARCHITECTURE.md",
    ROOT / "docs/add-a-tool.md",
    ROOT / "docs/add-an-adapter.md",
    ROOT / "docs/assistants-file.md",
    ROOT / "README.md",
]


def test_every_path_that_the_docs_name_exists() -> None:
    for page in PAGES:
        for path in re.findall(r"`((?:bot|adapters|tests|docs|scripts)/[\w./-]+)`", page.read_text()):
            assert (ROOT / path).exists(), f"{page.name} names {path}"


def test_every_room_is_on_the_architecture_page() -> None:
    page = PAGES[0].read_text()
    for room in (ROOT / "bot").iterdir():
        if room.is_dir() and (room / "__init__.py").exists():
            assert f"`bot/{room.name}/`" in page
