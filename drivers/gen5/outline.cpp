#include "drivers/gen5/outline.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "drivers/gen5/parse.hpp"

namespace marrowlink::gen5 {

namespace {

struct HeadKey {
    std::string_view key;
    std::string Head::*field;  // null: read past
    bool name_bearing;
};
constexpr HeadKey head_keys[] = {
    {"Software Version", &Head::software, false},
    {"User Name:", nullptr, true},
    {"Experiment File Path:", nullptr, true},
    {"Protocol File Path:", nullptr, true},
    {"Plate Number", &Head::number, false},
    {"Barcode", &Head::barcode, false},
    {"Barcode:", &Head::barcode, false},
    {"Plate Barcode:", &Head::barcode, false},
    {"Date", &Head::date, false},
    {"Time", &Head::time, false},
    {"Reader Type:", &Head::reader, false},
    {"Reader Serial Number:", &Head::serial, false},
    {"Reading Type", &Head::reading_type, false},
};

HeadKey const* head_key(std::string_view key) {
    auto const* const found = std::find_if(std::begin(head_keys), std::end(head_keys), [&](auto const& k) { return k.key == key; });
    return found == std::end(head_keys) ? nullptr : found;
}

bool is_blank(TextLine const& line) { return line.text.find_first_not_of("\t ") == std::string_view::npos; }

class Outliner {
 public:
    explicit Outliner(TextTable const& table) : table_{table}, lines_{table.lines()} {}

    Result<Outline> run() {
        std::size_t end = lines_.size();
        while (end > 0 && is_blank(lines_[end - 1])) --end;
        if (end == 0) return fail(Fault::unavailable, "The file is empty.");
        for (std::size_t at = 0; at < end;) {
            if (is_blank(lines_[at])) {
                ++at;
                continue;
            }
            std::size_t block = at;
            while (block < end && !is_blank(lines_[block])) ++block;
            if (auto done = take(at, block, block == end); !done) return fail(std::move(done.error()));
            at = block;
        }
        if (!title_.empty()) return fail(Fault::unavailable, fmt::format("The section {} has no values yet.", in_quotes(title_)));
        if (!lines_[end - 1].terminated && !ends_in_matrix_) return fail(Fault::unavailable, "The last line of the file has no end.");
        if (awaits_procedure_) return fail(Fault::unavailable, "Procedure Details is empty: no Results section yet.");
        return std::move(outline_);
    }

 private:
    Section section(std::size_t begin, std::size_t end, bool last) {
        Section made{title_, lines_.subspan(begin, end - begin), begin + 1, last, end < lines_.size()};
        title_ = {};
        return made;
    }

    // One run of lines without a blank one.
    Result<void> take(std::size_t begin, std::size_t end, bool last) {
        if (auto split = split_cells(lines_[begin].text, cells_); !split) return split;
        std::string_view const first = cells_[0];
        bool const alone = std::all_of(cells_.begin() + 1, cells_.end(), [](auto cell) { return cell.empty(); });
        if (outline_.plates.empty() && first != "Software Version")
            return fail(cut(begin, end, last),
                        fmt::format("Line {}: a Gen5 export begins with its Software Version, found {}.", begin + 1, in_quotes(first)));
        if (awaits_procedure_) {
            awaits_procedure_ = false;
            plate().procedure = section(begin, end, last);
            return {};
        }
        if (first == "Time" && !title_.empty()) return table(begin, end, last);
        if (head_key(first)) return head(begin, end, last);
        if (first == "Procedure Details") return procedure(begin, end, last);
        if (plate().procedure.lines.empty())
            return fail(cut(begin, end, last), fmt::format("Line {}: {} stands before Procedure Details.", begin + 1, in_quotes(first)));
        if (first == "Layout" && alone) {
            title_ = first;
            plate().layouts.push_back(section(begin + 1, end, last));
            return {};
        }
        if (first == "Actual Temperature:") return below_title(begin, end, last);
        if (first.empty() || first == "Wavelength" || first == "Curve Name") return table(begin, end, last);
        if (alone) return titled(begin, end, last, first);
        return fail(cut(begin, end, last),
                    fmt::format("Line {}: the section that begins with {} is not known here.", begin + 1, in_quotes(first)));
    }

    // A line without its end may yet become another one.
    Fault cut(std::size_t begin, std::size_t end, bool last) const {
        return last && end - begin == 1 && !lines_[begin].terminated ? Fault::unavailable : Fault::refused;
    }

    Outline::Plate& plate() { return outline_.plates.back(); }

