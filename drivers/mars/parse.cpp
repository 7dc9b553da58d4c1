#include "drivers/mars/parse.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "drivers/decimal.hpp"
#include "drivers/plate_matrix.hpp"
#include "drivers/text_table.hpp"

namespace marrowlink {

namespace mars {

namespace {

constexpr std::size_t recognised_from_bytes = 1'024;
constexpr std::string_view raw_data = "Raw Data (";
constexpr std::string_view keys[] = {"User", "Path", "Test run no.", "Test name", "Date", "Time", "ID1", "ID2", "ID3"};
constexpr std::string_view name_bearing_keys[] = {"User", "Path"};

struct Filter {
    std::string wavelength_nm, excitation_nm;
};

// "Key: value" or "Key = value"; an empty key: neither.
std::pair<std::string_view, std::string_view> field_of(std::string_view cell) {
    for (std::string_view const key : keys) {
        if (!cell.starts_with(key)) continue;
        std::string_view rest = cell.substr(key.size());
        if (rest.starts_with(':')) return {key, trimmed(rest.substr(1))};
        if (rest.starts_with(" =")) return {key, trimmed(rest.substr(2))};
    }
    return {};
}

bool is_wavelength(std::string_view text) {
    return (text.size() == 3 || text.size() == 4) && digits_from(text, 0) == text.size() && text[0] != '0';
}

class Export {
 public:
    explicit Export(TextTable const& table) : table_(table), lines_(table.lines()) {}

    // `unavailable`: not all there.
    Result<Document> read() {
        if (auto done = find_separator(); !done) return fail(std::move(done.error()));
        if (auto done = read_head(); !done) return fail(std::move(done.error()));
        while (at_ < lines_.size())
            if (auto done = read_section(); !done) return fail(std::move(done.error()));
        if (!lines_.back().terminated) return fail(Fault::unavailable, "the last line has no end");
        if (document_.readings.empty()) return fail(Fault::unavailable, "there is no table of raw data");
        auto const decimal = separator_.decide();
        if (!decimal) return fail(decimal.error());
        for (Reading& reading : document_.readings) std::replace(reading.value.begin(), reading.value.end(), ',', '.');
        return finish(*decimal);
    }

 private:
    Result<void> wrong(std::size_t line, std::string const& why) const {
        return fail(Fault::refused, fmt::format("Line {}: {}.", line + 1, why));
    }
    Result<void> split(std::size_t line) { return split_cells(lines_[line].text, cells_, cell_end_); }
    bool blank() const {
        return std::all_of(cells_.begin(), cells_.end(), [](auto one) { return one.empty(); });
    }
    std::string_view cell(std::size_t at) const { return at < cells_.size() ? cells_[at] : std::string_view{}; }

    // The heading of a table begins with it.
    Result<void> find_separator() {
        for (TextLine const& line : lines_)
            for (char const one : {',', ';'})
                if (line.text.starts_with(std::string{one} + '1' + one)) {
                    cell_end_ = one;
                    return {};
                }
        return fail(Fault::unavailable, "there is no table of raw data");
    }

    Result<void> read_head() {
        for (; at_ < lines_.size(); ++at_) {
            if (auto done = split(at_); !done) return done;
            if (blank()) continue;
            if (cell(0).starts_with(raw_data)) break;
            bool known = false;
            for (std::string_view const one : cells_) {
                auto const [key, value] = field_of(one);
                if (key.empty()) {
                    if (known && !one.empty()) return wrong(at_, fmt::format("{} is no field known here", in_quotes(one)));
                    continue;
                }
                known = true;
                head_[key] = value;
                if (std::find(std::begin(name_bearing_keys), std::end(name_bearing_keys), key) != std::end(name_bearing_keys) &&
                    !value.empty()) {
                    auto const place = table_.place_of(lines_[at_], value);
                    document_.name_bearing.push_back({place.first, place.second, std::string{key}});
                }
            }
            if (known) continue;
            if (!mode_.empty()) return wrong(at_, fmt::format("{} is no field known here", in_quotes(cell(0))));
            mode_ = cell(0);
            unit_of_value_ = mode_.starts_with("Fluorescence")   ? "RFU"
                             : mode_.starts_with("Luminescence") ? "RLU"
                             : mode_.starts_with("Absorbance")   ? "OD"
                                                                 : "";
            if (unit_of_value_.empty())
                return wrong(at_,
                             fmt::format("the mode is {}, known here are Fluorescence, Luminescence and Absorbance", in_quotes(mode_)));
        }
        for (std::string_view const key : {"Test run no.", "Test name", "Date", "Time", "ID1"})
            if (!head_.contains(key)) return wrong(0, fmt::format("the head has no field {}", in_quotes(key)));
        if (mode_.empty()) return wrong(at_, "no line of the head names the mode");
        return {};
    }

