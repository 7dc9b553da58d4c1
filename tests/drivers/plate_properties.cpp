#include "plate_properties.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <iostream>
#include <set>

#include "plate_samples.hpp"

namespace plate_test {

namespace fs = std::filesystem;
using marrowlink::ExportFormat;

namespace {
std::string made(Make make, std::string text) { return make ? make(text) : text; }
}  // namespace

std::vector<std::string> whole_files(ExportFormat const& format, std::vector<fs::path> const& folders, std::string_view ending) {
    std::vector<std::string> all;
    for (auto const& folder : folders)
        for (auto const& file : files_of(folder, ending)) {
            std::string bytes = slurp(file);
            if (format.parse(bytes)) all.push_back(std::move(bytes));
        }
    REQUIRE_FALSE(all.empty());
    return all;
}

std::size_t same_as_table(ExportFormat const& format, std::string const& name, std::string const& bytes, fs::path const& csv,
                          Correct const& correct, std::function<bool(marrowlink::Reading const&)> const& beside) {
    INFO(name);
    CHECK(format.recognises(bytes));
    CHECK(format.completeness(bytes).missing == "");
    auto const document = format.parse(bytes);
    if (!document) FAIL(document.error().message);
    Columns columns;
    std::size_t nan = 0;
    auto const theirs = rows_expected(csv, columns, [&](TableRow& row) {
        bool const blank = row["flag"] == "nan";
        nan += blank ? 1 : 0;
        return !blank && (!correct || correct(row));
    });
    auto readings = document->readings;
    if (nan > 0) std::erase_if(readings, [](marrowlink::Reading const& one) { return one.flag == "NaN"; });
    if (beside) std::erase_if(readings, beside);
    auto const ours = rows_of(readings, columns);
    CHECK(ours.size() == theirs.size());
    std::vector<std::string> missing, beyond;
    std::set_difference(theirs.begin(), theirs.end(), ours.begin(), ours.end(), std::back_inserter(missing));
    std::set_difference(ours.begin(), ours.end(), theirs.begin(), theirs.end(), std::back_inserter(beyond));
    CHECK(missing == std::vector<std::string>{});
    CHECK(beyond == std::vector<std::string>{});
    std::cout << format.name << ": " << name << ": " << ours.size() << " readings";
    if (nan > 0) std::cout << ", " << nan << " rows of the table are cells without a number";
    std::cout << "\n";
    return ours.size();
}

std::size_t own_files_hold(ExportFormat const& format, std::string_view folder, std::string_view ending, Make make) {
    std::size_t files = 0;
    for (auto const& csv : files_of(own_folder(folder), ".expected.csv")) {
        std::string name = csv.filename().string();
        name.resize(name.size() - std::string_view{".expected.csv"}.size());
        same_as_table(format, name, made(make, slurp(own_folder(folder) / (name + std::string{ending}))), csv);
        ++files;
    }
    return files;
}

std::size_t refusals_hold(ExportFormat const& format, std::string_view folder, std::string_view ending, Make make) {
    std::size_t files = 0;
    for (auto const& file : files_of(own_folder(folder), ".refusal")) {
        INFO(file.filename().string());
        std::string words = slurp(file);
        words.erase(words.find('\n'));
        auto const document = format.parse(made(make, slurp(fs::path{file}.replace_extension(ending))));
        REQUIRE_FALSE(document);
        CHECK(document.error().fault == marrowlink::Fault::refused);
        INFO(document.error().message);
        CHECK(document.error().message.find(words) != std::string::npos);
        ++files;
    }
    return files;
}

void same_as_case(std::vector<marrowlink::Reading> const& readings, marrowlink::json::value const& expected,
                  std::function<std::string_view(std::string_view flag)> const& meaning) {
    CHECK(readings.size() == static_cast<std::size_t>(expected.at("readings").as_int64()));
    auto const& values = expected.at("values").as_object();
    auto const& flags = expected.at("flags").as_object();
    CHECK(values.size() + flags.size() == readings.size());
    for (auto const& reading : readings) {
        INFO(reading.well);
        if (reading.value.empty()) {
            REQUIRE(flags.contains(reading.well));
            CHECK(meaning(reading.flag) == std::string_view{flags.at(reading.well).as_string()});
        } else {
            REQUIRE(values.contains(reading.well));
            CHECK(std::strtod(reading.value.c_str(), nullptr) == values.at(reading.well).to_number<double>());
        }
    }
}

void no_beginning_passes(ExportFormat const& format, std::vector<std::string> const& files,
                         std::function<bool(std::string_view rest)> const& may_lack) {
    std::size_t cuts = 0;
    for (auto const& bytes : files) {
        std::size_t const step = 1 + bytes.size() / 2'000;
        // Every byte near the end, where a cut hides best.
        for (std::size_t cut = 0; cut<bytes.size(); cut += cut + 300> bytes.size() ? 1 : step) {
            std::string_view const part = std::string_view{bytes}.substr(0, cut);
            ++cuts;
            if (!format.completeness(part).complete || !format.parse(part)) continue;
            INFO("cut after byte " << cut << " of " << bytes.size());
            CHECK(may_lack(std::string_view{bytes}.substr(cut)));
        }
    }
    std::cout << format.name << ": " << cuts << " cuts tried\n";
}

void each_changed_digit(ExportFormat const& format, std::vector<std::string> const& texts, std::size_t tries_max, Make make,
                        std::function<void(marrowlink::Document const& whole, marrowlink::Document const& read)> const& check) {
    std::size_t changes = 0;
    for (auto const& text : texts) {
        auto const whole = format.parse(made(make, text));
        REQUIRE(whole);
        std::size_t const step = tries_max == 0 ? 1 : 1 + text.size() / tries_max;
        for (std::size_t at = 0; at < text.size(); at += step) {
            if (text[at] < '0' || text[at] > '9') continue;
            std::string changed = text;
            changed[at] = static_cast<char>('0' + (changed[at] - '0' + 1) % 10);
            auto const read = format.parse(made(make, changed));
            ++changes;
            if (!read) continue;
            INFO("digit at byte " << at);
            REQUIRE(read->readings.size() == whole->readings.size());
            check(*whole, *read);
        }
    }
    std::cout << format.name << ": " << changes << " digits changed\n";
}

void no_well_moved(marrowlink::Document const& whole, marrowlink::Document const& read) {
    for (std::size_t i = 0; i < read.readings.size(); ++i)
        if (read.readings[i].well != whole.readings[i].well) FAIL_CHECK(read.readings[i].well);
}

void changed_digits_move_no_well(ExportFormat const& format, std::vector<std::string> const& files) {
    each_changed_digit(format, files, 400, nullptr, no_well_moved);
}

void names_are_blanked(ExportFormat const& format, std::string bytes, std::string_view name) {
    auto const before = format.parse(bytes);
    REQUIRE(before);
    REQUIRE_FALSE(before->name_bearing.empty());
    std::size_t const unit = bytes.starts_with("\xFF\xFE") ? 2 : 1;
    for (auto const& bears : before->name_bearing)
        for (std::size_t i = 0; i < bears.length; i += unit) {
            bytes[bears.offset + i] = ' ';
            if (unit == 2) bytes[bears.offset + i + 1] = '\0';
        }
    std::string plain = bytes;
    std::erase(plain, '\0');
    CHECK(plain.find(name) == std::string::npos);
    auto const after = format.parse(bytes);
    if (!after) FAIL(after.error().message);
    CHECK(after->readings == before->readings);
    CHECK(after->identity == before->identity);
}

namespace {

// Of the basic plane.
std::vector<unsigned> characters_of(std::string_view utf8) {
    std::vector<unsigned> out;
    for (char const c : utf8) {
        auto const byte = static_cast<unsigned char>(c);
        if ((byte & 0xC0) == 0x80)
            out.back() = out.back() << 6 | (byte & 0x3F);
        else
            out.push_back(byte < 0x80 ? byte : byte & (byte < 0xE0 ? 0x1F : 0x0F));
    }
    return out;
}

std::string utf16(std::string_view utf8, bool little) {
    std::string out = little ? "\xFF\xFE" : "\xFE\xFF";
    for (unsigned const c : characters_of(utf8)) {
        auto const low = static_cast<char>(c & 0xFF), high = static_cast<char>(c >> 8);
        out.append(1, little ? low : high).append(1, little ? high : low);
    }
    return out;
}

// Nothing: it has letters beyond.
std::optional<std::string> latin1(std::string_view utf8) {
    std::string out;
    for (unsigned const c : characters_of(utf8)) {
        if (c > 0xFF) return {};
        out += static_cast<char>(c);
    }
    return out;
}

}  // namespace

std::string utf16le(std::string const& utf8) { return utf16(utf8, true); }

void encodings_read_the_same(ExportFormat const& format, std::vector<std::string> const& files) {
    for (auto const& original : files) {
        auto const expected = format.parse(original);
        REQUIRE(expected);
        std::string feeds, both;
        std::copy_if(original.begin(), original.end(), std::back_inserter(feeds), [](char c) { return c != '\r'; });
        for (char const c : feeds) both += c == '\n' ? std::string{"\r\n"} : std::string{c};
        std::vector<std::string> others{feeds, both, "\xEF\xBB\xBF" + original, utf16(original, true), utf16(original, false)};
        if (auto const narrow = latin1(original)) others.push_back(*narrow);
        for (auto const& other : others) {
            CHECK(format.recognises(other));
            auto const read = format.parse(other);
            if (!read) FAIL(read.error().message);
            CHECK(read->readings == expected->readings);
            CHECK(read->identity == expected->identity);
        }
    }
}

void cuts_lose_whole_rows(ExportFormat const& format, std::vector<std::string> const& files) {
    std::size_t cuts = 0, whole_rows = 0;
    for (auto const& bytes : files) {
        auto const whole = format.parse(bytes);
        REQUIRE(whole);
        auto const& all = whole->readings;
        for (std::size_t cut = 0; cut < bytes.size(); ++cut, ++cuts) {
            std::string_view const part = std::string_view{bytes}.substr(0, cut);
            auto const read = format.parse(part);
            if (!format.completeness(part).complete) CHECK_FALSE(read);
            if (!read) continue;
            ++whole_rows;
            INFO("cut after byte " << cut << " of " << bytes.size());
            std::size_t const count = read->readings.size();
            REQUIRE(count <= all.size());
            CHECK(std::equal(read->readings.begin(), read->readings.end(), all.begin()));
            CHECK(read->plate == whole->plate);
            CHECK(read->started == whole->started);
            if (count > 0 && count < all.size()) CHECK(all[count].well != all[count - 1].well);
        }
    }
    std::cout << format.name << ": " << cuts << " cuts tried, " << whole_rows << " of them behind a whole row\n";
}

void changed_digits_stay_in_their_cell(ExportFormat const& format, std::vector<std::string> const& files) {
    each_changed_digit(format, files, 1'000, nullptr, [](marrowlink::Document const& whole, marrowlink::Document const& read) {
        std::set<std::string> wells;
        bool value = false;
        for (std::size_t i = 0; i < read.readings.size(); ++i) {
            auto const &now = read.readings[i], &before = whole.readings[i];
            if (now.well != before.well) wells.insert(before.well);
            value = value || now.value != before.value || now.flag != before.flag;
        }
        CHECK(wells.size() + (value ? 1 : 0) <= 1);
    });
}

bool only_line_end(std::string_view rest) { return rest.find_first_not_of(std::string_view{"\r\n\0", 3}) == std::string_view::npos; }

}  // namespace plate_test
