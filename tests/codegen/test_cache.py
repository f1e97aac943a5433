"""The on-disk cache: what it keeps, what it refuses to load, and that it never stands in the way."""

from __future__ import annotations

import os
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

from graphc.codegen import cache
from graphc.codegen.cache import Cache

ROOT = Path(__file__).resolve().parents[2]
KEY = "0123456789abcdef"
MEGABYTE = 1 << 20


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "graphc"


def _only_entry(folder: Path) -> Path:
    (entry,) = folder.iterdir()
    return entry


def test_what_is_put_is_got_by_another_instance(folder: Path) -> None:
    Cache(folder, MEGABYTE).put(KEY, b"code")
    assert Cache(folder, MEGABYTE).get(KEY) == b"code"
    assert Cache(folder, MEGABYTE).get("another") is None


def test_an_empty_payload_is_an_entry(folder: Path) -> None:
    Cache(folder, MEGABYTE).put(KEY, b"")
    assert Cache(folder, MEGABYTE).get(KEY) == b""


def test_the_last_put_counts(folder: Path) -> None:
    store = Cache(folder, MEGABYTE)
    store.put(KEY, b"old")
    store.put(KEY, b"new")
    assert store.get(KEY) == b"new"
    assert _only_entry(folder).name == KEY + ".bin"


def test_folder_and_entries_are_private(folder: Path) -> None:
    Cache(folder, MEGABYTE).put(KEY, b"code")
    assert folder.stat().st_mode & 0o777 == 0o700
    assert _only_entry(folder).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("cut", [0, 1, 20, 55, 56, 59])
def test_a_truncated_entry_is_missing_and_replaced(folder: Path, cut: int) -> None:
    store = Cache(folder, MEGABYTE)
    store.put(KEY, b"code")
    entry = _only_entry(folder)
    whole = entry.read_bytes()
    assert len(whole) == 60
    entry.write_bytes(whole[:cut])
    assert store.get(KEY) is None
    store.put(KEY, b"code")
    assert store.get(KEY) == b"code"


@pytest.mark.parametrize("position", range(0, 60, 7))
def test_a_flipped_bit_anywhere_is_seen(folder: Path, position: int) -> None:
    store = Cache(folder, MEGABYTE)
    store.put(KEY, b"code")
    entry = _only_entry(folder)
    content = bytearray(entry.read_bytes())
    content[position] ^= 4
    entry.write_bytes(content)
    assert store.get(KEY) is None


def test_an_entry_under_another_name_is_missing(folder: Path) -> None:
    store = Cache(folder, MEGABYTE)
    store.put(KEY, b"code")
    _only_entry(folder).rename(folder / "fedcba.bin")
    assert store.get("fedcba") is None


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_an_entry_others_may_write_is_missing_and_replaced(folder: Path, mode: int) -> None:
    store = Cache(folder, MEGABYTE)
    store.put(KEY, b"code")
    _only_entry(folder).chmod(mode)
    assert store.get(KEY) is None
    store.put(KEY, b"code")
    assert store.get(KEY) == b"code"
    assert _only_entry(folder).stat().st_mode & 0o777 == 0o600


def test_a_link_is_not_followed(folder: Path, tmp_path: Path) -> None:
    store = Cache(folder, MEGABYTE)
    store.put(KEY, b"code")
    _only_entry(folder).rename(tmp_path / "elsewhere")
    (folder / (KEY + ".bin")).symlink_to(tmp_path / "elsewhere")
    assert store.get(KEY) is None
    store.put(KEY, b"newer")
    assert store.get(KEY) == b"newer"
    assert not _only_entry(folder).is_symlink()
    assert (tmp_path / "elsewhere").exists()


def test_a_folder_in_place_of_an_entry_is_missing(folder: Path) -> None:
    store = Cache(folder, MEGABYTE)
    store.put(KEY, b"code")
    (folder / "abc.bin").mkdir()
    assert store.get("abc") is None


def test_a_folder_that_is_a_link_is_not_used(folder: Path, tmp_path: Path) -> None:
    Cache(folder, MEGABYTE).put(KEY, b"code")
    link = tmp_path / "link"
    link.symlink_to(folder)
    store = Cache(link, MEGABYTE)
    assert store.get(KEY) is None
    with pytest.warns(RuntimeWarning, match="is not a folder that only you can write"):
        store.put(KEY, b"other")
    assert Cache(folder, MEGABYTE).get(KEY) == b"code"


@pytest.mark.parametrize("mode", [0o770, 0o707])
def test_a_folder_others_may_write_is_not_used(folder: Path, mode: int) -> None:
    Cache(folder, MEGABYTE).put(KEY, b"code")
    folder.chmod(mode)
    store = Cache(folder, MEGABYTE)
    assert store.get(KEY) is None
    with pytest.warns(RuntimeWarning) as caught:
        store.put(KEY, b"other")
        store.put(KEY, b"other")
    text = f"graphc keeps no compiled code on disk: {folder} is not a folder that only you can write"
    assert [str(warning.message) for warning in caught] == [text]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can give files away")
def test_what_another_user_owns_is_missing(folder: Path) -> None:
    store = Cache(folder, MEGABYTE)
    store.put(KEY, b"code")
    os.chown(_only_entry(folder), 12345, -1)
    assert store.get(KEY) is None
    store.put(KEY, b"code")
    assert store.get(KEY) == b"code"
    os.chown(folder, 12345, -1)
    assert store.get(KEY) is None


