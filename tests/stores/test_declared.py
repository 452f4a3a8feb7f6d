"""What decorators declare is read without importing the modules that hold them."""

import sys

import pytest

from transmural.stores.declared import Declaration, declarations


@pytest.fixture
def package(tmp_path, monkeypatch):
    """An empty package on the path."""
    folder = tmp_path / "small_package"
    folder.mkdir()
    (folder / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    yield folder
    sys.modules.pop("small_package", None)


def test_every_decorated_function_is_found_and_no_module_imported(package):
    (package / "one.py").write_text(
        'raise ImportError("not to be imported")\n\n@mark("a", size=(1, 2))\ndef a(): ...\n\n'
        '@other\n@mark("b")\ndef b(): ...\n\n@other("c")\ndef c(): ...\n'
    )
    (package / "two.py").write_text("def mark(): ...\n")
    known = set()
    assert list(declarations("small_package", "mark", known)) == [
        Declaration("small_package.one", "a", {"size": (1, 2)}),
        Declaration("small_package.one", "b", {}),
    ]
    assert not list(declarations("small_package", "mark", known))
    (package / "three.py").write_text('@mark("c")\ndef c(): ...\n')
    assert [found.name for found in declarations("small_package", "mark", known)] == ["c"]


@pytest.mark.parametrize("given", ["NAME", '"a", size=SIZE', "", "**KEYWORDS"])
def test_anything_but_literals_is_refused(package, given):
    (package / "one.py").write_text(f"@mark({given})\ndef a(): ...\n")
    with pytest.raises(ValueError, match=r"small_package\.one: @mark\(…\) takes a name and keywords as literals"):
        list(declarations("small_package", "mark", set()))
