"""What is made while the collector waits becomes old at once, within bounds."""

from __future__ import annotations

import gc

import pytest

from graphc import collector


class _Kept:
    pass


def _made() -> _Kept:
    with collector.collector_paused():
        assert not gc.isenabled()
        return _Kept()


def _is_old(thing: object) -> bool:
    return any(other is thing for other in gc.get_objects(generation=2))


def test_what_is_made_is_old_and_still_collected() -> None:
    gc.collect()
    kept = _made()
    assert gc.isenabled() and gc.get_freeze_count() == 0
    assert _is_old(kept)


def test_the_collector_hears_of_all_others(monkeypatch: pytest.MonkeyPatch) -> None:
    gc.collect()
    _made()
    monkeypatch.setattr(collector, "MOST_AGED", 0)
    assert not _is_old(_made())
    monkeypatch.undo()
    assert _is_old(_made())


def test_what_a_program_has_frozen_stays_frozen() -> None:
    gc.collect()
    gc.freeze()
    try:
        kept, frozen = _made(), gc.get_freeze_count()
        assert frozen > 0 and not _is_old(kept)
    finally:
        gc.unfreeze()


def test_a_collector_that_is_off_stays_off() -> None:
    gc.disable()
    try:
        with collector.collector_paused():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()
