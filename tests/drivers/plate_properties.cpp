#include "plate_properties.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <iostream>

#include "drivers/catalog.hpp"
#include "plate_samples.hpp"

namespace plate_test {

namespace fs = std::filesystem;
using marrowlink::ExportFormat;

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
                          std::function<void(std::string& row)> const& edit) {
    INFO(name);
    CHECK(format.recognises(bytes));
    CHECK(format.completeness(bytes).missing == "");
    auto const document = format.parse(bytes);
    if (!document) FAIL(document.error().message);
    Columns columns;
    auto theirs = rows_expected(csv, columns);
    std::size_t const nan = std::erase_if(theirs, [](std::string const& row) { return row.ends_with(" | nan"); });
    if (edit) {
        std::for_each(theirs.begin(), theirs.end(), edit);
        std::sort(theirs.begin(), theirs.end());
    }
    auto ours = rows_of(document->readings, columns);
    std::erase_if(ours, [](std::string const& row) { return row.ends_with(" | NaN"); });
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

std::optional<Compared> shared_files_hold(ExportFormat const& format, std::string_view folder,
                                          std::function<void(std::string const& bytes, std::string& row)> const& edit,
                                          std::vector<std::string> const& without) {
    fs::path const place = shared_folder() / "instruments/files" / folder;
    if (!fs::is_directory(place)) {
        std::cout << format.name << ": no shared samples in " << shared_folder() << ", only our own small inputs were compared\n";
        return {};
    }
    Compared compared;
    for (auto const& csv : files_of(place, ".expected.csv")) {
        std::string stem = csv.filename().string();
        stem.resize(stem.size() - std::string_view{".expected.csv"}.size());
        for (std::string const ending : {".txt", ".csv", ".CSV"}) {
            fs::path const file = place / (stem + ending);
            std::string const name = file.filename().string();
            if (!fs::exists(file) || std::find(without.begin(), without.end(), name) != without.end()) continue;
            std::string const bytes = slurp(file);
            auto const recognised = marrowlink::recognise(bytes);
            REQUIRE(recognised);
            CHECK((*recognised)->name == format.name);
            std::function<void(std::string&)> edit_row;
            if (edit) edit_row = [&](std::string& row) { edit(bytes, row); };
            compared.readings += same_as_table(format, name, bytes, csv, edit_row);
            ++compared.files;
        }
    }
    std::cout << format.name << ": " << compared.files << " shared files, " << compared.readings << " readings compared\n";
    return compared;
}

std::size_t own_files_hold(ExportFormat const& format, std::string_view folder, std::string_view ending) {
    std::size_t files = 0;
    for (auto const& csv : files_of(own_folder(folder), ".expected.csv")) {
        std::string name = csv.filename().string();
        name.resize(name.size() - std::string_view{".expected.csv"}.size());
        same_as_table(format, name, slurp(own_folder(folder) / (name + std::string{ending})), csv);
        ++files;
    }
    return files;
}

std::size_t refusals_hold(ExportFormat const& format, std::string_view folder, std::string_view ending) {
    std::size_t files = 0;
    for (auto const& file : files_of(own_folder(folder), ".refusal")) {
        INFO(file.filename().string());
        std::string words = slurp(file);
        words.erase(words.find('\n'));
        auto const document = format.parse(slurp(fs::path{file}.replace_extension(ending)));
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

void changed_digits_move_no_well(ExportFormat const& format, std::vector<std::string> const& files) {
    std::size_t changes = 0;
    for (auto const& original : files) {
        auto const whole = format.parse(original);
        REQUIRE(whole);
        std::size_t const step = 1 + original.size() / 400;
        for (std::size_t at = 0; at < original.size(); at += step) {
            if (original[at] < '0' || original[at] > '9') continue;
            std::string bytes = original;
            bytes[at] = static_cast<char>('0' + (bytes[at] - '0' + 1) % 10);
            auto const read = format.parse(bytes);
            ++changes;
            if (!read) continue;
            INFO("digit at byte " << at);
            REQUIRE(read->readings.size() == whole->readings.size());
            for (std::size_t i = 0; i < read->readings.size(); ++i)
                if (read->readings[i].well != whole->readings[i].well) FAIL_CHECK(read->readings[i].well);
        }
    }
    std::cout << format.name << ": " << changes << " digits changed\n";
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

std::string utf16le(std::string const& ascii) {
    std::string out = "\xFF\xFE";
    for (char c : ascii) out.append(1, c).append(1, '\0');
    return out;
}

bool only_line_end(std::string_view rest) { return rest.find_first_not_of(std::string_view{"\r\n\0", 3}) == std::string_view::npos; }

}  // namespace plate_test
