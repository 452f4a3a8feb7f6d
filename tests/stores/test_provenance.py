"""Digests follow what code does, not how it is written down."""

from pathlib import Path

import transmural
from transmural.stores import provenance

PACKAGE = Path(transmural.__file__).parent


def digest_of(tmp_path, text):
    provenance._parse.cache_clear()
    script = tmp_path / "script.py"
    script.write_text(text)
    return provenance.code_digest(script)


def test_comments_docstrings_and_layout_do_not_count(tmp_path):
    plain = digest_of(tmp_path, "def f(a):\n    return a + 1\n")
    dressed = digest_of(tmp_path, '"""Words."""\n\n\ndef f(a):  # why\n    """More."""\n\n    return (a\n      + 1)\n')
    assert plain == dressed


def test_code_counts(tmp_path):
    assert digest_of(tmp_path, "x = 1\n") != digest_of(tmp_path, "x = 2\n")


def test_imported_code_counts_however_deep(tmp_path, monkeypatch):
    package = tmp_path / "transmural"
    (package / "a").mkdir(parents=True)
    for name, text in {"a/__init__.py": "", "a/b.py": "from transmural.a import c\n", "a/c.py": "x = 1\n"}.items():
        (package / name).write_text(text)
    monkeypatch.setattr(provenance, "_PACKAGE", package)
    before = digest_of(tmp_path, "from transmural.a.b import c\n")
    (package / "a/c.py").write_text("x = 2\n")
    assert digest_of(tmp_path, "from transmural.a.b import c\n") != before


def test_figures_do_not_rerun_simulations():
    scripts = Path(__file__).parents[2] / "workflow" / "scripts"
    provenance._parse.cache_clear()
    provenance.code_digest(scripts / "beats.py")
    pending, seen = [scripts / "beats.py"], set()
    while pending:
        path = pending.pop()
        if path not in seen:
            seen.add(path)
            pending.extend(provenance._parse(path)[1])
    floors = {p.relative_to(PACKAGE).parts[0] for p in seen if p.is_relative_to(PACKAGE)}
    assert "tissue" in floors
    assert not floors & {"inverse", "evaluation", "report"}
