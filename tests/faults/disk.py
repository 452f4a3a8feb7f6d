"""Disks of one's own: a small one that can be full, a view of a folder that can't be written."""

import os
import shutil
import subprocess
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOM = 2**23
"""Bytes of a small disk beyond what is on it."""


class Disk:
    """A small disk in the place of a folder, with what was in the folder on it.

    Parameters
    ----------
    folder
        The folder.
    """

    def __init__(self, folder):
        self.folder = folder
        aside = folder.with_name(f"{folder.name}.aside")
        folder.rename(aside)
        folder.mkdir()
        used = sum(path.lstat().st_blocks * 512 for path in aside.rglob("*"))
        mount("-t", "tmpfs", "-o", f"size={used + ROOM},mode=755", "tmpfs", folder)
        shutil.copytree(aside, folder, dirs_exist_ok=True, symlinks=True)
        shutil.rmtree(aside)
        self.filler = folder / "another user's"

    def fill(self, leaving):
        """Fill the disk but for so many bytes."""
        with self.filler.open("wb", buffering=0) as stream:
            free = os.statvfs(self.folder).f_bavail * os.statvfs(self.folder).f_frsize
            os.posix_fallocate(stream.fileno(), 0, max(free - leaving, 1))

    def free(self):
        """Give the room back."""
        self.filler.unlink()

    def limit_files(self, more):
        """Let there be so many more files; all that are wanted, if None."""
        found = os.statvfs(self.folder)
        number = 0 if more is None else found.f_files - found.f_ffree + more
        mount("-o", f"remount,nr_inodes={number}", self.folder)


def mount(*arguments):
    done = subprocess.run(["mount", *map(str, arguments)], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"mounting needs root and a kernel that lets it: {done.stderr.strip()}")


def unmount(folder):
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@contextmanager
def disk(folder):
    """A small disk in the place of a folder, until the end."""
    small = Disk(Path(folder))
    try:
        yield small
    finally:
        unmount(folder)


@contextmanager
def read_only(folder):
    """The folder can't be written by anybody, root among them, until the end."""
    mount("--bind", folder, folder)
    try:
        mount("-o", "remount,bind,ro", folder)
        yield
    finally:
        unmount(folder)
