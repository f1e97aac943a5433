"""Texts of errors, which may end with the line of the test that made the mistake."""

from __future__ import annotations

import re


def is_told(error: BaseException, wanted: str) -> bool:
    """Whether the error's text is the wanted one, alone or with a line of a test behind it; LINE stands for lines."""
    text = re.sub(r"\btest_\w+\.py:\d+", "LINE", str(error))
    return text in (wanted, f"{wanted}, declared at LINE", f"{wanted} Declared at LINE")
