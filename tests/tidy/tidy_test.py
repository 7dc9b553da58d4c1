#!/usr/bin/env python3
"""Plants breaches and sound text, and expects tidy to tell them apart."""
import unittest

import tidy
from co_await import co_await_breaches


def inside(statement):
    return f"Task<void> f() {{\n{statement}\n}}\n"


class CoAwait(unittest.TestCase):
    bad = [
        "co_await send(Message{1, 2});",
        "co_await send({1, 2});",
        "auto x = co_await send(first, Message{.text = name});",
        "co_return co_await outbox.append(Batch{records});",
        "co_await post([value] { use(value); });",
        "co_await post([&] { use(); }, other);",
        "co_await post([this, value = std::move(value)]() mutable -> Task<void> { co_return; });",
        "if (auto kept = co_await append({a, b}); !kept) co_return fail();",
        "if (!(co_await append(std::vector<Draft>{a})).has_value()) { x(); }",
        "while (co_await more(Cursor{at})) step();",
        "co_return Pair{co_await a(), 2};",
        "REQUIRE(co_await append({a}));",
        "auto f = [&]() -> Task<void> { co_await send(Message{1}); };",
        "for (auto& x : co_await list(Filter{1})) use(x);",
        "use(std::string{name}, co_await next());",
        "auto const begun = driver ? co_await driver->start(request) : closed();",
    ]
    good = [
        "Message const message{1, 2};\nco_await send(message);",
        "auto const work = [value] { use(value); };\nco_await post(work);",
        "auto x = co_await send(Message(1, 2));",
        "co_await post([] { use(); });",
        "if (auto kept = co_await append(batch); !kept) co_return fail(Error{1});",
        "if (!kept) { co_await sleep(); }\nelse { co_return Result{1}; }",
        "auto task = [&]() -> Task<void> { co_await timer(); };",
        "for (int i{0}; i < 3; ++i) co_await step(i);",
        "for (;;) { auto batch = co_await driver.next(); }",
        "// co_await send(Message{1});\nint x = 1;",
        'log("co_await send({1})"); co_await go();',
        'auto text = R"(co_await f({1}))"; co_await go();',
        "int table[] = {1, 2, 3};\nco_await go(table[1]);",
        "Result<int> found{co_await go()};",
        "switch (co_await next()) { case 1: use(Pair{1, 2}); break; }",
        "std::array<int, 2> const pair = {1, 2}; co_await go(pair);",
        "struct Local { int a; }; co_await go();",
        "co_spawn(loop, [&]() -> Task<void> { co_await go(); }, detached);",
        "auto n = 1'000'000; co_await go(n);",
        "co_await write(std::as_bytes(std::span{text}));",
        "co_await sleep(std::chrono::seconds{5});",
    ]

    def test_planted_trouble_is_found(self):
        for statement in self.bad:
            with self.subTest(statement):
                self.assertTrue(co_await_breaches(inside(statement)))

    def test_sound_shapes_pass(self):
        for statement in self.good:
            with self.subTest(statement):
                self.assertEqual(co_await_breaches(inside(statement)), [])

    def test_the_line_is_named(self):
        self.assertEqual(co_await_breaches(inside("\n\nco_await send({1});"))[0][0], 4)

    def test_methods_of_classes_are_looked_into(self):
        self.assertTrue(co_await_breaches("class A final : public B {\n public:\n  Task<void> f() override { co_await g(M{1}); }\n};\n"))
        self.assertTrue(co_await_breaches("namespace a {\nTask<Result<void>> A::f(int x) const {\n  co_await g(M{1});\n}\n}\n"))


