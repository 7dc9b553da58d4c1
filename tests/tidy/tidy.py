#!/usr/bin/env python3
"""Holds the sources to docs/architecture.md: layers, one door per library, GCC 12.2's co_await trouble, no dead files, no long files.

usage: tidy.py SOURCE_DIR [COMPILE_COMMANDS_JSON…]

Prints one line per breach, "file:line: what", and exits 1 when there is one.
"""
import json
import os
import re
import sys
from fnmatch import fnmatch

from co_await import co_await_breaches

FILE_LINES_MAX = 500
SKIPPED_FOLDERS = {"build", ".git", "node_modules", "test-results", "corpus", "captures", "__pycache__"}

# What a file of a layer may include of ours.
LAYERS = {
    "wire": [],
    "core": ["core/*"],
    "drivers": ["drivers/*", "core/*", "wire/*"],
    "io": ["io/*", "core/*", "wire/*"],
    "gateway": ["gateway/*", "drivers/*", "io/*", "core/*"],
    "central": ["central/*", "core/*", "io/*", "drivers/*/parse.hpp", "drivers/catalog.hpp"],
    "firmware": ["firmware/*", "wire/*"],
}
# A narrower rule than its layer's.
NARROWER = {"central/analysis*": ["central/analysis*", "core/*"], "wire/*": ["wire/*"]}
OURS = tuple(layer + "/" for layer in LAYERS) + ("tests/", "cmake/")

# Third-party header: the files that may include it.
DOORS = {
    r"sqlite3\.h": ["io/sqlite.cpp", "io/sqlite.hpp"],
    r"mosquitto.*\.h|mqtt_protocol\.h": ["io/mqtt*"],
    r"toml\+\+/.*": ["core/settings.cpp"],
    r"openssl/(sha|evp|rand)\.h": ["core/sha256.cpp", "core/random.cpp"],
    r"openssl/.*": ["io/*"],
    r"boost/json.*": ["core/json.hpp", "core/json.cpp", "core/asio_impl.cpp"],
    r"boost/beast.*": ["io/http*", "io/beast.cpp"],
    r"boost/math/.*": ["central/analysis/distribution.cpp"],
    r"Eigen/.*": ["central/analysis/linear_algebra.cpp"],
    r"boost/asio\.hpp": [],  # 46 s of compile time under the sanitizers
    r"CLI/.*": ["io/command_line.hpp", "gateway/command_line*"],
    r"modbus.*\.h": ["io/modbus*"],
    r"zip\.h|pugixml\.hpp": ["drivers/workbook.cpp"],
    r"nlohmann/.*|spdlog/.*": [],
}
POSIX = re.compile(r"(unistd|fcntl|termios|poll|pty|dirent|signal|syslog|spawn|pwd|grp|utmp)\.h|(sys|netinet|arpa|net|linux)/.*|netdb\.h")
POSIX_ALLOWED = ["io/*", "*/main.cpp", "tests/*"]
# Time is handed to everyone else.
CLOCK = re.compile(r"\b(?:steady|system|high_resolution)_clock::now\s*\(")
CLOCK_ALLOWED = ["io/system.cpp", "core/log.cpp", "tests/*"]

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(?:"([^"]+)"|<([^>]+)>)', re.M)


def any_match(path, patterns):
    return any(fnmatch(path, pattern) for pattern in patterns)


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1


def read_tree(root):
    """{path: text} of every text file of the project; binary files have None."""
    files = {}
    for folder, folders, names in os.walk(root):
        folders[:] = [f for f in folders if f not in SKIPPED_FOLDERS]
        for name in names:
            path = os.path.relpath(os.path.join(folder, name), root)
            try:
                with open(os.path.join(folder, name), encoding="utf-8") as file:
                    files[path] = file.read()
            except (UnicodeDecodeError, OSError):
                files[path] = None
    return files


def cpp_files(files):
    return {path: text for path, text in files.items() if text is not None and path.endswith((".cpp", ".hpp"))}


def include_breaches(files):
    graph = {}
    for path, text in cpp_files(files).items():
        graph[path] = []
        for found in INCLUDE.finditer(text):
            own, foreign = found.groups()
            place = f"{path}:{line_of(text, found.start())}"
            if own is not None:
                beside = os.path.normpath(os.path.join(os.path.dirname(path), own))
                if path.startswith("tests/") and beside in files:
                    own = beside
                if not own.startswith(OURS):
                    yield f'{place}: "{own}" is not named from the top of the repository'
                    continue
                graph[path].append(own)
                layer = path.split("/")[0]
                allowed = next((rule for pattern, rule in NARROWER.items() if fnmatch(path, pattern)), LAYERS.get(layer))
                if allowed is not None and not any_match(own, allowed):
                    yield f"{place}: {layer} may not include {own} (docs/architecture.md, layers)"
            else:
                for pattern, doors in DOORS.items():
                    if re.fullmatch(pattern, foreign):
                        if not any_match(path, doors) and not path.startswith("tests/"):
                            yield f"{place}: <{foreign}> has its door in {', '.join(doors) or 'no file'}, not here"
                        elif foreign == "boost/asio.hpp":
                            yield f"{place}: <boost/asio.hpp> whole takes minutes to compile; include the parts that are used"
                        break
                if POSIX.fullmatch(foreign) and not any_match(path, POSIX_ALLOWED):
                    yield f"{place}: <{foreign}> is POSIX; only io and the mains may include it"
        for found in CLOCK.finditer(text):
            if not any_match(path, CLOCK_ALLOWED):
                yield f"{path}:{line_of(text, found.start())}: time comes from a Clock (core/clock.hpp), not from the standard library"
    yield from cycle_breaches(graph)


