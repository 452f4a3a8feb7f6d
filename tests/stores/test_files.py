"""Files that later steps read are whole, or their damage is told; so is what the machine lacks."""

import errno

import pandas as pd
import pytest

from transmural.stores.errors import StoreError, of_the_machine
from transmural.stores.files import read_checked, write_checked
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


def test_what_the_machine_lacks_is_told_in_a_sentence_and_nothing_else_is():
    full = OSError(errno.ENOSPC, "No space left on device")
    assert of_the_machine(full, "results/a") == "results/a: no space left on the disk; make room and rerun"
    denied = PermissionError(errno.EACCES, "Permission denied", "results/b")
    assert of_the_machine(denied, "results/a").startswith("results/b: no permission")
    assert of_the_machine(MemoryError(), "results/a").startswith("results/a: no memory left")
    assert of_the_machine(FileNotFoundError(errno.ENOENT, "No such file", "c"), "results/a") is None
    assert of_the_machine(ValueError("a fault of the code"), "results/a") is None
