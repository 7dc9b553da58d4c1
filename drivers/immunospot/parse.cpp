#include "drivers/immunospot/parse.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "drivers/plate_matrix.hpp"
#include "drivers/text_table.hpp"

namespace marrowlink {

namespace immunospot {

namespace {

constexpr std::size_t recognised_from_bytes = 1'024;
constexpr std::string_view software = "Software version: ImmunoSpot ", counted = "Counted: ", user = "Authenticated user:",
                           analyser = "Analyzer Serial number: ", computer = "Computer name:", window = "Counting window size:",
                           assay = "Assay:", plate_code = "Plate Code = ", unreadable = "\uFFFD", too_many = "TNTC";
constexpr std::string_view settings[] = {"Min. SpotSize:", "Max. SpotSize:", "Spot Separation:"};

struct Table {
    std::string_view title, unit;
};
constexpr Table tables[] = {{"Unprocessed Data", "spots"},
                            {"Mean spot sizes (Sq.mm)", "Sq.mm"},
                            {"Well areas covered by spots (%max)", "%max"},
                            {"Total intensity of all foreground objects minus background per well (%max)", "%max"},
                            {"Total intensity of spots per well (%max)", "%max"}};

std::string_view stripped(std::string_view text) {
    std::size_t const first = text.find_first_not_of(" \t");
    return first == std::string_view::npos ? std::string_view{} : text.substr(first, text.find_last_not_of(" \t") + 1 - first);
}

// Up to a semicolon, behind which the next field stands.
std::string_view field(std::string_view line, std::string_view key) {
    std::string_view const rest = line.substr(line.find(key) + key.size());
    return stripped(rest.substr(0, rest.find(';')));
}

class Export {
 public:
    explicit Export(TextTable const& text) : text_(text), lines_(text.lines()) {}

    // `unavailable`: not all there.
    Result<Document> read() {
        read_head();
        for (Table const& table : tables)
            if (auto done = read_table(table); !done) return fail(std::move(done.error()));
        for (; at_ < lines_.size(); ++at_)
            if (!stripped(lines_[at_].text).empty()) return unexpected(tables[std::size(tables) - 1].title);
        auto const decimal = separator_.decide();
        if (!decimal) return fail(decimal.error());
        for (Reading& reading : document_.readings) {
            reading.plate = document_.plate;
            std::replace(reading.value.begin(), reading.value.end(), ',', '.');
        }
        document_.format = "ctl-immunospot";
        // Several plates may be counted in one second.
        if (!document_.plate.empty() && !serial_.empty() && !document_.started.empty())
            document_.identity = fmt::format("immunospot:{}|{}|{}", serial_, document_.started, document_.plate);
        document_.notes.push_back(fmt::format("Encoding {}, decimal {}.", name_of(text_.encoding()), *decimal == ',' ? "comma" : "point"));
        if (document_.plate.empty()) document_.notes.push_back("The plate has no code in the file.");
        return std::move(document_);
    }

 private:
    tl::unexpected<Error> unexpected(std::string_view table) const {
        return fail(Fault::refused, fmt::format("Line {}: {} stands where the table {} is expected or has ended.", at_ + 1,
                                                in_quotes(lines_[at_].text), in_quotes(table)));
    }
    void bear(std::string_view part, std::string_view name) {
        if (stripped(part).empty()) return;
        auto const place = text_.place_of(lines_[at_], part);
        document_.name_bearing.push_back({place.first, place.second, std::string{name}});
    }

    void read_head() {
        bool block = true;  // up to the first blank line: who, when and where
        std::string used;
        for (; at_ < lines_.size(); ++at_) {
            std::string_view const line = lines_[at_].text, text = stripped(line);
            if (text == tables[0].title) break;
            if (line.starts_with(counted)) {
                document_.started = field(line, counted);
                if (std::size_t const name = line.find(user); name != std::string_view::npos) bear(line.substr(name + user.size()), "user");
            } else if (line.starts_with(analyser)) {
                serial_ = field(line, analyser);
                if (std::size_t const name = line.find(computer); name != std::string_view::npos)
                    bear(line.substr(name + computer.size()), "computer");
            } else if (line.starts_with(assay)) {
                bear(line.substr(assay.size()), "assay");
            } else if (block && !line.starts_with(software) && !line.starts_with(window)) {
                bear(line, "path");
            }
            for (std::string_view const setting : settings)
                if (line.starts_with(setting)) used += fmt::format("{}{}", used.empty() ? "" : ", ", text);
            block = block && !text.empty();
        }
        if (!used.empty()) document_.notes.push_back(fmt::format("Counted with {}.", used));
    }

    // To the heading; the first table has the plate's code above it.
    Result<void> find_heading(Table const& table) {
        bool const first = &table == std::begin(tables);
        for (bool titled = false; at_ < lines_.size(); ++at_) {
            std::string_view const text = stripped(lines_[at_].text);
            if (text.empty() || (!first && !titled && text.starts_with("TNTC:"))) continue;
            if (titled && text.starts_with('1')) return {};
            if (at_ + 1 == lines_.size() && !lines_[at_].terminated) break;
            std::size_t const code = text.find(plate_code);
            if (!titled && text == table.title) {
                titled = true;
            } else if (first && titled && text.starts_with("C.T.L.") && code != std::string_view::npos) {
                std::string_view plate = stripped(text.substr(code + plate_code.size()));
                while (plate.starts_with(unreadable)) plate.remove_prefix(unreadable.size());
                document_.plate = plate;
            } else {
                return unexpected(table.title);
            }
        }
        return fail(Fault::unavailable, fmt::format("the table {} is missing", in_quotes(table.title)));
    }

    Result<void> read_table(Table const& table) {
        if (auto done = find_heading(table); !done) return done;
        MatrixForm form;
        form.separator = ' ';
        form.spaced = true;
        auto const matrix = read_matrix(lines_, at_, form);
        if (!matrix) return fail(matrix.error());
        at_ = matrix->end;
        for (PlateMatrix::Cell const& one : matrix->cells) {
            Reading reading;
            if (one.text == too_many) {
                reading.well = well_name(one.row, one.column);
                reading.flag = one.text;
            } else {
                auto number = reading_of(one, &separator_);
                if (!number) return fail(std::move(number.error()));
                reading = *std::move(number);
            }
            reading.read = table.title;
            reading.unit = table.unit;
            document_.readings.push_back(std::move(reading));
        }
        return {};
    }

    TextTable const& text_;
    std::span<TextLine const> lines_;
    std::size_t at_ = 0;
    std::string serial_;
    DecimalSeparator separator_;
    Document document_;
};

Result<Document> read(std::string_view bytes) {
    auto const text = TextTable::decode(bytes);
    if (!text) return fail(text.error());
    return Export{*text}.read();
}

bool recognises(std::string_view bytes) {
    TextTable const head = head_of(bytes, recognised_from_bytes);
    return !head.lines().empty() && head.lines()[0].text.starts_with(software);
}

Completeness completeness(std::string_view bytes) { return completeness_of(read(bytes)); }

Result<Document> parse(std::string_view bytes) { return whole_or_refused(read(bytes), "ImmunoSpot export"); }

}  // namespace

}  // namespace immunospot

ExportFormat const& immunospot_format() {
    static constexpr ExportFormat format{"ctl-immunospot",         "CTL ImmunoSpot export", immunospot::recognises,
                                         immunospot::completeness, immunospot::parse,       nullptr};
    return format;
}

}  // namespace marrowlink
