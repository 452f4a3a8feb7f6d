"""Files that later steps read are whole, or their damage is told; so is what the machine lacks."""

import errno
import os
import subprocess
import sys

import pandas as pd
import pytest

from transmural.stores.errors import StoreError, of_the_machine
from transmural.stores.files import read_checked, whole_folder, write_checked, write_whole
from transmural.stores.rows import read_rows, write_rows


def test_rows_are_read_as_they_were_written(tmp_path):
    rows = pd.DataFrame({"method": ["greensite", "µ"], "value": [0.1 + 0.2, 1e-17]})
    write_rows(tmp_path / "rows.csv", rows)
    pd.testing.assert_frame_equal(read_rows(tmp_path / "rows.csv"), rows, check_exact=True)
    write_rows(tmp_path / "rows.csv", rows, digits=2)
    assert read_rows(tmp_path / "rows.csv")["value"].tolist() == [0.3, 1e-17]


@pytest.mark.parametrize(
    ("name", "damage", "said"),
    [
        ("text", lambda content: content[:-3], "text: content differs from what was written"),
        ("text", lambda content: b"", "text: content differs"),
        ("text", lambda content: content.replace(b"1", b"2"), "text: content differs"),
        ("text", None, "text: missing; delete .*text and rerun"),
        ("text.crc32", None, r"text\.crc32: missing; delete .*text and rerun"),
        ("text.crc32", lambda content: b"\xff", "text: content differs"),
    ],
)
def test_damage_of_a_file_is_told_with_its_name(tmp_path, name, damage, said):
    write_checked(tmp_path / "text", "a,b\n1,3\n")
    path = tmp_path / name
    if damage is None:
        path.unlink()
    else:
        path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(StoreError, match=said):
        read_checked(tmp_path / "text")


def test_two_writers_of_one_folder_leave_the_folder_of_one(tmp_path):
    with whole_folder(tmp_path / "store") as first:
        (first / "whose").write_text("first")
        (first / "more").mkdir()
        with whole_folder(tmp_path / "store") as second:
            (second / "whose").write_text("second")
        assert (tmp_path / "store" / "whose").read_text() == "second"
        assert first.is_dir()
    assert (tmp_path / "store" / "whose").read_text() == "first"
    assert [path.name for path in tmp_path.iterdir()] == ["store"]


@pytest.mark.parametrize(
    "write",
    ["[manager := whole_folder(path), manager.__enter__()]", "tempfile.mkdtemp(prefix='.store.', dir=path.parent)"],
)
def test_what_a_killed_writer_left_is_removed_by_the_next(tmp_path, write):
    killed = f"import os, pathlib, tempfile; from transmural.stores.files import whole_folder; path = pathlib.Path({str(tmp_path / 'store')!r})"
    subprocess.run([sys.executable, "-c", f"{killed}; kept = {write}; os._exit(9)"], check=False)
    assert [path.name.startswith(".store.") for path in tmp_path.iterdir()] == [True]
    with whole_folder(tmp_path / "store") as folder:
        assert {path.name for path in tmp_path.iterdir()} == {folder.name}
    assert [path.name for path in tmp_path.iterdir()] == ["store"]


def test_a_folder_is_not_written_over_a_file_or_a_link(tmp_path):
    (tmp_path / "file").write_text("kept")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    for name in ("file", "link"):
        with pytest.raises(NotADirectoryError), whole_folder(tmp_path / name) as folder:
            (folder / "new").touch()
    assert (tmp_path / "file").read_text() == "kept"
    assert not list((tmp_path / "elsewhere").iterdir())


def test_a_file_is_replaced_whole_with_usual_rights(tmp_path):
    for text in ("first", "second"):
        write_whole(tmp_path / "text", text)
        assert (tmp_path / "text").read_text() == text
        assert os.stat(tmp_path / "text").st_mode & 0o777 == 0o644
    assert [path.name for path in tmp_path.iterdir()] == ["text"]


def test_what_the_machine_lacks_is_told_in_a_sentence_and_nothing_else_is():
    full = OSError(errno.ENOSPC, "No space left on device")
    assert of_the_machine(full, "results/a") == "results/a: no space left on the disk; make room and rerun"
    denied = PermissionError(errno.EACCES, "Permission denied", "results/b")
    assert of_the_machine(denied, "results/a").startswith("results/b: no permission")
    assert of_the_machine(MemoryError(), "results/a").startswith("results/a: no memory left")
    assert of_the_machine(FileNotFoundError(errno.ENOENT, "No such file", "c"), "results/a") is None
    assert of_the_machine(ValueError("a fault of the code"), "results/a") is None
