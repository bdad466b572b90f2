"""Collects which acceptance criteria have a test.

`pytest --ac-report` lists, after collection, every criterion of the specification with the number
of tests that carry its marker, and runs nothing.
"""

from collections import Counter

import pytest

CRITERIA = (
    *(f"AC-{number:02}" for number in range(1, 87)),
    *(f"E{number}" for number in range(1, 15)),
    *(f"W{number:02}" for number in range(1, 30) if number not in (27, 28)),
)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--ac-report",
        action="store_true",
        help="list which acceptance criteria have a test, and run nothing",
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    found: Counter[str] = Counter()
    for item in items:
        for mark in item.iter_markers("ac"):
            for criterion in mark.args:
                if criterion not in CRITERIA:
                    raise pytest.UsageError(f"{item.nodeid}: there is no criterion {criterion}")
                found[criterion] += 1
    if not config.getoption("--ac-report"):
        return
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    for criterion in CRITERIA:
        number = found[criterion]
        reporter.write_line(f"{criterion:6} {f'{number} test(s)' if number else '-'}")
    have = sum(criterion in found for criterion in CRITERIA)
    reporter.write_line(f"{have} of {len(CRITERIA)} criteria have a test")
    items.clear()
