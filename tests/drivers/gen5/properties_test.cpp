// What must hold for every Gen5 file: no prefix passes for the whole, the locale does not change a value, names are found, limits hold.
#include <catch2/catch.hpp>
#include <functional>
#include <iostream>
#include <regex>

#include "drivers/catalog.hpp"
#include "drivers/gen5/parse.hpp"
#include "drivers/gen5/tables.hpp"
#include "drivers/text_table.hpp"
#include "tests/drivers/plate_properties.hpp"
#include "tests/drivers/plate_samples.hpp"

using namespace marrowlink;
using namespace plate_test;

namespace {

std::vector<std::string> own_and_shared() {
    return whole_files(gen5_format(), {own_folder("gen5"), shared_folder() / "instruments/files/agilent-gen5"}, ".txt");
}

std::size_t plates_of(std::vector<Reading> const& readings) {
    std::size_t plates = 0;
    for (std::size_t i = 0; i < readings.size(); ++i) plates += i == 0 || readings[i].plate != readings[i - 1].plate;
    return plates;
}

std::string numbers_replaced(std::string const& text, std::function<std::string(std::string const&)> const& as) {
    static std::regex const number{R"([-<>]?[0-9]+\.[0-9]+)"};
    std::string out, cell;
    bool values = false;
    auto const flush = [&](char end) {
        if (cell == "Layout" || cell == "Results") values = true;
        out += values && std::regex_match(cell, number) ? as(cell) : cell;
        out += end;
        cell.clear();
    };
    for (char c : text)
        if (c == '\t' || c == '\r' || c == '\n')
            flush(c);
        else
            cell += c;
    return out;
}

std::string with_comma(std::string const& number) {
    std::string out = number;
    out[out.find('.')] = ',';
    return out;
}

std::string line_replaced(std::string text, std::string const& key, std::string const& value) {
    std::size_t const at = text.find("\n" + key + "\t");
    REQUIRE(at != std::string::npos);
    std::size_t const begin = at + key.size() + 2;
    return text.replace(begin, text.find('\r', begin) - begin, value);
}

std::string luminescence(std::string const& rows) {
    return "Software Version\t3.12\nPlate Number\tPlate 1\n\nProcedure Details\n\nPlate Type\t6 WELL PLATE\nRead\tcells\n\tLuminescence "
           "Endpoint\n"
           "\tFull Plate\n\nResults\n\t1\t2\t3\n" +
           rows;
}

}  // namespace

TEST_CASE("no beginning of a Gen5 file passes for the whole (field 62)") {
    std::size_t cuts = 0;
    for (auto const& bytes : own_and_shared()) {
        auto const whole = gen5_format().parse(bytes);
        REQUIRE(whole);
        std::size_t const step = 1 + bytes.size() / 2'000;
        for (std::size_t cut = 0; cut < bytes.size(); cut += step) {
            std::string_view const part = std::string_view{bytes}.substr(0, cut);
            ++cuts;
            if (!gen5_format().completeness(part).complete) continue;
            auto const read = gen5_format().parse(part);
            INFO("cut after byte " << cut << " of " << bytes.size() << ": …"
                                   << part.substr(part.size() - std::min<std::size_t>(40, part.size())));
            if (!read) {
                FAIL_CHECK(read.error().message);
                continue;
            }
            if (read->readings == whole->readings) continue;
            // Nothing in the format says how many plates a file has: the end of a plate looks like the end of the file.
            CHECK(plates_of(read->readings) < plates_of(whole->readings));
            CHECK(std::equal(read->readings.begin(), read->readings.end(), whole->readings.begin()));
            CHECK((read->readings.size() == whole->readings.size() ||
                   whole->readings[read->readings.size()].plate != read->readings.back().plate));
        }
    }
    std::cout << "gen5: " << cuts << " cuts tried\n";
}

TEST_CASE("the same export in four locales reads the same (field 63)") {
    std::string const english = slurp(own_folder("gen5") / "two-read-modes.txt");
    auto const expected = gen5_format().parse(english);
    REQUIRE(expected);
    std::string const comma = numbers_replaced(english, with_comma);
    REQUIRE(comma != english);
    std::string const french = line_replaced(line_replaced(comma, "Date", "15/09/2025"), "Time", "14:05:09");
    std::string const german = line_replaced(line_replaced(comma, "Date", "15.09.2025"), "Time", "14:05:09");
    std::string const swedish = line_replaced(line_replaced(comma, "Date", "2025-09-15"), "Time", "14:05:09");
    std::string const degree =
        "Set Temperature\tSetpoint 37\xB0"
        "C\r\nRead\tod";
    std::string cp1252 = french;
    cp1252.replace(cp1252.find("Read\tod"), 7, degree);
    for (auto const& other : {cp1252, "\xEF\xBB\xBF" + german, utf16le(swedish)}) {
        auto const read = gen5_format().parse(other);
        if (!read) FAIL(read.error().message);
        CHECK(read->readings == expected->readings);
        INFO(read->notes.front());
        CHECK(read->notes.front().find("decimal comma") != std::string::npos);
    }
}

TEST_CASE("name-bearing values are found in the original bytes") {
    for (auto const& [file, unit] :
         {std::pair{"two-read-modes.txt", 1}, {"kinetic-two-plates-comma.txt", 1}, {"spectrum-utf16le.txt", 2}}) {
        INFO(file);
        std::string bytes = slurp(own_folder("gen5") / file);
        auto const before = gen5_format().parse(bytes);
        REQUIRE(before);
        REQUIRE(before->name_bearing.size() >= 2);
        for (auto const& range : before->name_bearing) {
            std::string text;
            for (std::uint64_t i = 0; i < range.length; i += static_cast<std::uint64_t>(unit)) text += bytes[range.offset + i];
            CHECK(text == (range.field == "Experiment File Path" ? "C:\\Data\\J. Doe\\screen.xpt" : "C:\\Protocols\\screen.prt"));
        }
        // Blanked, the file reads the same.
        for (auto const& range : before->name_bearing) bytes.replace(range.offset, range.length, range.length, ' ');
        auto const after = gen5_format().parse(bytes);
        REQUIRE(after);
        CHECK(after->readings == before->readings);
        CHECK(after->identity == before->identity);
    }
}

