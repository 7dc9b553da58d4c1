#include "drivers/kaleido/parse.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <set>

#include "drivers/decimal.hpp"
#include "drivers/plate_matrix.hpp"
#include "drivers/text_table.hpp"

namespace marrowlink {

namespace kaleido {

namespace {

constexpr std::size_t recognised_from_bytes = 4'096;
constexpr std::string_view last_line = "Exported with Kaleido ", xslt = " and xslt version ";
constexpr std::string_view name_bearing_keys[] = {"Protocol Owner", "Plate Type Owner", "Export Path", "File Name"};
constexpr std::string_view free_sections[] = {"Comments", "Electronic Signatures"};

struct Technique {
    std::string_view name, unit;
};
constexpr Technique techniques[] = {{"ABS", "OD"}, {"Absorbance", "OD"}, {"Fluorescence intensity", "RFU"}, {"Luminescence", "RLU"}};

using Fields = std::map<std::string, std::string, std::less<>>;

// Commas that pad a line, and the spaces that do not break.
std::string_view bare(std::string_view text) {
    for (;;) {
        if (text.starts_with("\xC2\xA0"))
            text.remove_prefix(2);
        else if (text.ends_with("\xC2\xA0"))
            text.remove_suffix(2);
        else if (std::string_view const trim = trimmed(text); trim.size() < text.size())
            text = trim;
        else
            return text;
    }
}
std::string_view first_of(TextLine const& line) { return bare(line.text.substr(0, line.text.find(','))); }
bool blank(TextLine const& line) { return is_blank(line, ','); }

std::string key_of(std::string_view text) {
    text = bare(text);
    if (text.ends_with(':')) text.remove_suffix(1);
    return std::string{bare(text)};
}

// "Results for ABS mono 1" or "Result for Luminescence 1": the name behind.
std::string_view result_of(std::string_view text) {
    for (std::string_view const title : {"Results for", "Result for"})
        if (text.starts_with(title)) return bare(text.substr(title.size()));
    return {};
}

bool three_numbers(std::string_view version) {
    for (int i = 0; i < 3; ++i) {
        std::size_t const digits = digits_from(version, 0);
        if (digits == 0) return false;
        version.remove_prefix(digits);
        if (i < 2 && !version.starts_with('.')) return false;
        if (i < 2) version.remove_prefix(1);
    }
    return version.empty();
}

struct PlateResult {
    std::size_t line = 0;
    std::string name, barcode;
    Fields fields;
    std::vector<Reading> readings;
};

class Export {
 public:
    explicit Export(TextTable const& table) : table_(table), lines_(table.lines()) {}

    // `unavailable`: not all there.
    Result<Document> read() {
        std::size_t end = lines_.size();
        while (end > 0 && blank(lines_[end - 1])) --end;
        if (end == 0 || !whole(lines_[end - 1]))
            return fail(Fault::unavailable, fmt::format("its last line is not \"{}…\" and whole", last_line));
        lines_ = lines_.first(end - 1);
        while (at_ < lines_.size()) {
            std::string_view const name = result_of(first_of(lines_[at_]));
            if (!name.empty()) {
                if (auto done = read_result(name); !done) return fail(std::move(done.error()));
            } else {
                if (auto done = read_line(); !done) return fail(std::move(done.error()));
                ++at_;
            }
        }
        return finish();
    }

 private:
    tl::unexpected<Error> wrong(std::size_t line, std::string const& why) const {
        return fail(Fault::refused, fmt::format("Line {}: {}.", line + 1, why));
    }
    Result<void> split(std::size_t line) { return split_quoted(lines_[line].text, ',', cells_); }
    std::string const& cell(std::size_t at) const {
        static std::string const none;
        return at < cells_.size() ? cells_[at] : none;
    }
    void pass_blank() {
        while (at_ < lines_.size() && blank(lines_[at_])) ++at_;
    }

    static bool whole(TextLine const& last) {
        std::string_view const text = first_of(last);
        if (!text.starts_with(last_line)) return false;
        std::size_t const at = text.find(xslt);
        return last.terminated || (at != std::string_view::npos && three_numbers(text.substr(at + xslt.size())));
    }

