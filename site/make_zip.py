"""Pack the built site, so that it can be read without a network: python site/make_zip.py _build/html

It holds all but what needs a server (JupyterLite) and what stands beside it (the PDF), and is written into the site.
"""

import sys
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

NAME = "gmm-from-scratch.zip"
LEFT_OUT = {"lite", NAME, "gmm-from-scratch.pdf"}


def packed(book):
    """Return the files that belong into the zip, below the built site."""
    return sorted(path for path in book.rglob("*") if path.is_file() and path.relative_to(book).parts[0] not in LEFT_OUT)


if __name__ == "__main__":
    book = Path(sys.argv[1])
    with ZipFile(book / NAME, "w", ZIP_DEFLATED) as archive:
        for path in packed(book):
            archive.write(path, Path("gmm-from-scratch") / path.relative_to(book))
