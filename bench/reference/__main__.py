"""``python -m bench.reference``: write docs/reference/ anew after a change of what it is read from."""

from __future__ import annotations

from bench.reference import FOLDER, PAGES

if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, page in PAGES.items():
        (FOLDER / name).write_text(page())
        print(FOLDER / name)
