"""Finds temporaries that GCC 12.2 destroys twice: a braced temporary, or a lambda with captures, in one full expression with co_await.

Works on tokens, not on types, so every braced temporary counts but those whose second destruction does nothing; a name is always a way out.
"""
import re

TOKEN = re.compile(
    r"""(?P<skip>//[^\n]*|/\*.*?\*/|^[ \t]*\#(?:[^\n\\]|\\.|\\\n)*)
      | (?P<raw>(?:u8|[LuU])?R"(?P<mark>[^()\\\s]*)\(.*?\)(?P=mark)")
      | (?P<text>(?:u8|[LuU])?"(?:[^"\\\n]|\\.)*"|(?<![0-9a-fA-F])'(?:[^'\\\n]|\\.)+')
      | (?P<word>[A-Za-z_]\w*|\d[\w.']*)
      | (?P<sign>::|->|==|!=|<=|>=|&&|\|\||<<|[^\s\w])""",
    re.S | re.M | re.X,
)
CLOSING = {"(": ")", "[": "]", "{": "}"}
TRIVIAL = {"span", "string_view", "nanoseconds", "microseconds", "milliseconds", "seconds", "minutes", "hours", "days"}
CONTROL = {"if", "while", "for", "switch", "catch"}


class Group:
    def __init__(self, bracket, line, items):
        self.bracket, self.line, self.items = bracket, line, items


def tokens(text):
    for found in TOKEN.finditer(text):
        if found["skip"] is None:
            word = found.group() if found["word"] or found["sign"] else '""'
            yield word, text.count("\n", 0, found.start()) + 1


def tree(stream, closing=None):
    """Nested lists: (word, line) or Group."""
    items = []
    for word, line in stream:
        if word in CLOSING:
            items.append(Group(word, line, tree(stream, CLOSING[word])))
        elif word == closing:
            return items
        elif word in CLOSING.values():
            continue  # unbalanced by the preprocessor; the shapes looked for are local
        else:
            items.append((word, line))
    return items


def is_word(item, *words):
    return isinstance(item, tuple) and item[0] in words


def is_group(item, bracket):
    return isinstance(item, Group) and item.bracket == bracket


def is_lambda_start(items, i):
    """Is items[i] the [captures] of a lambda? Else it is a subscript or an attribute."""
    if not is_group(items[i], "["):
        return False
    before = items[i - 1] if i > 0 else None
    if before is None or (isinstance(before, tuple) and not re.match(r"\w|[)\]]", before[0])) or is_word(before, "return", "co_return", "co_await", "co_yield"):
        return not (items[i].items and is_group(items[i].items[0], "["))  # [[attribute]]
    return False


def is_block(items, i):
    """Is the brace group items[i] a body (function, lambda, class, compound statement)? Else it initialises something."""
    before = items[i - 1] if i > 0 else None
    if before is None or is_word(before, ";", "else", "do", "try", "{", "}", ":", "const", "noexcept", "override", "final", "mutable"):
        return True
    if is_group(before, "(") or is_group(before, "{"):
        return True
    if is_group(before, "["):
        return is_lambda_start(items, i - 1)
    # A class, an enum, a namespace, or a return type written after "->": looked for back to the start of the statement.
    for j in range(i - 1, -1, -1):
        if is_word(items[j], ";") or is_group(items[j], "{"):
            break
        if is_word(items[j], "class", "struct", "union", "enum", "namespace", "extern", "requires"):
            return not any(is_word(item, "=", "return", "co_return") for item in items[j:i])
        if is_word(items[j], "->") and j > 0 and (is_group(items[j - 1], "(") or is_word(items[j - 1], "mutable", "noexcept")):
            # `) -> Type {` follows a lambda's or a function's parameters; `call()->member{` does not occur.
            return True
        if is_word(items[j], ",", "=", "return", "co_return", "?"):
            break
    return False


def statements(items):
    """Splits a block into full expressions, each a list of items. Bodies found on the way are yielded as ("body", items)."""
    unit = []
    i = 0
    while i < len(items):
        item = items[i]
        if is_word(item, ";"):
            yield "unit", unit
            unit = []
        elif is_word(item, *CONTROL) and i + 1 < len(items):
            i += 1
            if is_word(items[i], "constexpr"):
                i += 1
            if i < len(items) and is_group(items[i], "("):
                yield "unit", unit
                unit = []
                part = []
                for inner in items[i].items + [(";", 0)]:
                    if is_word(inner, ";"):
                        yield "unit", part
                        part = []
                    else:
                        part.append(inner)
        elif is_group(item, "{") and is_block(items, i) and not belongs_to_lambda(items, i):
            yield "unit", unit
            yield "body", item.items
            unit = []
        else:
            unit.append(item)
        i += 1
    yield "unit", unit


def belongs_to_lambda(items, i):
    """Is the body items[i] that of a lambda, which is part of its surrounding expression?"""
    for j in range(i - 1, max(-1, i - 12), -1):
        if is_word(items[j], ";") or is_group(items[j], "{"):
            return False
        if is_lambda_start(items, j):
            return True
    return False


def look_into(unit, found, bodies, top=True):
    for i, item in enumerate(unit):
        if is_word(item, "co_await"):
            found["await"] = True
        if is_word(item, "?"):
            found["temporaries"].append((item[1], "a conditional expression stands in one expression with co_await"))
        if not isinstance(item, Group):
            continue
        if is_lambda_start(unit, i):
            if item.items:
                found["temporaries"].append((item.line, "a lambda with captures stands in one expression with co_await"))
        elif item.bracket == "{" and belongs_to_lambda(unit, i):
            bodies.append(item.items)
        else:
            if item.bracket == "{" and not names_a_variable(unit, i, top) and not (i > 0 and is_word(unit[i - 1], *TRIVIAL)):
                found["temporaries"].append((item.line, "a braced temporary stands in one expression with co_await"))
            look_into(item.items, found, bodies, top=False)


def names_a_variable(unit, i, top):
    """`Type name{…}` or `Type name = {…}` at the top of a statement initialises what it names."""
    if not top or i < 1:
        return False
    if is_word(unit[i - 1], "="):
        return True
    head = unit[:i]
    if len(head) < 2 or not all(isinstance(x, tuple) or is_group(x, "[") for x in head):
        return False
    if any(is_word(x, "=", "return", "co_return", "co_await", "co_yield", "(", ",", "?") for x in head):
        return False
    name, before = head[-1], head[-2]
    return isinstance(name, tuple) and name[0].isidentifier() and isinstance(before, tuple) and bool(re.match(r"\w|[>&*]", before[0]))


def co_await_breaches(text):
    """[(line, what)] for each suspicious temporary."""
    if "co_await" not in text:
        return []
    breaches = []
    blocks = [tree(tokens(text))]
    while blocks:
        for kind, items in statements(blocks.pop()):
            if kind == "body":
                blocks.append(items)
                continue
            found = {"await": False, "temporaries": []}
            look_into(items, found, blocks)
            if found["await"]:
                breaches += found["temporaries"]
    return sorted(set(breaches))
