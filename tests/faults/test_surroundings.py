"""What a user's shell, home, limits and paths may be like."""

from tempfile import gettempdir

import pytest

pytestmark = [pytest.mark.workflow, pytest.mark.slow]

NETWORK = "networks/forward_surrogate/surrogate"


def shell(command):
    """A shell in which ``command`` has been given before Snakemake starts."""
    return ["bash", "-c", f'{command}; exec "$@"', "bash"]


SURROUNDINGS = {
    "the locale C": {"environment": {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}},
    "no home": {"prefix": ["env", "-u", "HOME", "-u", "USER", "-u", "LOGNAME"]},
    "a home that can't be written": {"environment": {"HOME": "/proc", "XDG_CACHE_HOME": gettempdir()}},
    "a temporary folder that isn't there": {"environment": {"TMPDIR": "/not/there"}},
    "as many threads as there are": {"prefix": ["env", "-u", "OMP_NUM_THREADS"]},
    "many threads asked for": {
        "environment": {"OMP_NUM_THREADS": "7", "MKL_NUM_THREADS": "5", "NUMBA_NUM_THREADS": "3"}
    },
    "a number of threads that is none": {"environment": {"OMP_NUM_THREADS": "many"}},
    "another order of sets": {"environment": {"PYTHONHASHSEED": "7"}},
    "a time zone across the date line": {"environment": {"TZ": "Pacific/Kiritimati"}},
    "a window system that isn't there": {"environment": {"MPLBACKEND": "TkAgg", "DISPLAY": ":99"}},
    "other libraries on the path": {"environment": {"PYTHONPATH": "/not/there"}},
    "files that only their owner may read": {"prefix": shell("umask 077")},
    "few open files": {"prefix": ["prlimit", "--nofile=80:80"]},
    "no input": {"prefix": shell("exec 0<&-")},
}


@pytest.mark.fault("the same tables")
@pytest.mark.parametrize("name", SURROUNDINGS)
def test_a_run_with(study, name):
    study.undo(NETWORK)
    study.made(**SURROUNDINGS[name])
    study.is_same()


@pytest.mark.fault("an error that says which limit is too low; without it the same tables")
def test_a_limit_of_the_size_of_files(study):
    study.undo("beats/forward_surrogate/moved")
    study.refused("the file is too large for the limit set (ulimit -f)", prefix=["prlimit", "--fsize=100000"])
    study.is_whole()
    study.made()
    study.is_same()


@pytest.mark.fault("the same command: the same tables")
def test_a_reader_of_the_output_that_goes_away(study):
    """As ``snakemake | head -1``."""
    study.undo(NETWORK)
    process = study.start()
    process.stdout.readline()
    process.stdout.close()
    process.wait(timeout=600)
    study.happened(f"exit status {process.returncode}")
    study.is_whole()
    study.unlock()
    study.made()
    study.is_same()


@pytest.mark.fault("the same tables")
@pytest.mark.parametrize(
    "name", ["with blanks in it", "Prüfung é", "it's & (more) $HOME"], ids=["blanks", "letters", "marks"]
)
def test_a_path_with(study, name):
    study.move(study.folder.with_name(name))
    study.undo(NETWORK)
    study.made()
    study.is_same()