def cycle_breaches(graph):
    state = {}

    def visit(path, trail):
        state[path] = "open"
        for next_path in graph.get(path, []):
            if state.get(next_path) == "open":
                yield f"{path}:1: includes itself by way of {' → '.join(trail[trail.index(next_path):] + [next_path])}"
            elif next_path not in state:
                yield from visit(next_path, trail + [next_path])
        state[path] = "done"

    for path in sorted(graph):
        if path not in state:
            yield from visit(path, [path])


def dead_file_breaches(files, compiled):
    """`compiled`: paths of the .cpp files that some target has; None when it is not known."""
    included = set()
    for path, text in cpp_files(files).items():
        for own, _ in INCLUDE.findall(text):
            included |= {own, os.path.normpath(os.path.join(os.path.dirname(path), own))}
    build_texts = {p: t for p, t in files.items() if t and (p.endswith(("CMakeLists.txt", ".cmake")) or p == "dev")}
    scripts = {p: t for p, t in files.items() if t and (p.endswith((".py", ".sh", ".js", ".mjs", ".json", ".cpp", ".md")) or p == "tests/bench/run")}
    for path in sorted(files):
        folder, name = os.path.split(path)
        top = path.split("/")[0]
        if path.endswith(".hpp") and path not in included:
            yield f"{path}:1: nothing includes this header"
        if path.endswith(".cpp") and compiled is not None and path not in compiled:
            yield f"{path}:1: no target compiles this file"
        if "/web/" in path and top in ("gateway", "central"):
            globbed = any(re.search(rf"{re.escape(folder)}/(\*|{re.escape(name)})", text) for text in build_texts.values())
            named = any(name in text for other, text in files.items() if text and other != path and other.startswith((top + "/", "core/", "io/")))
            if not globbed and not any(re.search(rf"\b{re.escape(top)}/web/\*", text) for text in build_texts.values()):
                yield f"{path}:1: no CMake file embeds this"
            if not named:
                yield f"{path}:1: nothing serves or refers to this"
        if top == "docs" and path not in ("docs/README.md",):
            if not any(refers(other, text, path) for other, text in files.items() if text and other != path and other.endswith((".md", ".cmake", "CMakeLists.txt"))):
                yield f"{path}:1: neither README.md nor a document links to this"
        if top == "tests" and path.endswith((".py", ".sh", ".js", ".mjs")) and "/node_modules/" not in path:
            module = os.path.splitext(name)[0]
            users = (text for other, text in {**build_texts, **scripts}.items() if other != path)
            if not any(name in text or re.search(rf"\b(?:from|import) {re.escape(module)}\b", text) for text in users):
                yield f"{path}:1: no build file and no other script runs this, and no document tells who does"
        if top == "packaging" and name not in ("debian-packages.txt",):
            users = (text for other, text in files.items() if text and other != path)
            if not any(name in text for text in users):
                yield f"{path}:1: nothing installs, tests or mentions this"


def refers(other, text, path):
    """Does the document or build file `other` link to `path`, directly, by its folder, or by a pattern?"""
    base = os.path.dirname(other)
    for target in re.findall(r"\]\(([^)#\s]+)|(?:src|href)=\"([^\"#]+)", text):
        link = os.path.normpath(os.path.join(base, target[0] or target[1]))
        if link == path or (not path.endswith(".md") and link == os.path.dirname(path)):
            return True
    return not other.endswith(".md") and any(fnmatch(path, pattern) for pattern in re.findall(r"docs/[\w*./-]+", text))


def broken_link_breaches(files):
    for path, text in files.items():
        if not text or not path.endswith(".md"):
            continue
        for found in re.finditer(r"\]\(([^)#\s]+)", text):
            if re.match(r"[a-z]+:", found[1]):
                continue
            target = os.path.normpath(os.path.join(os.path.dirname(path), found[1]))
            if target not in files and not any(other.startswith(target + "/") for other in files):
                yield f"{path}:{line_of(text, found.start())}: links to {found[1]}, which does not exist"


def long_file_breaches(files):
    for path, text in files.items():
        if text and path.endswith((".cpp", ".hpp", ".py", ".sh", ".js", ".mjs", ".css", ".html", ".cmake")) or path == "dev":
            lines = text.count("\n")
            if lines > FILE_LINES_MAX:
                yield f"{path}:{FILE_LINES_MAX + 1}: {lines} lines; at most {FILE_LINES_MAX} in one file"


def await_breaches(files):
    for path, text in cpp_files(files).items():
        for line, what in co_await_breaches(text):
            yield f"{path}:{line}: {what}; name it first, then await it (GCC 12.2 destroys it twice)"


def main(arguments):
    root = os.path.abspath(arguments[1])
    files = read_tree(root)
    compiled = set() if len(arguments) > 2 else None
    for commands in arguments[2:]:
        with open(commands, encoding="utf-8") as file:
            compiled |= {os.path.relpath(os.path.join(entry["directory"], entry["file"]), root) for entry in json.load(file)}
    checks = [include_breaches(files), await_breaches(files), dead_file_breaches(files, compiled), broken_link_breaches(files), long_file_breaches(files)]
    breaches = [breach for check in checks for breach in check]
    print("\n".join(breaches))
    print(f"{len(files)} files, {len(cpp_files(files))} of them C++: {len(breaches)} breaches")
    return 1 if breaches else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
