// Each example is a whole file of its format, and another number is another run.
#include "drivers/example_export.hpp"

#include <catch2/catch.hpp>
#include <set>

#include "drivers/catalog.hpp"

using namespace marrowlink;

TEST_CASE("an example of each format is recognised as that format, whole, and read") {
    REQUIRE(example_formats().size() >= 7);
    for (std::string const& name : example_formats()) {
        INFO(name);
        std::set<std::string> runs, names;
        for (std::uint64_t const number : {1, 2, 61}) {
            auto const made = example_export(name, 7, number);
            REQUIRE(made);
            auto const again = example_export(name, 7, number);
            CHECK(again->bytes == made->bytes);
            CHECK(names.insert(made->name).second);
            auto const format = recognise(made->bytes);
            REQUIRE(format);
            CHECK((*format)->name == name);
            CHECK((*format)->completeness(made->bytes).complete);
            auto const document = (*format)->parse(made->bytes);
            INFO((document ? std::string{} : document.error().message));
            REQUIRE(document);
            if (document->datasets.empty())
                CHECK(document->readings.size() >= 8);
            else
                CHECK(document->datasets.at(0).events == 1'000);
            for (Reading const& reading : document->readings) CHECK(reading.flag.empty());
            CHECK(runs.insert(document->identity.empty() ? made->bytes : document->identity).second);
        }
    }
}

TEST_CASE("no example that is still being written passes for a whole one") {
    for (std::string const& name : example_formats()) {
        INFO(name);
        auto const made = example_export(name, 7, 1);
        REQUIRE(made);
        std::string_view const bytes = made->bytes;
        for (std::size_t cut = 1; cut < bytes.size(); cut += name == "fcs" ? 97 : 7) {
            auto const format = recognise(bytes.substr(0, cut));
            if (!format || !(*format)->completeness(bytes.substr(0, cut)).complete) continue;
            // A last line without its end may be one that had none.
            auto const document = (*format)->parse(bytes.substr(0, cut));
            // A Qubit's list of tubes has no end of its own: any number of whole rows is a list.
            bool const whole_rows = name == "thermo-qubit4" && (bytes[cut - 1] == '\n' || bytes[cut] == '\n');
            if (document) CHECK((whole_rows || bytes.size() - cut <= 2));
        }
    }
}

TEST_CASE("a format without an example is refused with the names of those that have one") {
    auto const none = example_export("thermo-skanit", 1, 1);
    REQUIRE_FALSE(none);
    CHECK(none.error().fault == Fault::usage);
    CHECK_THAT(none.error().message, Catch::Matchers::Contains("bmg-mars"));
}
