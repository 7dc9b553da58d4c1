#include "drivers/envision/parse.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "drivers/decimal.hpp"
#include "drivers/plate_matrix.hpp"
#include "drivers/text_table.hpp"

namespace marrowlink {

namespace envision {

namespace {

constexpr std::size_t recognised_from_bytes = 1'024;
constexpr std::string_view last_line = "Exported with EnVision Workstation version", plate_block = "Plate information",
                           background = "Background information", calculated = "Calculated results", results = "Results for ",
                           assay = "Basic assay information";
constexpr std::string_view name_bearing_keys[] = {"File name format", "Protocol notes", "Last edited by"};

using Fields = std::map<std::string, std::string, std::less<>>;

struct Table {
    std::size_t line = 0;  // of its "Plate information"
    Fields info;
    std::string title;
    bool derived = false;
    std::vector<Reading> readings;  // wavelengths are known at the file's end
};

class Export {
 public:
    explicit Export(TextTable const& table) : table_(table), lines_(table.lines()) {}

    // `unavailable`: not all there.
    Result<Document> read() {
        std::size_t end = lines_.size();
        while (end > 0 && trimmed(lines_[end - 1].text).empty()) --end;
        if (end == 0 || !lines_[end - 1].terminated || !lines_[end - 1].text.starts_with(last_line))
            return fail(Fault::unavailable, fmt::format("its last line is not \"{} …\"", last_line));
        lines_ = lines_.first(end);
        if (lines_.size() < 3) return fail(Fault::unavailable, "there is no plate");
        separator_ = lines_[1].text.starts_with("Plate;") ? ';' : ',';
        while (at_ < lines_.size() && !trimmed(lines_[at_].text).starts_with(assay)) {
            if (trimmed(lines_[at_].text).empty()) {
                ++at_;
                continue;
            }
            if (!trimmed(lines_[at_].text).starts_with(plate_block))
                return wrong(at_, fmt::format("{} stands where \"{}\" is expected", in_quotes(lines_[at_].text), plate_block));
            if (auto done = read_block(); !done) return fail(std::move(done.error()));
        }
        if (auto done = read_protocol(); !done) return fail(std::move(done.error()));
        return finish();
    }

 private:
    tl::unexpected<Error> wrong(std::size_t line, std::string const& why) const {
        return fail(Fault::refused, fmt::format("Line {}: {}.", line + 1, why));
    }
    Result<void> split(std::size_t line) { return split_quoted(lines_[line].text, separator_, cells_); }
    std::string const& cell(std::size_t at) const {
        static std::string const none;
        return at < cells_.size() ? cells_[at] : none;
    }
    bool blank(std::size_t line) const { return trimmed(lines_[line].text).empty(); }
    void pass_blank() {
        while (at_ < lines_.size() && blank(at_)) ++at_;
    }

    Result<void> read_block() {
        Table table;
        table.line = at_++;
        if (at_ + 1 >= lines_.size()) return wrong(at_ - 1, "the plate has no heading");
        if (auto done = split(at_); !done) return done;
        auto const heads = cells_;
        if (auto done = split(at_ + 1); !done) return done;
        for (std::size_t i = 0; i < heads.size(); ++i)
            if (!heads[i].empty()) table.info[heads[i]] = cell(i);
        for (std::string_view const head : {"Plate", "Repeat", "Barcode", "Measurement date"})
            if (!table.info.contains(head)) return wrong(at_, fmt::format("the heading has no {}", in_quotes(head)));
        table.derived = table.info.contains("Formula");
        if (!table.derived)
            for (std::string_view const head : {"Label", "Measinfo", "Kinetics"})
                if (!table.info.contains(head)) return wrong(at_, fmt::format("the heading has no {}", in_quotes(head)));
        if (!table.derived && table.info["Kinetics"] != "0")
            return wrong(at_ + 1, fmt::format("Kinetics is {}, and only 0 is known here", in_quotes(table.info["Kinetics"])));
        at_ += 2;
        pass_blank();
        if (at_ < lines_.size() && trimmed(lines_[at_].text) == background) {
            while (at_ < lines_.size() && !blank(at_)) ++at_;
            pass_blank();
        }
        if (at_ < lines_.size() && (lines_[at_].text.starts_with(results) || lines_[at_].text.starts_with(calculated))) {
            if (lines_[at_].text.starts_with(calculated) != table.derived)
                return wrong(at_, fmt::format("{} does not fit the plate's heading", in_quotes(lines_[at_].text)));
            table.title = trimmed(lines_[at_++].text);
        }
        if (auto done = read_table(table); !done) return done;
        tables_.push_back(std::move(table));
        return {};
    }

