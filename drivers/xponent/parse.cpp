#include "drivers/xponent/parse.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>

#include "drivers/list_table.hpp"
#include "drivers/plate_matrix.hpp"

namespace marrowlink {

namespace xponent {

namespace {

constexpr std::size_t recognised_from_bytes = 4'096;
constexpr std::string_view keys[] = {"Location", "Sample", "Total Events"};
constexpr std::string_view words[] = {"NaN"};
constexpr std::string_view personal_fields[] = {"Operator", "ComputerName", "BatchDescription", "ProtocolDescription"};
constexpr std::string_view checksum = "CRC32: ";

bool is_analyte(std::string_view) { return true; }  // whatever it is called

constexpr ListForm form{keys, is_analyte, {}, {}, {}, words};

// The tables that become readings; the others are worked out of them, or describe them.
struct Measure {
    std::string_view table, unit;
};
constexpr Measure measures[] = {{"Median", "MFI"}, {"Count", "beads"}};

struct Location {
    std::uint32_t plate = 0;
    std::string well;
};
// "1(1,A1)": number, plate, well.
std::optional<Location> location_of(std::string_view text) {
    std::size_t const open = text.find('('), comma = text.find(',');
    if (open == 0 || open == std::string_view::npos || comma == std::string_view::npos || comma < open || !text.ends_with(')')) return {};
    if (digits_from(text, 0) != open) return {};
    Location location;
    auto const [end, bad] = std::from_chars(text.data() + open + 1, text.data() + comma, location.plate);
    auto const place = well_place(text.substr(comma + 1, text.size() - comma - 2));
    if (bad != std::errc{} || end != text.data() + comma || location.plate == 0 || !place) return {};
    location.well = well_name(place->first, place->second);
    return location;
}

class Export {
 public:
    explicit Export(TextTable const& text) : text_(text), lines_(text.lines()) {}

    // `unavailable`: not all there.
    Result<Document> read() {
        if (auto done = find_separator(); !done) return fail(std::move(done.error()));
        if (auto done = find_end(); !done) return fail(std::move(done.error()));
        std::size_t at = 0;
        for (; at < end_; ++at) {
            if (auto done = split_quoted(lines_[at].text, separator_, cells_); !done) return wrong(at, done.error().message);
            if (cells_[0] == "DataType:") break;
            if (cells_.size() > 1 && !cells_[1].empty()) read_field(lines_[at]);
        }
        while (at < end_)
            if (auto done = read_table(at); !done) return fail(std::move(done.error()));
        return finish();
    }

 private:
    tl::unexpected<Error> wrong(std::size_t line, std::string const& why) const {
        return fail(Fault::refused, fmt::format("Line {}: {}.", line + 1, why));
    }

    Result<void> find_separator() {
        std::string_view const first = lines_.front().text;
        std::size_t at = 0;
        std::string cell;
        for (char const separator : {',', ';', '\t'})
            if (at = 0; read_quoted(first, separator, at, cell) && cell == "Program" && at < first.size()) {
                separator_ = separator;
                return {};
            }
        return fail(Fault::unavailable, "the first line does not begin with 'Program'");
    }

    Result<void> find_end() {
        end_ = lines_.size();
        while (end_ > 0 && is_blank(lines_[end_ - 1], separator_)) --end_;
        std::string_view last = end_ == 0 ? std::string_view{} : lines_[end_ - 1].text;
        while (last.ends_with(separator_)) last.remove_suffix(1);
        last = trimmed(last);
        if (last.starts_with('"') && last.ends_with('"') && last.size() > 1) last = last.substr(1, last.size() - 2);
        if (!last.starts_with(checksum) || last.size() != checksum.size() + 8)
            return fail(Fault::unavailable, "the last line, 'CRC32: ' and its eight digits, is missing");
        --end_;
        if (end_ > 0 && lines_[end_ - 1].text.find("-- CRC --") <= 1) --end_;
        return {};
    }

    void read_field(TextLine const& line) {
        fields_.emplace(cells_[0], cells_[1]);
        if (std::find(std::begin(personal_fields), std::end(personal_fields), cells_[0]) == std::end(personal_fields)) return;
        std::size_t at = 0;
        std::string key;
        read_quoted(line.text, separator_, at, key);
        auto const place = text_.place_of(line, line.text.substr(at + 1));
        document_.name_bearing.push_back({place.first, place.second, key});
    }

    // From its "DataType:" line on; `at` is behind it afterwards.
    Result<void> read_table(std::size_t& at) {
        std::size_t const title_line = at++;
        std::string const title = cells_.size() > 1 ? cells_[1] : std::string{};
        if (title.empty() || std::find(titles_.begin(), titles_.end(), title) != titles_.end())
            return wrong(title_line, fmt::format("{} stands where a table's own name is expected", in_quotes(title)));
        titles_.push_back(title);
        auto const measure = std::find_if(std::begin(measures), std::end(measures), [&](Measure const& one) { return one.table == title; });
        if (measure == std::end(measures)) return leave_out(title, at);
        auto list = ListTable::read(text_, {at, separator_}, form);
        if (!list) return fail(list.error());
        at = list->end();
        return read_measure(*measure, *list, at);
    }