    Result<void> head(std::size_t begin, std::size_t end, bool last) {
        for (std::size_t i = begin; i < end; ++i) {
            if (auto split = split_cells(lines_[i].text, cells_); !split) return split;
            std::string_view const key = cells_[0], value = cells_.size() > 1 ? cells_[1] : std::string_view{};
            if (key == "Software Version") {
                if (!title_.empty())
                    return fail(Fault::refused,
                                fmt::format("Line {}: a plate begins, the section {} before it has no values.", i + 1, in_quotes(title_)));
                if (outline_.plates.size() == plates_max)
                    return fail(Fault::refused,
                                fmt::format("Line {}: the file has more than {} plates, which is the limit.", i + 1, plates_max));
                outline_.plates.emplace_back();
                plate().first_line = i + 1;
            }
            HeadKey const* const known = head_key(key);
            if (known && known->field) {
                std::string& field = plate().head.*known->field;
                if (!field.empty() || !plate().procedure.lines.empty())
                    return fail(Fault::refused, fmt::format("Line {}: {} stands there again within one plate.", i + 1, in_quotes(key)));
                field = value;
            }
            if (!known) {
                if (std::find(outline_.unknown_head.begin(), outline_.unknown_head.end(), key) == outline_.unknown_head.end() &&
                    outline_.unknown_head.size() < derived_names_max)
                    outline_.unknown_head.emplace_back(key);
            }
            if (!known || known->name_bearing) bears_name(lines_[i], key);
        }
        if (last) return fail(Fault::unavailable, "The file ends with its head: no Results section yet.");
        return {};
    }

    void bears_name(TextLine const& line, std::string_view key) {
        std::size_t const tab = line.text.find('\t');
        if (tab == std::string_view::npos || line.text.find_first_not_of("\t ", tab) == std::string_view::npos) return;
        // Characters before the tab, each as wide as the encoding writes it.
        std::size_t before = tab;
        if (table_.encoding() != Encoding::utf8)
            before = static_cast<std::size_t>(std::count_if(line.text.begin(), line.text.begin() + static_cast<std::ptrdiff_t>(tab),
                                                            [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
        std::uint64_t const skip = (before + 1) * table_.bytes_per_ascii();
        std::string field{key.substr(0, std::min<std::size_t>(key.size(), 64))};
        if (field.ends_with(':')) field.pop_back();
        outline_.name_bearing.push_back({line.offset + skip, line.length - skip, std::move(field)});
    }

    Result<void> procedure(std::size_t begin, std::size_t end, bool last) {
        if (!plate().procedure.lines.empty())
            return fail(Fault::refused, fmt::format("Line {}: Procedure Details stands there again within one plate.", begin + 1));
        if (end - begin == 1)
            awaits_procedure_ = true;
        else
            plate().procedure = section(begin + 1, end, last);
        return {};
    }

    // A title, with its table below it or after an empty line.
    Result<void> titled(std::size_t begin, std::size_t end, bool last, std::string_view title) {
        if (!title_.empty())
            return fail(cut(begin, end, last), fmt::format("Line {}: the section {} has no values before {} begins.", begin + 1,
                                                           in_quotes(title_), in_quotes(title)));
        if (title.size() > label_bytes_max)
            return fail(Fault::refused,
                        fmt::format("Line {}: the title {} has more than {} bytes.", begin + 1, in_quotes(title), label_bytes_max));
        title_ = title;
        return below_title(begin + 1, end, last);
    }

    // Temperatures, then perhaps a table.
    Result<void> below_title(std::size_t begin, std::size_t end, bool last) {
        for (; begin < end && lines_[begin].text.starts_with("Actual Temperature:"); ++begin)
            plate().temperatures.push_back({{}, lines_.subspan(begin, 1), begin + 1, false, false});
        if (begin == end) return {};
        if (auto split = split_cells(lines_[begin].text, cells_); !split) return split;
        return table(begin, end, last);
    }

    // cells_ are those of the first line.
    Result<void> table(std::size_t begin, std::size_t end, bool last) {
        if (title_.empty())
            return fail(cut(begin, end, last),
                        fmt::format("Line {}: a table that begins with {} has no title.", begin + 1, in_quotes(lines_[begin].text)));
        bool const matrix = cells_[0].empty(), series = cells_[0] == "Time" || cells_[0] == "Wavelength";
        bool const curve = cells_[0] == "Curve Name" && title_.ends_with("Fitting Results");
        if (!matrix && !series && !curve)
            return fail(cut(begin, end, last), fmt::format("Line {}: the section {} begins with {}, which is no form known here.",
                                                           begin + 1, in_quotes(title_), in_quotes(lines_[begin].text)));
        Section made = section(begin, end, last);
        if (!curve) plate().values.push_back(made);
        ends_in_matrix_ = matrix && last;
        return {};
    }

    TextTable const& table_;
    std::span<TextLine const> lines_;
    std::vector<std::string_view> cells_;
    Outline outline_;
    std::string_view title_;  // of the table that must follow
    bool awaits_procedure_ = false;
    bool ends_in_matrix_ = false;  // whose last line may be whole without an end; the matrix knows
};

}  // namespace

Result<Outline> outline_of(TextTable const& table) { return Outliner{table}.run(); }

}  // namespace marrowlink::gen5