    Result<void> read_result(std::string_view name) {
        PlateResult result;
        result.line = at_++;
        result.name = name;
        pass_blank();
        if (at_ == lines_.size()) return wrong(result.line, "the result has no table");
        if (auto done = split(at_); !done) return done;
        if (cell(0) == "Barcode") {
            auto const heads = cells_;
            if (at_ + 1 == lines_.size()) return wrong(at_, "the heading has no line");
            if (auto done = split(++at_); !done) return done;
            for (std::size_t i = 0; i < heads.size(); ++i) result.fields[heads[i]] = cell(i);
            result.barcode = cell(0);
        } else if (cell(0).starts_with("Barcode:")) {
            for (std::string const& one : cells_) {
                std::size_t const colon = one.find(':');
                if (colon == std::string::npos) continue;
                result.fields[std::string{bare(one.substr(0, colon))}] = bare(std::string_view{one}.substr(colon + 1));
            }
            result.barcode = result.fields["Barcode"];
        } else {
            return wrong(at_, fmt::format("{} stands where the barcode is expected", in_quotes(lines_[at_].text)));
        }
        for (std::string_view const loop : {"Loop no", "Well scan x", "Well scan y", "TRF Window"})
            if (auto const found = result.fields.find(loop); found != result.fields.end() && !found->second.empty())
                return wrong(at_,
                             fmt::format("{} is {}, and only a single reading of each well is known here", loop, in_quotes(found->second)));
        ++at_;
        pass_blank();
        if (at_ == lines_.size()) return wrong(result.line, "the result has no table");
        if (auto done = read_table(result); !done) return done;
        results_.push_back(std::move(result));
        return {};
    }

    Result<void> read_table(PlateResult& result) {
        auto const matrix = read_matrix(lines_, at_, MatrixForm{});
        // The file's last line is there: what is missing will not come.
        if (!matrix) return fail(Fault::refused, matrix.error().message);
        std::uint32_t const wells = matrix->shape.rows * matrix->shape.columns;
        if (wells_ != 0 && wells_ != wells) return wrong(at_, "the results are of plates of different sizes");
        wells_ = wells;
        at_ = matrix->end;
        if (at_ < lines_.size() && !blank(lines_[at_]))
            return wrong(at_, fmt::format("{} stands behind the last row", in_quotes(lines_[at_].text)));
        for (PlateMatrix::Cell const& one : matrix->cells) {
            auto reading = reading_of(one, nullptr);
            if (!reading) return fail(std::move(reading.error()));
            result.readings.push_back(*std::move(reading));
        }
        return {};
    }

    // "key,,value": the value is the first cell that is not empty.
    Result<void> read_line() {
        if (blank(lines_[at_])) return {};
        std::string const key = key_of(first_of(lines_[at_]));
        if (std::any_of(std::begin(free_sections), std::end(free_sections), [&](auto one) { return key.starts_with(one); })) {
            for (++at_; at_ < lines_.size() && !blank(lines_[at_]); ++at_) bear(lines_[at_], lines_[at_].text, key);
            return {};
        }
        if (auto done = split(at_); !done) return done;
        if (key == "Analysis Result" || key == "Operations" || key == "Measurements") operation_ = nullptr;
        std::string value;
        for (std::size_t i = 1; i < cells_.size() && value.empty(); ++i) value = bare(cells_[i]);
        if (key == "Meas") pending_ = true;
        if ((key == "Operation" || (key == "Tech" && pending_)) && !value.empty()) {
            operation_ = &operations_[value];
            pending_ = false;
        } else if (operation_) {
            std::string lower = key;
            std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
            operation_->emplace(lower, value);
        } else {
            fields_.emplace(key, value);
        }
        if (std::find(std::begin(name_bearing_keys), std::end(name_bearing_keys), key) != std::end(name_bearing_keys) && !value.empty())
            bear(lines_[at_], lines_[at_].text.substr(lines_[at_].text.find(',')), key);
        return {};
    }
    // The commas may go too: nothing else is in the line.
    void bear(TextLine const& line, std::string_view part, std::string const& field) {
        auto const place = table_.place_of(line, part);
        document_.name_bearing.push_back({place.first, place.second, field});
    }

    std::string field(std::string_view one, std::string_view other = {}) const {
        for (std::string_view const key : {one, other})
            if (auto const found = fields_.find(key); found != fields_.end()) return found->second;
        return {};
    }

