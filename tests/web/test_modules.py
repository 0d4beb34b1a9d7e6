"""The editor's pure modules under node's own test runner: no page, no browser."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent


@pytest.mark.parametrize("file", sorted(FOLDER.glob("*.test.mjs")), ids=lambda file: file.name)
def test_modules(file):
    node = shutil.which("node")
    if not node:
        pytest.skip("node is missing: install Node.js 20.19 or newer")
    # Without --test, which starts a second process for the file.
    done = subprocess.run([node, "--test-reporter=tap", file], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert int(re.search(r"^# pass (\d+)$", done.stdout, re.M)[1]) > 3


def test_lines_end_at_120_columns():
    root = FOLDER.parents[1]
    pages = [root / "web", root / "research" / "captions" / "review" / "page"]
    sources = [*FOLDER.glob("*.mjs"), *(f for page in pages for kind in ("*.js", "*.css") for f in page.rglob(kind))]
    long = [
        f"{path.name}:{number}"
        for path in sources
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if len(line) > 120
    ]
    assert len(sources) > 20 and not long