    Result<Filter> filter_of(std::string_view text) const {
        Filter filter;
        if (text == "No filter") return filter;
        auto const refuse = [&] {
            return fail(Fault::refused,
                        fmt::format("Line {}: the filter {} of {} is not known here.", at_ + 1, in_quotes(text), in_quotes(mode_)));
        };
        if (unit_of_value_ == "RFU") {
            std::size_t const slash = text.find('/');
            if (slash == std::string_view::npos || !is_wavelength(text.substr(0, slash)) || !is_wavelength(text.substr(slash + 1)))
                return refuse();
            filter.excitation_nm = text.substr(0, slash);
            filter.wavelength_nm = text.substr(slash + 1);
            return filter;
        }
        std::string_view const first = text.substr(0, text.find(' '));
        std::string_view const rest = trimmed(text.substr(first.size()));
        if (!is_wavelength(first) || digits_from(rest, 0) != rest.size()) return refuse();
        filter.wavelength_nm = first;
        return filter;
    }

    Result<void> read_section() {
        if (auto done = split(at_); !done) return done;
        if (blank()) {
            ++at_;
            return {};
        }
        std::string const title{cell(0)};
        bool const raw = title.starts_with(raw_data);
        if (!raw && field_of(title).first.empty() && !document_.readings.empty()) {
            document_.notes.push_back(fmt::format("{} was left out as derived.", in_quotes(title)));
        } else if (!raw || !title.ends_with(')')) {
            return wrong(at_, fmt::format("{} stands where a table's title is expected", in_quotes(title)));
        }
        Filter filter;
        if (raw) {
            if (!titles_.insert(title).second) return wrong(at_, fmt::format("there is a second table {}", in_quotes(title)));
            auto const found = filter_of(std::string_view{title}.substr(raw_data.size(), title.size() - raw_data.size() - 1));
            if (!found) return fail(found.error());
            filter = *found;
        }
        for (++at_; at_ < lines_.size(); ++at_) {
            if (auto done = split(at_); !done) return done;
            if (!blank()) break;
        }
        if (at_ == lines_.size()) return fail(Fault::unavailable, fmt::format("the table {} is not there", in_quotes(title)));
        return read_table(title, raw, filter);
    }

    Result<void> read_table(std::string const& title, bool raw, Filter const& filter) {
        MatrixForm form;
        form.separator = cell_end_;
        form.may_skip_rows = form.small_behind_z = true;
        auto const matrix = read_matrix(lines_, at_, form);
        if (!matrix) return fail(matrix.error());
        at_ = matrix->end;
        if (!raw) return {};
        for (PlateMatrix::Cell const& one : matrix->cells) {
            auto reading = reading_of(one, &separator_);
            if (!reading) return fail(std::move(reading.error()));
            reading->plate = head_["ID1"];
            reading->read = title;
            reading->wavelength_nm = filter.wavelength_nm;
            reading->excitation_nm = filter.excitation_nm;
            reading->unit = unit_of_value_;
            document_.readings.push_back(*std::move(reading));
        }
        return {};
    }

    Document finish(char decimal) {
        document_.format = "bmg-mars";
        document_.plate = head_["ID1"];
        document_.started = head_["Date"] + " " + head_["Time"];
        document_.identity = fmt::format("mars:{}|{}|{}|{}", head_["Test run no."], document_.started, head_["Test name"], head_["ID1"]);
        document_.notes.insert(document_.notes.begin(),
                               fmt::format("Cells end with {}, decimal {}.", cell_end_ == ',' ? "a comma" : "a semicolon",
                                           decimal == ',' ? "comma" : "point"));
        for (std::string_view const key : {"ID2", "ID3"})
            if (!head_[key].empty()) document_.notes.push_back(fmt::format("{} is {}.", key, in_quotes(head_[key])));
        return std::move(document_);
    }

    TextTable const& table_;
    std::span<TextLine const> lines_;
    std::size_t at_ = 0;
    char cell_end_ = ',';
    std::vector<std::string_view> cells_;
    std::map<std::string_view, std::string> head_;
    std::string mode_;
    std::string_view unit_of_value_;
    std::set<std::string> titles_;
    DecimalSeparator separator_;
    Document document_;
};

Result<Document> read(std::string_view bytes) {
    auto const table = TextTable::decode(bytes);
    if (!table) return fail(table.error());
    if (table->lines().empty()) return fail(Fault::unavailable, "it is empty");
    return Export{*table}.read();
}

bool recognises(std::string_view bytes) {
    TextTable const head = head_of(bytes, recognised_from_bytes);
    if (head.lines().size() < 2) return false;
    auto const first = head.lines()[0].text, second = head.lines()[1].text;
    return field_of(first).first == "User" && first.find("Test run no.") != std::string_view::npos && field_of(second).first == "Test name";
}

Completeness completeness(std::string_view bytes) { return completeness_of(read(bytes)); }

Result<Document> parse(std::string_view bytes) { return whole_or_refused(read(bytes), "MARS export"); }

}  // namespace

}  // namespace mars

ExportFormat const& mars_format() {
    static constexpr ExportFormat format{"bmg-mars", "BMG Labtech MARS plate export", mars::recognises, mars::completeness, mars::parse,
                                         nullptr};
    return format;
}

}  // namespace marrowlink
