"""Files and folders written whole or not at all, and the checksum that tells whether a file is still as written."""

import contextlib
import errno
import fcntl
import os
import shutil
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from transmural.stores.errors import StoreError


def write_whole(path: str | Path, content: str | bytes) -> None:
    """Write ``content`` beside ``path`` and rename it into place, so that a killed job leaves no half file."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    for left in _left(path):
        left.unlink(missing_ok=True)
    data = content.encode() if isinstance(content, str) else content
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as stream:
            _hold(handle)
            stream.write(data)
            stream.flush()
            os.chmod(temporary, 0o644)
            os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def write_checked(path: str | Path, text: str) -> None:
    """`write_whole` of a file that later steps read, with its size and CRC-32 beside it (``….crc32``)."""
    write_whole(path, text)
    write_whole(_beside(path), f"{len(text.encode())} {zlib.crc32(text.encode())}\n")


def read_checked(path: str | Path) -> str:
    """Text of a file after checking that it is what `write_checked` wrote.

    Raises
    ------
    StoreError
        If the file or what tells damage of it is absent, or it is truncated or altered; the message names it.
    """
    path = Path(path)
    for each in (path, _beside(path)):
        if not each.is_file():
            raise StoreError(f"{each}: missing; delete {path} and rerun")
    content = path.read_bytes()
    if f"{len(content)} {zlib.crc32(content)}\n".encode() != _beside(path).read_bytes():
        raise StoreError(f"{path}: content differs from what was written; delete it and rerun")
    return content.decode()


def _beside(path: str | Path) -> Path:
    return Path(f"{path}.crc32")


@contextmanager
def whole_folder(folder: str | Path) -> Iterator[Path]:
    """A new folder beside ``folder``, which it replaces when the block ends; removed if the block fails."""
    folder = Path(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    for left in _left(folder):
        shutil.rmtree(left, ignore_errors=True)
    temporary = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    opened = os.open(temporary, os.O_RDONLY)
    try:
        _hold(opened)
        yield temporary
        os.chmod(temporary, 0o755)
        _replace(temporary, folder)
    finally:
        os.close(opened)
        shutil.rmtree(temporary, ignore_errors=True)


def _replace(new: Path, folder: Path) -> None:
    """Rename a folder into the place of another, which another writer may do at the same time."""
    while True:
        try:
            os.rename(new, folder)
        except OSError as error:
            if error.errno not in {errno.ENOTEMPTY, errno.EEXIST}:
                raise
        else:
            return
        aside = tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent)
        with contextlib.suppress(FileNotFoundError):
            os.rename(folder, aside)
        shutil.rmtree(aside, ignore_errors=True)


def _hold(opened: int) -> None:
    """Tell other writers that an open file or folder is being written, where the file system can tell them."""
    with contextlib.suppress(OSError):
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _left(path: Path) -> list[Path]:
    """What killed writers of ``path`` have left beside it; the system drops the locks of the dead."""
    return [left for left in path.parent.glob(f".{path.name}.*") if not _being_written(left)]


def _being_written(path: Path) -> bool:
    try:
        opened = os.open(path, os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        os.close(opened)
    return False


def crc32(path: Path) -> int:
    """CRC-32 of a file."""
    value = 0
    with path.open("rb") as stream:
        while block := stream.read(1 << 24):
            value = zlib.crc32(block, value)
    return value
