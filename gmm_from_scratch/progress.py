"""How far a long fit has come: a bar on stderr where tqdm is installed. tqdm is never needed."""

from contextlib import nullcontext
from types import SimpleNamespace


def bar(total, label, unit, shown):
    """Return a context with update(), to call after each of `total` steps, and write(text), which prints a line above the bar.

    Without tqdm, or where `shown` is false or 0, update does nothing and write prints. The bar is gone when the context ends.

    >>> with bar(2, "start 1", "round", shown=False) as progress:
    ...     progress.update()
    ...     progress.write("half way")
    half way
    """
    try:
        if shown:
            from tqdm import tqdm

            return tqdm(total=total, desc=label, unit=unit, leave=False)
    except ImportError:
        pass
    return nullcontext(SimpleNamespace(update=lambda: None, write=print))
