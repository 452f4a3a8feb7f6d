"""Files as a bad disk or an ill-meaning sender leaves them, and the watch under which readers must meet them."""

import contextlib
import copy
import json
import os
import re
import signal
import struct
import sys
import tracemalloc
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

MANY = "fuzz"
"""Profile under which fuzz tests try many examples (``make fuzz``)."""

_NUMBERS = (0, 1, -1, 2, 3, 127, 255, 2**15 - 1, 2**16 - 1, 2**31 - 1, -(2**31), 2**32 - 1, 10**9, 2**62, 2**63 - 1)
_WORDS = [b"nan", b"inf", b"-1", b"1e999", b"0", b"999999999999", b"99999999999999999999999", b"1" * 400, b"\n", b"\0"]
_WORDS += [b"../../x", b"<!DOCTYPE a [<!ENTITY b 'c'>]>", b"\x1b[2J", b"\xff\xfe", b";", b"  ", b"1_0", "é".encode()]
_WORDS += [struct.pack(f"{order}q", n)[:width] for n in _NUMBERS for order, width in (("<", 8), ("<", 4), ("<", 2))]
_WORDS += [struct.pack(">q", n)[-width:] for n in _NUMBERS for width in (8, 4, 2)]
_WORDS += [struct.pack("<f", n) for n in (float("nan"), float("inf"), -1e38)]

_VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from([*_NUMBERS, 0.5, 1e300, float("nan"), float("inf"), 10**400]),
    st.sampled_from(["", "x", "../../x", "/etc/passwd", "a\nb", "a;b", "-x", "\x1b[2J", "é" * 300, "float32", "bytes"]),
    # Copies, because they are changed in their turn.
    st.sampled_from([[], {}, [[]], [None], [-1], [10**12, 10**12], {"name": "x"}, {"": 0}, [{"name": "gzip"}]]).map(
        copy.deepcopy
    ),
)


def few(examples: int) -> settings:
    """Settings of a fuzz test: few examples, fifty times as many with the profile `MANY`."""
    many = settings.get_current_profile_name() == MANY
    return settings(max_examples=50 * examples if many else examples, suppress_health_check=list(HealthCheck))


@st.composite
def mutated(draw: st.DrawFn, content: bytes) -> bytes:
    """Content with bits flipped, numbers replaced, and pieces cut, doubled, swapped or overwritten."""
    for _ in range(draw(st.integers(1, 4))):
        at, to = sorted(draw(st.tuples(*[st.integers(0, len(content))] * 2)))
        near = min(to, at + 40)
        content = draw(st.sampled_from(_CHANGES))(draw, content, at, to, near)
    return content


def _flip(draw: st.DrawFn, content: bytes, at: int, to: int, near: int) -> bytes:
    bit = draw(st.integers(0, 7))
    return content[:at] + bytes([byte ^ (1 << bit) for byte in content[at : at + 1]]) + content[at + 1 :]


def _number(draw: st.DrawFn, content: bytes, at: int, to: int, near: int) -> bytes:
    places = [place.span() for place in re.finditer(rb"[-+.0-9e]*[0-9][-+.0-9e]*", content[:3000])]
    if not places:
        return content
    first, last = draw(st.sampled_from(places))
    word = draw(st.sampled_from([str(n).encode() for n in _NUMBERS] + _WORDS[:10]))
    return content[:first] + word + content[last:]


def _line(draw: st.DrawFn, content: bytes, at: int, to: int, near: int) -> bytes:
    lines = content.split(b"\n")
    first, second = draw(st.tuples(*[st.integers(0, min(len(lines), 30) - 1)] * 2))
    lines[first], lines[second] = lines[second], lines[first]
    return b"\n".join(lines[: draw(st.sampled_from([len(lines), len(lines) - 1]))])


_CHANGES: list[Callable[[st.DrawFn, bytes, int, int, int], bytes]] = [
    _flip,
    _flip,
    _number,
    _number,
    _line,
    lambda draw, content, at, to, near: content[:at],
    lambda draw, content, at, to, near: content[:at] + content[near:],
    lambda draw, content, at, to, near: content[:near] + content[at:],
    lambda draw, content, at, to, near: content[:at] + content[to:] + content[at:to],
    lambda draw, content, at, to, near: content[:at] + draw(st.binary(max_size=30)) + content[near:],
    lambda draw, content, at, to, near: content[:at] + (w := draw(st.sampled_from(_WORDS))) + content[at + len(w) :],
    lambda draw, content, at, to, near: content[:at] + draw(st.sampled_from(_WORDS)) + content[at:],
]


@st.composite
def changed_document(draw: st.DrawFn, document: Any) -> Any:
    """A document of JSON with some of its values replaced, removed, or set beside others."""
    document = json.loads(json.dumps(document))
    for _ in range(draw(st.integers(1, 3))):
        places = list(_places(document))
        if not places:
            break
        holder, key = draw(st.sampled_from(places))
        change = draw(st.sampled_from(["replace", "replace", "remove", "add"]))
        if change == "remove":
            del holder[key]
        elif change == "add" and isinstance(holder, dict):
            holder[draw(st.sampled_from(["x", "__use_yte__", "consolidated_metadata", "scale_factor"]))] = draw(_VALUES)
        else:
            holder[key] = draw(_VALUES)
    return document


def _places(document: Any) -> Any:
    items = document.items() if isinstance(document, dict) else enumerate(document)
    for key, value in list(items):
        yield document, key
        if isinstance(value, dict | list):
            yield from _places(value)


class Hung(BaseException):
    """A reader took too long; not an `Exception`, so that no reader takes it for a fault of the file."""


_SEEN: list[list[str]] = []
_CHANGING = ("os.remove", "os.rename", "os.mkdir", "os.rmdir", "os.link", "os.symlink", "os.truncate", "os.chmod")
_RUNNING = ("os.system", "os.exec", "os.fork", "os.posix_spawn", "os.spawn", "subprocess.Popen", "pickle.find_class")


def _audit(event: str, given: tuple[Any, ...]) -> None:
    if not _SEEN:
        return
    writes = event == "open" and isinstance(given[2], int) and given[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
    if writes or event in _CHANGING or event in _RUNNING or event.startswith("socket.connect"):
        _SEEN[-1].append(f"{event} {given!r}")


sys.addaudithook(_audit)


@contextlib.contextmanager
def watched(seconds: float = 120.0, mebibytes: float = 64.0) -> Any:
    """Fail if the block hangs, takes much memory, writes a file, starts a process or unpickles anything."""

    def hung(*_: Any) -> None:
        raise Hung

    seen: list[str] = []
    before = signal.signal(signal.SIGALRM, hung)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    _SEEN.append(seen)
    tracemalloc.start()
    try:
        yield
        peak = tracemalloc.get_traced_memory()[1] / 2**20
    finally:
        tracemalloc.stop()
        _SEEN.remove(seen)
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert not seen
    assert peak < mebibytes, f"{peak:.0f} MiB"


def outcome(read: Callable[[], Any], error: type[Exception], named: Any, **limits: float) -> Any:
    """What a reader makes of a file; None after the project's own error, one printable sentence that names the file."""
    with watched(**limits):
        try:
            return read()
        except error as caught:
            said = str(caught)
    assert str(named) in said
    assert said.isprintable()
    assert len(said) < 1500
    return None