TEST_CASE("the identity is the reader, the run's start and the plate") {
    auto const known = gen5_format().parse(slurp(own_folder("gen5") / "two-read-modes.txt"));
    REQUIRE(known);
    CHECK(known->identity == "gen5:20031|9/15/2025 2:05:09 PM|AML-0042");
    CHECK(known->plate == "AML-0042");
    auto const simulated = gen5_format().parse(slurp(own_folder("gen5") / "spectrum-utf16le.txt"));
    REQUIRE(simulated);
    CHECK(simulated->identity == "");
}

TEST_CASE("one set in two tables with the same values counts once") {
    std::string const table = "\t1\t2\t3\nA\t1\t2\t3\tcells:Lum\nB\t4\t5\t6\tcells:Lum\n";
    std::string text = luminescence("A\t1\t2\t3\tcells:Lum\nB\t4\t5\t6\tcells:Lum\n");
    text.insert(text.find("Results"), "cells:Lum\n" + table + "\n");
    auto const read = gen5_format().parse(text);
    if (!read) FAIL(read.error().message);
    CHECK(read->readings.size() == 6);
}

TEST_CASE("limits of the Gen5 parser (field 23)") {
    auto const message = [](std::string const& text) {
        auto const read = gen5_format().parse(text);
        return read ? std::string{"accepted"} : read.error().message;
    };
    CHECK(message(std::string(text_bytes_max + 1, ' ')).find("at most 67108864 are read") != std::string::npos);
    CHECK(message(std::string(text_lines_max + 1, '\n')).find("more than 500000 lines") != std::string::npos);
    CHECK(message(std::string(text_lines_max, '\n')).find("The file is empty") != std::string::npos);
    std::string const wide = "A\t1\t2\t3\tcells:Lum" + std::string(text_cells_max, '\t') + "\n";
    CHECK(message(luminescence(wide)).find("more than 4096 cells") != std::string::npos);
    std::string const plate = luminescence("A\t1\t2\t3\tcells:Lum\nB\t4\t5\t6\tcells:Lum\n\n");
    std::string plates;
    for (std::size_t i = 0; i < gen5::plates_max; ++i) plates += plate;
    CHECK(message(plates) == "accepted");
    CHECK(message(plates + plate).find("more than 1000 plates") != std::string::npos);
    std::string reads;
    for (std::size_t i = 0; i <= gen5::data_sets_max; ++i) reads += "Read\tr" + std::to_string(i) + "\n\tLuminescence Endpoint\n";
    std::string many = plate;
    many.insert(many.find("Read\tcells"), reads);
    CHECK(message(many).find("more than 256 reads") != std::string::npos);
}

TEST_CASE("too many readings are refused at the limit (field 23)") {
    std::string head =
        "Software Version\t3.12\nPlate Number\tPlate 1\n\nProcedure Details\n\nPlate Type\t96 WELL PLATE\n"
        "Start Kinetic\tRuntime 1:00:00 (HH:MM:SS), Interval 0:00:01, 2 Reads\n    Read\tod\n\tAbsorbance Endpoint\n\tFull Plate\n"
        "\tWavelengths:  600\nEnd Kinetic\n\nod:600\n\nTime";
    std::string values;
    for (char const* row : {"A", "B", "C", "D", "E", "F", "G", "H"})
        for (int c = 1; c <= 48; ++c) {
            head += "\t" + std::string{row} + std::to_string(c);
            values += "\t1";
        }
    std::string text = head + "\n";
    for (std::size_t i = 0; i <= gen5::readings_max / 384; ++i) {
        char time[16];
        std::snprintf(time, sizeof time, "%zu:%02zu:%02zu", i / 3600, i / 60 % 60, i % 60);
        text += time + values + "\n";
    }
    auto const read = gen5_format().parse(text);
    REQUIRE_FALSE(read);
    CHECK(read.error().message.find("more than 1000000 readings") != std::string::npos);
}

TEST_CASE("an unknown file is refused with what was found") {
    auto const found = [](std::string_view bytes) { return recognise(bytes).error().message; };
    CHECK(found("Plate information\nPlate,Repeat").find("it begins with the text 'Plate information'") != std::string::npos);
    CHECK(found("").find("it is empty") != std::string::npos);
    CHECK(found(std::string_view{"\0\0\0\0", 4}).find("only NUL bytes") != std::string::npos);
    CHECK(found("PK\x03\x04rest").find("zip archive") != std::string::npos);
    CHECK(found("\x81\x8D\x01").find("the bytes 81 8D 01") != std::string::npos);
    CHECK(found("x").find("Agilent BioTek Gen5 text export") != std::string::npos);
}

TEST_CASE("space that a file share reserved is not content (field 62)") {
    std::string bytes = slurp(own_folder("gen5") / "two-read-modes.txt");
    std::size_t const whole = bytes.size();
    bytes.resize(whole / 2);
    bytes.resize(whole, '\0');
    auto const completeness = gen5_format().completeness(bytes);
    CHECK_FALSE(completeness.complete);
    CHECK(completeness.missing.find("not written yet") != std::string::npos);
}
