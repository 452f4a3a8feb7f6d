"""The page that says what became of each fault."""

from pathlib import Path

from transmural.stores.files import write_whole

OUTCOMES = {"passed": "survived", "failed": "NOT SURVIVED", "skipped": "not tried"}


class Page:
    """A table of faults, and how many were survived; a plugin of pytest that hears of every test.

    Parameters
    ----------
    path
        Where it is written.
    """

    def __init__(self, path):
        self.path, self.reports = Path(path), {}

    def pytest_runtest_logreport(self, report):
        """Keep what became of a fault."""
        about = dict(report.user_properties)
        if "expected" in about and (report.when == "call" or (report.when == "setup" and not report.passed)):
            self.reports[report.nodeid] = report

    def pytest_terminal_summary(self, terminalreporter):
        """Write the page, and show it."""
        if self.reports:
            write_whole(self.path, self.text())
            terminalreporter.write_line(f"\n{self.text()}\nThis is also in {self.path}.")

    def text(self):
        """The page as Markdown."""
        tried = [report for report in self.reports.values() if not report.skipped]
        survived = sum(report.passed for report in tried)
        untried = len(self.reports) - len(tried)
        count = f"{survived} of {len(tried)} faults survived" + (f"; {untried} not tried here" if untried else "")
        rows = [_row(report) for _, report in sorted(self.reports.items())]
        head = ["# Faults", "", "| fault | expected | what happened | | s |", "|---|---|---|---|---|"]
        return "\n".join([*head, *rows, "", f"{count}.", ""])


def _row(report):
    happened = [str(value) for key, value in report.user_properties if key == "happened"]
    if report.skipped:
        happened = [report.longrepr[2].removeprefix("Skipped: ")]
    elif report.failed:
        happened.append(report.longreprtext.strip().splitlines()[-1])
    expected, outcome = dict(report.user_properties)["expected"], OUTCOMES[report.outcome]
    cells = [_name(report.nodeid), expected, "; then ".join(happened), outcome, f"{report.duration:.0f}"]
    return f"| {' | '.join(map(_cell, cells))} |"


def _name(nodeid):
    """A fault's name from its test's."""
    function, _, case = nodeid.partition("::test_")[2].partition("[")
    return function.replace("_", " ") + (f": {case.removesuffix(']')}" if case else "")


def _cell(text, longest=400):
    text = " ".join(text.split()).replace("|", "\\|")
    return text if len(text) <= longest else text[:longest] + " …"
