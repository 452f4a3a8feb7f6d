"""Transmural: reproducible ECG imaging with classical and learned inverse methods.

The library is layered; imports run downwards only (see ``docs/architecture.md``)::

    report -> evaluation -> inverse -> cohorts -> torso -> tissue -> anatomy -> stores
"""

__version__ = "0.1.0"
