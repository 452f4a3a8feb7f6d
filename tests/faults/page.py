"""The page that says what became of each fault."""

from dataclasses import dataclass, field

OUTCOMES = {"passed": "survived", "failed": "NOT SURVIVED", "skipped": "not tried"}


@dataclass
class Page:
    """A table of faults, and how many were survived.

    Attributes
    ----------
    rows
        Fault, what was expected, what happened, outcome as pytest names it, seconds.
    """

    rows: list[tuple[str, str, str, str, float]] = field(default_factory=list)

    def add(self, name, expected, report):
        """Add what pytest reports of a fault."""
        happened = [str(value) for key, value in report.user_properties if key == "happened"]
        if report.skipped:
            happened = [report.longrepr[2].removeprefix("Skipped: ")]
        elif report.failed:
            happened.append(report.longrepr.reprcrash.message.splitlines()[0])
        self.rows.append((_plain(name), expected, "; then ".join(happened), report.outcome, report.duration))

    def text(self):
        """The page as Markdown."""
        tried = [row for row in self.rows if row[3] != "skipped"]
        survived = sum(row[3] == "passed" for row in tried)
        lines = ["# Faults", "", "| fault | expected | what happened | | s |", "|---|---|---|---|---|"]
        lines += [
            f"| {name} | {expected} | {_cell(happened)} | {OUTCOMES[outcome]} | {seconds:.0f} |"
            for name, expected, happened, outcome, seconds in self.rows
        ]
        untried = len(self.rows) - len(tried)
        count = f"{survived} of {len(tried)} faults survived" + (f"; {untried} not tried here" if untried else "")
        return "\n".join([*lines, "", f"{count}.", ""])


def _plain(name):
    """A fault's name from its test's."""
    function, _, case = name.removeprefix("test_").partition("[")
    return function.replace("_", " ") + (f": {case.removesuffix(']')}" if case else "")


def _cell(text, longest=400):
    text = " ".join(text.split()).replace("|", "\\|")
    return text if len(text) <= longest else text[:longest] + " …"