    Result<void> leave_out(std::string const& title, std::size_t& at) {
        for (bool heading = true; at < end_; ++at) {
            if (auto done = split_quoted(lines_[at].text, separator_, cells_); !done) return wrong(at, done.error().message);
            if (cells_[0] == "DataType:") break;
            if (is_blank(lines_[at], separator_)) continue;
            if (title == "Warnings/Errors" && !heading && warnings_++ == 0)
                for (auto const& cell : cells_) warning_ += (warning_.empty() ? "" : ": ") + cell;
            if (title == "Audit Logs" && !heading) {
                auto const place = text_.place_of(lines_[at], lines_[at].text);
                document_.name_bearing.push_back({place.first, place.second, title});
            }
            heading = false;
        }
        return {};
    }

    Result<void> read_measure(Measure const& measure, ListTable& list, std::size_t& at) {
        for (auto const key : keys)
            if (!list.has(key)) return wrong(list.heading(), fmt::format("there is no column {}", in_quotes(key)));
        bool const first = document_.readings.empty();
        Document part;
        std::vector<std::string> wells;
        for (auto const& row : list.rows()) {
            auto const location = location_of(list.cell(row, "Location"));
            if (!location)
                return list.wrong(
                    row, fmt::format("{} stands in the column 'Location', expected as '1(1,A1)'", in_quotes(list.cell(row, "Location"))));
            plates_ = plates_ || location->plate != 1;
            wells.push_back(fmt::format("{} {} {}", list.cell(row, "Location"), list.cell(row, "Sample"), list.cell(row, "Total Events")));
            for (auto const& column : list.columns()) {
                bool const events = column == "Total Events";
                if (column == "Location" || column == "Sample" || (events && !first)) continue;
                auto reading = list.reading(row, column);
                if (!reading) return fail(std::move(reading.error()));
                if (!*reading) continue;
                (*reading)->plate = std::to_string(location->plate);
                (*reading)->well = location->well;
                (*reading)->read = events ? column : fmt::format("{} {}", measure.table, column);
                (*reading)->unit = events ? "events" : measure.unit;
                part.readings.push_back(**std::move(reading));
            }
        }
        if (first) wells_ = wells;
        if (wells != wells_)
            return wrong(list.heading(), fmt::format("the table {} does not have the wells, samples and events of {}",
                                                     in_quotes(measure.table), in_quotes(titles_.front())));
        if (auto done = list.finish(part); !done) return done;
        std::move(part.readings.begin(), part.readings.end(), std::back_inserter(document_.readings));
        for (; at < end_; ++at) {
            if (is_blank(lines_[at], separator_)) continue;
            if (auto done = split_quoted(lines_[at].text, separator_, cells_); !done) return wrong(at, done.error().message);
            if (cells_[0] == "DataType:") break;
            return wrong(at, fmt::format("{} stands where a table's name is expected", in_quotes(lines_[at].text)));
        }
        return {};
    }

    Result<Document> finish() {
        std::string left_out;
        for (auto const& measure : measures)
            if (std::find(titles_.begin(), titles_.end(), measure.table) == titles_.end())
                return fail(Fault::refused, fmt::format("There is no table {}.", in_quotes(measure.table)));
        for (auto const& title : titles_)
            if (title != measures[0].table && title != measures[1].table) left_out += (left_out.empty() ? "" : ", ") + in_quotes(title);
        if (document_.readings.empty()) return fail(Fault::refused, "No table has a reading.");
        // One plate has no name.
        if (!plates_)
            for (Reading& reading : document_.readings) reading.plate.clear();
        document_.format = "luminex-xponent";
        document_.plate = document_.readings.front().plate;
        document_.started = fields_["BatchStartTime"];
        if (!fields_["SN"].empty() && !document_.started.empty())
            document_.identity = fmt::format("xponent:{}|{}|{}", fields_["SN"], document_.started, fields_["Batch"]);
        document_.notes.push_back(fmt::format("Encoding {}.", name_of(text_.encoding())));
        if (!left_out.empty()) document_.notes.push_back(fmt::format("Left out as derived, or as no measurement: {}.", left_out));
        if (warnings_ > 0) document_.notes.push_back(fmt::format("The software gives {} warnings, the first: {}", warnings_, warning_));
        return std::move(document_);
    }

    TextTable const& text_;
    std::span<TextLine const> lines_;
    std::size_t end_ = 0;  // the checksum, or its title
    char separator_ = ',';
    std::vector<std::string> cells_, titles_, wells_;
    std::map<std::string, std::string, std::less<>> fields_;
    bool plates_ = false;  // some well is of another plate than the first
    std::size_t warnings_ = 0;
    std::string warning_;
    Document document_;
};

Result<Document> read(std::string_view bytes) {
    auto const text = TextTable::decode(bytes);
    if (!text) return fail(text.error());
    if (text->lines().empty()) return fail(Fault::unavailable, "it is empty");
    return Export{*text}.read();
}

bool recognises(std::string_view bytes) {
    TextTable const head = head_of(bytes, recognised_from_bytes);
    if (head.lines().empty()) return false;
    std::string_view const first = head.lines()[0].text;
    return first.find("Program") <= 1 && first.find("xPONENT") != std::string_view::npos;
}

Completeness completeness(std::string_view bytes) { return completeness_of(read(bytes)); }

Result<Document> parse(std::string_view bytes) { return whole_or_refused(read(bytes), "xPONENT export"); }

}  // namespace

}  // namespace xponent

ExportFormat const& xponent_format() {
    static constexpr ExportFormat format{"luminex-xponent",     "Luminex xPONENT export", xponent::recognises,
                                         xponent::completeness, xponent::parse,           nullptr};
    return format;
}

}  // namespace marrowlink
