"""Digests follow what code does, not how it is written down."""

import json
from pathlib import Path

import pytest

import transmural
from transmural.stores import code_digest
from transmural.stores.code_digest import CodeDigests

PACKAGE = Path(transmural.__file__).parent
SCRIPTS = Path(__file__).parents[2] / "workflow" / "scripts"


def digest_of(tmp_path, text, kept=None):
    script = tmp_path / "script.py"
    script.write_text(text)
    return CodeDigests(kept).digest(script)


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A library of two modules, of which one imports the other."""
    package = tmp_path / "transmural"
    (package / "a").mkdir(parents=True)
    for name, text in {"a/__init__.py": "", "a/b.py": "from transmural.a import c\n", "a/c.py": "x = 1\n"}.items():
        (package / name).write_text(text)
    monkeypatch.setattr(code_digest, "_PACKAGE", package)
    return package


def test_comments_docstrings_and_layout_do_not_count(tmp_path):
    plain = digest_of(tmp_path, "def f(a):\n    return a + 1\n")
    dressed = digest_of(tmp_path, '"""Words."""\n\n\ndef f(a):  # why\n    """More."""\n\n    return (a\n      + 1)\n')
    assert plain == dressed
    assert digest_of(tmp_path, "class A:\n    pass\n") == digest_of(tmp_path, 'class A:\n    """Words."""\n')


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("x = 1\n", "x = 2\n"),
        ("x = 1\n", "x = 1.0\n"),
        ("x = 1\n", "x = True\n"),
        ("x = f(a, b)\n", "x = f((a, b))\n"),
        ("x = [a, [b]]\n", "x = [[a], b]\n"),
        ("if a:\n    b\nc\n", "if a:\n    b\n    c\n"),
        ("'a'\nx = 'b'\n", "'a'\nx = 'c'\n"),
        ("x = 'a'\n", "x = a\n"),
        ("def f():\n    return 'a'\n", "def f():\n    'a'\n"),
        ("async def f(): g()\n", "def f(): g()\n"),
    ],
)
def test_code_counts(tmp_path, before, after):
    assert digest_of(tmp_path, before) != digest_of(tmp_path, after)


def test_imported_code_counts_however_deep(tmp_path, package):
    before = digest_of(tmp_path, "from transmural.a.b import c\n")
    (package / "a/c.py").write_text("x = 2\n")
    assert digest_of(tmp_path, "from transmural.a.b import c\n") != before


def test_imports_inside_functions_count(tmp_path, package):
    text = "def f():\n    from transmural.a.c import x\n    return x\n"
    before = digest_of(tmp_path, text)
    (package / "a/c.py").write_text("x = 2\n")
    assert digest_of(tmp_path, text) != before


def test_figures_do_not_rerun_simulations():
    reached = CodeDigests().files(SCRIPTS / "beats.py")
    floors = {p.relative_to(PACKAGE).parts[0] for p in reached if p.is_relative_to(PACKAGE)}
    assert "tissue" in floors
    assert not floors & {"inverse", "evaluation", "report"}


def test_what_is_kept_spares_reading_code_again_and_changes_no_digest(tmp_path, package, monkeypatch):
    kept, text = tmp_path / "kept" / "code.json", "from transmural.a.b import c\n"
    first = digest_of(tmp_path, text, kept)
    assert first == digest_of(tmp_path, text)
    (package / "a/b.py").write_text("from transmural.a import c\n\ny = 1\n")
    changed = digest_of(tmp_path, text)
    read = []
    content = code_digest._content
    monkeypatch.setattr(code_digest, "_content", lambda code: read.append(code) or content(code))
    assert digest_of(tmp_path, text, kept) == changed != first
    assert read == [(package / "a/b.py").read_bytes()]
    assert digest_of(tmp_path, text, kept) == changed
    assert len(read) == 1


def test_a_module_that_appears_beside_kept_code_counts(tmp_path, package):
    kept, text = tmp_path / "code.json", "from transmural.a import c, d\n"
    before = digest_of(tmp_path, text, kept)
    (package / "a/d.py").write_text("x = 1\n")
    assert digest_of(tmp_path, text, kept) != before


def foreign(content):
    return json.dumps(json.loads(content) | {"made_by": "another version"}).replace('"content": "', '"content": "f')


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: "",
        lambda content: content[: len(content) // 2],
        lambda content: "[1, 2]",
        lambda content: content.replace('"content": "', '"content": 1, "more": "'),
        lambda content: content.replace('"imports": [', '"imports": [1, '),
        lambda content: content.replace('"imports": [', '"imports": 7, "left": ['),
        foreign,
    ],
)
def test_a_damaged_or_foreign_file_counts_as_none(tmp_path, package, damage):
    kept, text = tmp_path / "code.json", "from transmural.a.b import c\n"
    right = digest_of(tmp_path, text, kept)
    whole = kept.read_text()
    kept.write_text(damage(whole))
    assert digest_of(tmp_path, text, kept) == right
    assert kept.read_text() == whole


def test_a_place_that_cannot_be_written_is_no_failure(tmp_path):
    (tmp_path / "file").write_text("")
    assert digest_of(tmp_path, "x = 1\n", tmp_path / "file" / "code.json") == digest_of(tmp_path, "x = 1\n")