    Result<void> read_table(Table& table) {
        MatrixForm form;
        form.separator = separator_;
        form.column_digits = 2;
        form.may_be_bare = true;
        auto const matrix = read_matrix(lines_, at_, form);
        // The file's last line is there: what is missing will not come.
        if (!matrix) return fail(Fault::refused, matrix.error().message);
        at_ = matrix->end;
        if (at_ < lines_.size() && !blank(at_))
            return wrong(at_, fmt::format("{} stands behind the last row", in_quotes(lines_[at_].text)));
        if (table.derived) return {};
        for (PlateMatrix::Cell const& one : matrix->cells) {
            auto reading = reading_of(one, &decimal_);
            if (!reading) return fail(std::move(reading.error()));
            table.readings.push_back(*std::move(reading));
        }
        return {};
    }

    // "key,,,,value" lines; under "Labels:" and "Filters:" in blocks that begin with a name.
    Result<void> read_protocol() {
        std::map<std::string, Fields, std::less<>>* named = nullptr;
        Fields* block = nullptr;
        for (; at_ < lines_.size(); ++at_) {
            if (blank(at_)) {
                block = nullptr;
                continue;
            }
            std::string_view const text = trimmed(lines_[at_].text);
            if (text.ends_with(':') && text.find(separator_) == std::string_view::npos) {
                named = text == "Labels:" ? &labels_ : text == "Filters:" ? &filters_ : nullptr;
                block = nullptr;
                continue;
            }
            if (auto done = split(at_); !done) return done;
            if (cells_.size() < 5) continue;
            std::string key = cell(0);
            while (!key.empty() && (key.back() == ':' || key.back() == ' ')) key.pop_back();
            if (std::find(std::begin(name_bearing_keys), std::end(name_bearing_keys), key) != std::end(name_bearing_keys) &&
                !cell(4).empty()) {
                std::size_t value = 0;
                for (int separators = 0; separators < 4; ++value) separators += lines_[at_].text[value] == separator_;
                auto const place = table_.place_of(lines_[at_], lines_[at_].text.substr(value));
                document_.name_bearing.push_back({place.first, place.second, key});
            }
            if (!named)
                assay_.emplace(key, cell(4));
            else if (!block)
                block = &(*named)[key];
            else
                block->emplace(key, cell(4));
        }
        return {};
    }

    // Of the filter of this kind in the label's description; empty: it has none.
    std::string wavelength_of(Fields const& label, std::string_view kind) const {
        auto const name = label.find(kind);
        if (name == label.end()) return {};
        auto const filter = filters_.find(name->second);
        if (filter == filters_.end()) return {};
        auto const description = filter->second.find(std::string_view{"Description"});
        if (description == filter->second.end()) return {};
        std::string_view text = description->second;
        std::size_t const at = text.find("CWL=");
        if (at == std::string_view::npos) return {};
        text.remove_prefix(at + 4);
        text = text.substr(0, text.find("nm"));
        return decimal_of(text) ? std::string{text} : std::string{};
    }