def test_a_place_that_cannot_be_written_warns_once_and_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    store = Cache(tmp_path / "file" / "graphc", MEGABYTE)
    assert store.get(KEY) is None
    with pytest.warns(RuntimeWarning, match="graphc keeps no compiled code on disk") as caught:
        for _ in range(3):
            store.put(KEY, b"code")
    assert len(caught) == 1
    assert store.get(KEY) is None


def test_a_full_disk_leaves_nothing_behind(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Cache(folder, MEGABYTE)
    store.put(KEY, b"code")

    def no_space(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", no_space)
    with pytest.warns(RuntimeWarning, match="No space left on device"):
        store.put("another", b"code")
    assert _only_entry(folder).name == KEY + ".bin"


def test_the_oldest_entries_go_when_the_limit_is_passed(folder: Path) -> None:
    first = Cache(folder, MEGABYTE)
    for age, name in enumerate(("youngest", "middle", "oldest")):
        first.put(name, bytes(1000))
        os.utime(folder / f"{name}.bin", (1e9 - age, 1e9 - age))
    store = Cache(folder, 4000)
    store.put("fresh", bytes(1000))
    assert sorted(path.name for path in folder.iterdir()) == ["fresh.bin", "youngest.bin"]


def test_the_limit_holds_over_many_puts(folder: Path) -> None:
    store = Cache(folder, 50_000)
    for number in range(200):
        store.put(f"entry{number}", bytes(1000))
    assert sum(path.stat().st_size for path in folder.iterdir()) <= 50_000
    assert store.get("entry199") == bytes(1000)


def test_an_entry_that_would_leave_no_room_is_not_kept(folder: Path) -> None:
    store = Cache(folder, 10_000)
    store.put(KEY, bytes(1000))
    store.put("large", bytes(9_000))
    assert store.get("large") is None and store.get(KEY) == bytes(1000)


def test_a_hit_makes_an_old_entry_young(folder: Path) -> None:
    store = Cache(folder, MEGABYTE)
    store.put(KEY, b"code")
    os.utime(_only_entry(folder), (1e9, 1e9))
    assert store.get(KEY) == b"code"
    assert _only_entry(folder).stat().st_mtime > 1.5e9


def test_what_interrupted_writers_left_is_removed(folder: Path) -> None:
    Cache(folder, MEGABYTE).put(KEY, b"code")
    (folder / "old.1.0.tmp").write_bytes(b"half")
    os.utime(folder / "old.1.0.tmp", (1e9, 1e9))
    (folder / "new.1.0.tmp").write_bytes(b"half")
    Cache(folder, MEGABYTE).put("another", b"code")
    assert sorted(path.name for path in folder.iterdir()) == [KEY + ".bin", "another.bin", "new.1.0.tmp"]


def test_keys_tell_parts_apart() -> None:
    keys = {cache.make_key(*parts) for parts in [("ab", "c"), ("a", "bc"), ("abc",), ("abc", ""), ("ab", "c", "")]}
    assert len(keys) == 5
    assert cache.make_key("ab", b"c") == cache.make_key("ab", "c")


def test_keys_know_llvmlite_and_the_sources(monkeypatch: pytest.MonkeyPatch) -> None:
    before = cache.make_key("code")
    monkeypatch.setattr(cache, "_llvm_version", lambda: "0.0")
    other_llvm = cache.make_key("code")
    monkeypatch.undo()
    monkeypatch.setattr(cache, "_source_state", lambda: "edited")
    other_source = cache.make_key("code")
    assert len({before, other_llvm, other_source}) == 3
    monkeypatch.undo()
    assert cache.make_key("code") == before


def test_the_sources_of_all_three_rooms_count() -> None:
    names = {line.split()[0] for line in cache._source_state().splitlines()}
    assert {"settings.py", "runtime.ll", "jit.py", "dims.py"} <= names


_WRITER = """
import sys
from pathlib import Path
from graphc.codegen.cache import Cache
store = Cache(Path(sys.argv[1]), 1 << 20)
for round in range(150):
    for key in ("a", "b", "c"):
        found = store.get(key)
        assert found is None or found == key.encode() * 5000
        store.put(key, key.encode() * 5000)
"""


def test_many_processes_share_a_folder(folder: Path) -> None:
    writers = [
        subprocess.Popen([sys.executable, "-W", "error", "-c", _WRITER, str(folder)], cwd=ROOT) for _ in range(3)
    ]
    assert [writer.wait(timeout=60) for writer in writers] == [0, 0, 0]
    assert Cache(folder, MEGABYTE).get("b") == b"b" * 5000
    assert sorted(path.name for path in folder.iterdir()) == ["a.bin", "b.bin", "c.bin"]


def test_the_setting_turns_it_off(folder: Path) -> None:
    code = "from graphc.codegen import cache; cache.put('k', b'x'); print(cache.get('k'))"
    for switch, expected in (("0", "None"), ("1", "b'x'")):
        environment = {**os.environ, "GRAPHC_CACHE": switch, "GRAPHC_CACHE_DIR": str(folder)}
        command = [sys.executable, "-c", code]
        ran = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=True)
        assert ran.stdout.strip() == expected
        assert folder.exists() == (switch == "1")


def test_a_working_cache_is_silent(folder: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        store = Cache(folder, MEGABYTE)
        store.put(KEY, b"code")
        assert store.get(KEY) == b"code"
