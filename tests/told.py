"""Texts of errors, which may end with the line of the test that made the mistake."""

from __future__ import annotations

import re


def is_told(error: BaseException, wanted: str) -> bool:
    """Whether the error's text is the wanted one, or that between a function's name and a line of a test.

    LINE stands for lines.
    """
    text = re.sub(r"\btest_\w+\.py:\d+", "LINE", str(error))
    texts = (text, re.sub(r"^\w+: ", "", text))
    return any(
        wanted_text in texts for wanted_text in (wanted, f"{wanted}, declared at LINE", f"{wanted} Declared at LINE")
    )