    Result<Document> finish() {
        auto const decimal = decimal_.decide();
        if (!decimal) return fail(decimal.error());
        std::set<std::string> derived;
        std::set<std::pair<std::string, std::string>> seen;
        for (Table& table : tables_) {
            if (table.derived) {
                derived.insert(table.title);
                continue;
            }
            std::string label = table.info["Label"];
            std::size_t const bracket = label.rfind('(');
            auto const described = labels_.find(std::string_view{label}.substr(0, bracket));
            if (described == labels_.end())
                return wrong(table.line + 2, fmt::format("the label {} is not described under Labels:", in_quotes(label)));
            bool const absorbance = table.title.ends_with("(A)");
            bool const second = table.info["Measinfo"].find("De=2nd") != std::string::npos;
            std::string const excitation = wavelength_of(described->second, "Exc. filter");
            std::string const emission = wavelength_of(described->second, second ? "2nd ems. filter" : "Ems. filter");
            std::string plate = plate_of(table);
            std::string read = label + (second ? " detector 2" : "");
            if (table.info["Repeat"] != "1") read += " repeat " + table.info["Repeat"];
            if (!seen.emplace(plate, read).second)
                return wrong(table.line, fmt::format("there is a second table of {} for {}", in_quotes(read), in_quotes(plate)));
            for (Reading& reading : table.readings) {
                reading.plate = plate;
                reading.read = read;
                reading.wavelength_nm = absorbance ? excitation : emission;
                reading.excitation_nm = absorbance ? "" : excitation;
                reading.unit = unit_of(table.title);
                std::replace(reading.value.begin(), reading.value.end(), ',', '.');
                document_.readings.push_back(std::move(reading));
            }
        }
        if (document_.readings.empty()) return wrong(0, "no table has a reading");
        document_.format = "perkinelmer-envision";
        document_.plate = document_.readings.front().plate;
        document_.started = assay_["Assay Started"];
        if (!assay_["Serial#"].empty() && !assay_["Assay ID"].empty() && !document_.started.empty())
            document_.identity = fmt::format("envision:{}|{}|{}", bare(assay_["Serial#"]), assay_["Assay ID"], document_.started);
        document_.notes.push_back(fmt::format("Cells end with {}, decimal {}.", separator_ == ',' ? "a comma" : "a semicolon",
                                              *decimal == ',' ? "comma" : "point"));
        for (std::string const& title : derived) document_.notes.push_back(fmt::format("Left out as derived: {}.", title));
        return std::move(document_);
    }

    // ="1050209", as Excel is told that it is text.
    static std::string_view bare(std::string_view text) {
        if (text.starts_with('=')) text.remove_prefix(1);
        if (text.size() >= 2 && text.front() == '"' && text.back() == '"') text = text.substr(1, text.size() - 2);
        return trimmed(text);
    }
    static std::string plate_of(Table const& table) {
        std::string_view const barcode = bare(table.info.find("Barcode")->second);
        return barcode.empty() ? "Plate " + table.info.find("Plate")->second : std::string{barcode};
    }
    static std::string unit_of(std::string_view title) {
        std::size_t const at = title.rfind('(');
        if (at == std::string_view::npos || !title.ends_with(')')) return {};
        std::string_view const unit = title.substr(at + 1, title.size() - at - 2);
        return std::string{unit == "A" ? "OD" : unit};
    }

    TextTable const& table_;
    std::span<TextLine const> lines_;
    std::size_t at_ = 0;
    char separator_ = ',';
    std::vector<std::string> cells_;
    std::vector<Table> tables_;
    Fields assay_;
    std::map<std::string, Fields, std::less<>> labels_, filters_;
    DecimalSeparator decimal_;
    Document document_;
};

Result<Document> read(std::string_view bytes) {
    auto const table = TextTable::decode(bytes);
    if (!table) return fail(table.error());
    return Export{*table}.read();
}

bool recognises(std::string_view bytes) {
    TextTable const head = head_of(bytes, recognised_from_bytes);
    if (head.lines().size() < 2 || trimmed(head.lines()[0].text) != plate_block) return false;
    auto const second = head.lines()[1].text;
    return second.starts_with("Plate,Repeat,Barcode,") || second.starts_with("Plate;Repeat;Barcode;");
}

Completeness completeness(std::string_view bytes) { return completeness_of(read(bytes)); }

Result<Document> parse(std::string_view bytes) { return whole_or_refused(read(bytes), "EnVision export"); }

}  // namespace

}  // namespace envision

ExportFormat const& envision_format() {
    static constexpr ExportFormat format{
        "perkinelmer-envision", "PerkinElmer EnVision export", envision::recognises, envision::completeness, envision::parse, nullptr};
    return format;
}

}  // namespace marrowlink
