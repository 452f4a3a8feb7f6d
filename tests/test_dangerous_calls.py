"""No code here unpickles, evaluates text or gives text to a shell."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CODE = sorted([*(ROOT / "src").rglob("*.py"), *(ROOT / "workflow").rglob("*.py")])
RULES = sorted([ROOT / "Snakefile", *(ROOT / "workflow").rglob("*.smk")])

MODULES = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal", "tarfile", "zipfile", "pty"}
NAMES = {"eval", "exec", "compile", "__import__", "execfile"}
CALLS = {
    "os.system", "os.popen", "os.execv", "os.execve", "os.spawnl", "os.spawnv", "subprocess.getoutput",
    "subprocess.getstatusoutput", "torch.load", "torch.jit.load", "torch.hub.load", "np.load", "numpy.load",
    "np.fromfile", "pd.read_pickle", "pd.eval", "yaml.load", "yaml.load_all", "yaml.full_load", "yaml.unsafe_load",
    "shutil.unpack_archive", "pooch.Untar", "pooch.Unzip", "tempfile.mktemp",
}  # fmt: skip
KEYWORDS = [("shell", True), ("allow_pickle", True), ("weights_only", False)]


def dotted(node):
    """A name with dots, as it is written; empty for other expressions."""
    if isinstance(node, ast.Attribute) and (before := dotted(node.value)):
        return f"{before}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def dangers(text):
    """What a file's code calls or imports of the above."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]
            yield from (name for name in names if name.split(".")[0] in MODULES)
        elif isinstance(node, ast.Call):
            called = dotted(node.func)
            if called in CALLS or called in NAMES:
                yield called
            yield from (
                f"{keyword.arg}={keyword.value.value}"
                for keyword in node.keywords
                if isinstance(keyword.value, ast.Constant) and (keyword.arg, keyword.value.value) in KEYWORDS
            )


@pytest.mark.parametrize("path", CODE, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_code_makes_no_dangerous_call(path):
    assert not list(dangers(path.read_text()))


@pytest.mark.parametrize("path", RULES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_rules_run_scripts_and_nothing_else(path):
    text = path.read_text()
    assert not re.findall(r"^\s*(shell|run|exec|eval)\s*[:(].*", text, re.MULTILINE)
    assert not re.findall(r"\b(pickle|subprocess|os\.system|shell\(|yaml\.load)\b", text)


@pytest.mark.parametrize(
    "line",
    [
        "import pickle",
        "from pickle import loads",
        "import torch; torch.load('x')",
        "np.load(path)",
        "np.load(path, allow_pickle=True)",
        "yaml.load(text, Loader=yaml.FullLoader)",
        "eval(text)",
        "subprocess.run(text, shell=True)",
        "os.system(text)",
    ],
)
def test_dangers_are_found(line):
    assert list(dangers(line))


def test_harmless_calls_are_not():
    assert not list(dangers("model.eval()\nre.compile(x)\nyaml.safe_load(x)\nsubprocess.run([a, b])\njson.load(f)"))