    Result<Document> finish() {
        if (results_.empty()) return wrong(0, "there is no result");
        std::uint32_t const rows = number(field("Number of rows", "Number of Rows")),
                            columns = number(field("Number of columns", "Number of Columns"));
        if (rows * columns != wells_)
            return wrong(results_.front().line,
                         fmt::format("the plate is said to have {} × {} wells, the table has {}", rows, columns, wells_));
        std::set<std::pair<std::string, std::string>> seen;
        for (PlateResult& result : results_) {
            auto const technique = std::find_if(std::begin(techniques), std::end(techniques),
                                                [&](Technique const& one) { return result.name.starts_with(one.name); });
            if (technique == std::end(techniques))
                return wrong(result.line,
                             fmt::format("the technique of {} is not known here (ABS, Absorbance, Fluorescence intensity, Luminescence)",
                                         in_quotes(result.name)));
            auto const operation = operations_.find(result.name);
            if (operation == operations_.end())
                return wrong(result.line, fmt::format("the operation {} is not described", in_quotes(result.name)));
            auto const of_operation = [&](std::string_view key) -> std::string {
                auto const found = operation->second.find(key);
                return found == operation->second.end() ? std::string{} : found->second;
            };
            std::string excitation = of_operation("excitation wavelength [nm]"), emission = of_operation("emission wavelength [nm]");
            std::string read = result.name;
            for (std::string_view const repeat : {"Repeat", "PlateRepeat", "WellRepeat"})
                if (auto const found = result.fields.find(repeat);
                    found != result.fields.end() && found->second != "1" && !found->second.empty())
                    read += fmt::format(" {} {}", repeat, found->second);
            if (!seen.emplace(result.barcode, read).second)
                return wrong(result.line, fmt::format("there is a second result {} of {}", in_quotes(read), in_quotes(result.barcode)));
            for (Reading& reading : result.readings) {
                reading.plate = result.barcode;
                reading.read = read;
                reading.unit = technique->unit;
                reading.wavelength_nm = technique->unit == "OD" ? excitation : emission;
                reading.excitation_nm = technique->unit == "OD" ? "" : excitation;
                document_.readings.push_back(std::move(reading));
            }
        }
        if (document_.readings.empty()) return wrong(0, "no table has a reading");
        document_.format = "revvity-kaleido";
        document_.plate = results_.front().barcode;
        document_.started = field("Measurement Started");
        if (std::string const signature = field("Measurement Signature"); !signature.empty()) document_.identity = "kaleido:" + signature;
        document_.notes.push_back(
            fmt::format("Encoding {}, Kaleido {}.", name_of(table_.encoding()), field("Software version", "Software Version")));
        return std::move(document_);
    }
    static std::uint32_t number(std::string_view text) {
        std::uint32_t value = 0;
        std::from_chars(text.data(), text.data() + text.size(), value);
        return value > columns_max ? 0 : value;
    }

    TextTable const& table_;
    std::span<TextLine const> lines_;
    std::size_t at_ = 0;
    std::vector<std::string> cells_;
    std::vector<PlateResult> results_;
    std::uint32_t wells_ = 0;
    Fields fields_;
    std::map<std::string, Fields, std::less<>> operations_;
    Fields* operation_ = nullptr;
    bool pending_ = false;  // 2.0: the operation's name comes in the next line
    Document document_;
};

Result<Document> read(std::string_view bytes) {
    auto const table = TextTable::decode(bytes);
    if (!table) return fail(table.error());
    return Export{*table}.read();
}

bool recognises(std::string_view bytes) {
    TextTable const head = head_of(bytes, recognised_from_bytes);
    auto const lines = head.lines();
    for (TextLine const& line : lines) {
        if (blank(line)) continue;
        std::string_view const first = first_of(line);
        if (first == "EnSight Results from") return true;
        // 2.0: nothing before the first result.
        if (result_of(first).empty()) return false;
        auto const next =
            std::find_if(lines.begin() + (&line - lines.data()) + 1, lines.end(), [](TextLine const& one) { return !blank(one); });
        return next != lines.end() && next->text.starts_with("Barcode:");
    }
    return false;
}

Completeness completeness(std::string_view bytes) { return completeness_of(read(bytes)); }

Result<Document> parse(std::string_view bytes) { return whole_or_refused(read(bytes), "Kaleido export"); }

}  // namespace

}  // namespace kaleido

ExportFormat const& kaleido_format() {
    static constexpr ExportFormat format{"revvity-kaleido",     "Revvity Kaleido export", kaleido::recognises,
                                         kaleido::completeness, kaleido::parse,           nullptr};
    return format;
}

}  // namespace marrowlink