class Includes(unittest.TestCase):
    def breaches(self, path, include, **more):
        return list(tidy.include_breaches({path: f"#include {include}\n", **more}))

    def test_layers(self):
        self.assertTrue(self.breaches("core/a.cpp", '"io/sqlite.hpp"'))
        self.assertTrue(self.breaches("drivers/line/a.cpp", '"io/serial.hpp"'))
        self.assertTrue(self.breaches("io/a.cpp", '"gateway/config.hpp"'))
        self.assertTrue(self.breaches("central/a.cpp", '"drivers/fcs/layout.hpp"'))
        self.assertTrue(self.breaches("central/a.cpp", '"gateway/outbox.hpp"'))
        self.assertTrue(self.breaches("central/analysis/fit.cpp", '"io/sqlite.hpp"'))
        self.assertTrue(self.breaches("wire/crc.cpp", '"core/error.hpp"'))
        self.assertTrue(self.breaches("gateway/a.cpp", '"config.hpp"'))
        self.assertFalse(self.breaches("central/a.cpp", '"drivers/fcs/parse.hpp"'))
        self.assertFalse(self.breaches("gateway/a.cpp", '"io/sqlite.hpp"'))
        self.assertFalse(self.breaches("tests/io/a.cpp", '"gateway/outbox.hpp"'))

    def test_doors(self):
        self.assertTrue(self.breaches("gateway/outbox.cpp", "<sqlite3.h>"))
        self.assertTrue(self.breaches("gateway/a.cpp", "<mosquitto.h>"))
        self.assertTrue(self.breaches("gateway/config.cpp", "<toml++/toml.h>"))
        self.assertTrue(self.breaches("io/mqtt.cpp", "<boost/asio.hpp>"))
        self.assertTrue(self.breaches("tests/io/a.cpp", "<boost/asio.hpp>"))
        self.assertTrue(self.breaches("drivers/a.cpp", "<unistd.h>"))
        self.assertTrue(self.breaches("gateway/status.cpp", "<sys/socket.h>"))
        self.assertFalse(self.breaches("io/sqlite.cpp", "<sqlite3.h>"))
        self.assertFalse(self.breaches("gateway/main.cpp", "<unistd.h>"))

    def test_time_has_one_door(self):
        self.assertTrue(list(tidy.include_breaches({"gateway/a.cpp": "auto t = std::chrono::steady_clock::now();"})))
        self.assertFalse(list(tidy.include_breaches({"io/system.cpp": "auto t = std::chrono::steady_clock::now();"})))

    def test_cycles(self):
        self.assertTrue(list(tidy.include_breaches({"core/a.hpp": '#include "core/b.hpp"\n', "core/b.hpp": '#include "core/a.hpp"\n'})))


class DeadFiles(unittest.TestCase):
    def dead(self, files, compiled=None):
        return list(tidy.dead_file_breaches(files, compiled))

    def test_headers_and_sources(self):
        self.assertTrue(self.dead({"core/a.hpp": ""}))
        self.assertFalse(self.dead({"core/a.hpp": "", "core/a.cpp": '#include "core/a.hpp"\n'}))
        self.assertTrue(self.dead({"core/a.cpp": ""}, set()))
        self.assertFalse(self.dead({"core/a.cpp": ""}, {"core/a.cpp"}))

    def test_web_files(self):
        web = {"gateway/web/page.js": "", "gateway/api.cpp": '"/page.js"'}
        self.assertTrue(self.dead(web))
        self.assertFalse(self.dead({**web, "CMakeLists.txt": "gateway/web/*"}))
        self.assertTrue(self.dead({"gateway/web/page.js": "", "CMakeLists.txt": "gateway/web/*"}))

    def test_documents(self):
        self.assertTrue(self.dead({"docs/a.md": "", "README.md": "docs/a.md without a link"}))
        self.assertFalse(self.dead({"docs/a.md": "", "README.md": "[a](docs/a.md)"}))
        self.assertFalse(self.dead({"docs/adr/1.md": "", "docs/README.md": "[one](adr/1.md)"}))
        self.assertTrue(list(tidy.broken_link_breaches({"README.md": "[a](docs/a.md)"})))

    def test_scripts(self):
        self.assertTrue(self.dead({"tests/system/a.py": ""}))
        self.assertFalse(self.dead({"tests/system/a.py": "", "tests/CMakeLists.txt": "system/a.py"}))


class Length(unittest.TestCase):
    def test_one_line_too_many(self):
        self.assertTrue(list(tidy.long_file_breaches({"core/a.cpp": "\n" * 501})))
        self.assertFalse(list(tidy.long_file_breaches({"core/a.cpp": "\n" * 500})))


if __name__ == "__main__":
    unittest.main()
