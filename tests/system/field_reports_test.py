#!/usr/bin/env python3
"""Holds docs/field-reports-coverage.md to the tests: each field report has a test that cites it or says which part will bring one, and each test that is
listed still exists and still cites it.

usage: field_reports_test.py [--write]      --write lists the tests that cite a report now, and leaves everything else as it is"""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
DOCUMENT = ROOT / "docs/field-reports-coverage.md"
REPORTS = 66
CITATION = re.compile(r"\bfields? (\d+(?:,? (?:and )?(?:field )?\d+)*)")
# How a test of each language says its name, and what it cites beside it.
TESTS = {
    ".cpp": re.compile(r'TEST_CASE\(\s*((?:"(?:[^"\\]|\\.)*"\s*)+)()'),
    ".py": re.compile(r'def (test_\w+)\(self\):\n\s+"""(.*?)"""', re.S),
    ".js": re.compile(r"^  '([^']+)': async()", re.M),
    ".sh": re.compile(r'wrong "([^"]*)"()'),
}


def cited(text):
    return {int(number) for group in CITATION.findall(text) for number in re.findall(r"\d+", group)}


def tests_of(path):
    """{name: the field reports it cites} of one file."""
    out = {}
    for match in TESTS[path.suffix].finditer(path.read_text(encoding="utf-8")):
        name = re.sub(r'"\s*"', "", match[1].strip()).strip('"') if path.suffix == ".cpp" else match[1]
        if numbers := cited(name + " " + match[2]):
            out[CITATION.sub("", name).replace(" ()", "").replace("()", "").strip() if path.suffix != ".py" else name] = numbers
    return out


def all_tests():
    """{report: ["file: test"]}, in the order of the files."""
    out = {}
    for path in sorted((ROOT / "tests").rglob("*")):
        if path.suffix not in TESTS or "node_modules" in path.parts or "test" not in path.stem:
            continue
        for name, numbers in tests_of(path).items():
            for number in numbers:
                out.setdefault(number, []).append(f"{path.relative_to(ROOT)}: {name}")
    return out


def sections(text):
    """[(report, [lines])]; the report of what stands before the first is 0."""
    out = [(0, [])]
    for line in text.splitlines():
        if heading := re.match(r"## (\d+)\. ", line):
            out.append((int(heading[1]), []))
        out[-1][1].append(line)
    return out


def write(found):
    lines = []
    for report, body in sections(DOCUMENT.read_text()):
        kept = [line for line in body if not line.startswith("* tests/")] if report else body
        while kept and not kept[-1]:
            kept.pop()
        lines += kept + ([f"* {test}" for test in found.get(report, [])] if report else []) + [""]
    DOCUMENT.write_text("\n".join(lines).rstrip("\n") + "\n")


def faults(found):
    listed = set()
    for report, body in sections(DOCUMENT.read_text()):
        if not report:
            continue
        listed.add(report)
        tests = [line.removeprefix("* ") for line in body if line.startswith("* tests/")]
        if not tests and not any(line.startswith("Later: ") for line in body):
            yield f"field report {report} has neither a test nor a line \"Later: …\""
        for test in tests:
            if test not in found.get(report, []):
                yield f"field report {report}: no test \"{test}\" that cites it"
    for report in sorted(set(range(1, REPORTS + 1)) - listed):
        yield f"field report {report} is not listed"


def main():
    found = all_tests()
    if sys.argv[1:] == ["--write"]:
        write(found)
    problems = list(faults(found))
    for problem in problems:
        print(f"{DOCUMENT.relative_to(ROOT)}: {problem}; {pathlib.Path(__file__).name} --write lists anew")
    print(f"{len(found)} of {REPORTS} field reports are cited by {len({test for tests in found.values() for test in tests})} tests")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
