#include "drivers/gen5/tables.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace marrowlink::gen5 {

namespace {

// Rows of a plate type such as "96 WELL PLATE" with this many columns; 0 when the text does not say.
std::uint32_t rows_of(std::string_view plate_type, std::size_t columns) {
    for (std::size_t at = 0; at < plate_type.size();) {
        std::size_t const begin = plate_type.find_first_of("0123456789", at);
        if (begin == std::string_view::npos) return 0;
        std::size_t end = plate_type.find_first_not_of("0123456789", begin);
        if (end == std::string_view::npos) end = plate_type.size();
        std::string_view const digits = plate_type.substr(begin, end - begin);
        std::uint32_t wells = 0;
        std::from_chars(digits.data(), digits.data() + digits.size(), wells);
        auto const shape = plate_shape(wells);
        if (shape && shape->columns == columns) return shape->rows;
        at = end;
    }
    return 0;
}

}  // namespace

Result<DataSet const*> PlateTables::raw_set(std::string_view name, bool in_series, std::size_t line) {
    if (name.size() > label_bytes_max)
        return fail(Fault::refused, fmt::format("Line {}: the name {} has more than {} bytes.", line, in_quotes(name), label_bytes_max));
    auto found = procedure_.find(name);
    if (!found) return fail(Fault::refused, fmt::format("Line {}: {}", line, found.error().message));
    if (!*found) {
        if (findings_.derived.size() < derived_names_max) findings_.derived.emplace(name);
        if (free_names_.size() < derived_names_max && !procedure_.derives(name)) free_names_.emplace(name);
        return nullptr;
    }
    DataSet const& set = **found;
    if ((set.shape == Shape::endpoint) == in_series)
        return fail(Fault::refused, fmt::format("Line {}: {} is announced as {} but stands in a {}.", line, in_quotes(name),
                                                name_of(set.shape), in_series ? "table of times or wavelengths" : "plate matrix"));
    found_.insert(static_cast<std::size_t>(&set - procedure_.sets.data()));
    return &set;
}

Result<void> PlateTables::keep(Reading reading, std::string_view text, std::size_t line, std::string_view title) {
    Cell const cell = classify(text);
    if (cell.kind == CellKind::unknown)
        return fail(Fault::refused,
                    fmt::format("Line {}, well {} of {}: {} is neither a number nor a word known here (OVRFLW, MISSED, a run of "
                                "? or *, >number, <number).",
                                line, reading.well, in_quotes(title), in_quotes(text)));
    findings_.separator.see(cell.number, text, line);
    if (findings_.readings.size() == readings_max)
        return fail(Fault::refused, fmt::format("Line {}: the file holds more than {} readings, which is the limit.", line, readings_max));
    (cell.kind == CellKind::number ? reading.value : reading.flag) = text;
    findings_.readings.push_back(std::move(reading));
    return {};
}

Result<std::size_t> PlateTables::matrix_columns(Section const& section) {
    if (auto split = split_cells(section.lines[0].text, cells_); !split) return fail(std::move(split.error()));
    while (cells_.size() > 1 && cells_.back().empty()) cells_.pop_back();
    for (std::size_t c = 1; c < cells_.size(); ++c)
        if (cells_[c] != std::to_string(c) || c > columns_max)
            return fail(Fault::refused,
                        fmt::format("Line {}: column {} of {} is headed {}, expected {}{}.", section.first_line, c,
                                    in_quotes(section.title), in_quotes(cells_[c]), c, c > columns_max ? " at most 48" : ""));
    return cells_.size() - 1;
}

// One line's cells, already in cells_, into readings or out of them.
Result<void> PlateTables::matrix_values(Section const& section, std::string_view row, std::size_t columns, std::size_t line) {
    auto found = raw_set(cells_[columns + 1], false, line);
    if (!found) return fail(std::move(found.error()));
    DataSet const* const set = *found;
    std::vector<std::uint32_t>* const grid = set ? &grids_[static_cast<std::size_t>(set - procedure_.sets.data())] : nullptr;
    if (grid && grid->empty()) grid->resize(rows_max * columns_max);
    for (std::size_t c = 1; c <= columns; ++c) {
        if (!set) {
            Cell const cell = classify(cells_[c]);
            if (cell.kind == CellKind::number) findings_.separator.see(cell.number, cells_[c], line);
            continue;
        }
        if (cells_[c].empty()) continue;  // not read
        std::uint32_t& slot = (*grid)[(row_number(row) - 1) * columns_max + c - 1];
        if (slot != 0) {
            Reading const& earlier = findings_.readings[slot - 1];
            if (slot > section_begins_ || (earlier.value != cells_[c] && earlier.flag != cells_[c]))
                return fail(Fault::refused,
                            fmt::format("Line {}: well {}{} of {} is written twice, {} and {}.", line, row, c, in_quotes(set->label),
                                        in_quotes(earlier.value + earlier.flag), in_quotes(cells_[c])));
            continue;
        }
        Reading reading{plate_,
                        std::string{cells_[columns + 1]},
                        std::string{row} + std::to_string(c),
                        {},
                        set->wavelength_nm,
                        set->excitation_nm,
                        {},
                        set->unit,
                        {}};
        if (auto kept = keep(std::move(reading), cells_[c], line, section.title); !kept) return kept;
        slot = static_cast<std::uint32_t>(findings_.readings.size());
    }
    return {};
}

Result<void> PlateTables::same_names(Section const& section, std::string_view row, std::vector<std::string>& names,
                                     std::vector<std::string>& first, bool may_grow) const {
    std::sort(names.begin(), names.end());
    if (first.empty()) first = names;
    if (names == first) return {};
    return fail(may_grow ? Fault::unavailable : Fault::refused,
                fmt::format("Row {} of {} has {} data sets, the rows before it {} others or more.", row, in_quotes(section.title),
                            names.size(), first.size()));
}

// The last line of the file has no end: its name may be the beginning of a longer one.
Result<void> PlateTables::cut_name_is_whole(std::string_view name) const {
    for (auto const& [spelling, owners] : procedure_.spellings)
        if (spelling.size() > name.size() && spelling.starts_with(name))
            return fail(Fault::unavailable, fmt::format("The last line ends in {} without an end of line.", in_quotes(name)));
    if (!procedure_.spellings.contains(std::string{name}))
        return fail(Fault::unavailable, fmt::format("The last line ends in {} without an end of line.", in_quotes(name)));
    return {};
}

Result<void> PlateTables::rows_are_all_there(Section const& section, std::vector<std::uint32_t> const& rows, std::size_t columns) const {
    std::vector<std::uint32_t> expected;
    if (procedure_.full_plate) expected = layout_rows_;
    std::uint32_t from = procedure_.first_row, to = procedure_.last_row;
    // Wells chosen at run time may be fewer than the plate has; then only the empty line after the table shows its end.
    if (procedure_.full_plate && !(procedure_.chosen_at_runtime && section.closed)) from = 1, to = rows_of(procedure_.plate_type, columns);
    if (expected.empty() && from != 0)
        for (std::uint32_t r = from; r <= to; ++r) expected.push_back(r);
    auto const missing =
        std::count_if(expected.begin(), expected.end(), [&](auto r) { return !std::binary_search(rows.begin(), rows.end(), r); });
    if (!rows.empty() && missing == 0) return {};
    return fail(section.last ? Fault::unavailable : Fault::refused,
                fmt::format("{} has {} plate rows, expected {}.", in_quotes(section.title), rows.size(),
                            expected.empty() ? "at least one" : std::to_string(expected.size())));
}

Result<void> PlateTables::matrix(Section const& section) {
    section_begins_ = findings_.readings.size();
    has_matrix_ = true;
    if (!section.lines[0].terminated) return fail(Fault::unavailable, fmt::format("{} has no rows yet.", in_quotes(section.title)));
    auto const columns = matrix_columns(section);
    if (!columns) return fail(columns.error());
    std::vector<std::uint32_t> rows;
    std::vector<std::string> names, first_names;
    std::string row;
    for (std::size_t i = 1; i < section.lines.size(); ++i) {
        TextLine const& text = section.lines[i];
        std::size_t const line = section.first_line + i;
        if (auto split = split_cells(text.text, cells_); !split) return split;
        while (cells_.size() > *columns + 2 && cells_.back().empty()) cells_.pop_back();
        bool const whole = cells_.size() == *columns + 2 && !cells_.back().empty();
        if (!whole && !text.terminated)
            return fail(Fault::unavailable, fmt::format("Line {}, the last of {}, stops in its middle.", line, in_quotes(section.title)));
        if (!cells_[0].empty()) {
            std::uint32_t const number = row_number(cells_[0]);
            if (number == 0 || (!rows.empty() && number <= rows.back()))
                return fail(Fault::refused, fmt::format("Line {}: {} stands where the next plate row of {} is expected.", line,
                                                        in_quotes(cells_[0]), in_quotes(section.title)));
            if (!rows.empty())
                if (auto same = same_names(section, row, names, first_names, false); !same) return same;
            names.clear();
            rows.push_back(number);
            row = cells_[0];
        }
        if (rows.empty())
            return fail(Fault::refused, fmt::format("Line {}: {} begins without a plate row.", line, in_quotes(section.title)));
        if (!whole)
            return fail(Fault::refused,
                        fmt::format("Line {}: row {} of {} has {} cells, expected {} values and the name of their data set.", line, row,
                                    in_quotes(section.title), cells_.size() - 1, *columns));
        std::string_view const name = cells_.back();
        if (!text.terminated && std::find(first_names.begin(), first_names.end(), name) == first_names.end())
            if (auto uncut = cut_name_is_whole(name); !uncut) return uncut;
        if (section.title != "Results" && name != section.title)
            return fail(Fault::refused,
                        fmt::format("Line {}: the section {} holds the data set {}.", line, in_quotes(section.title), in_quotes(name)));
        if (names.size() == data_sets_max)
            return fail(Fault::refused, fmt::format("Line {}: row {} has more than {} data sets.", line, row, data_sets_max));
        names.emplace_back(name);
        if (auto done = matrix_values(section, row, *columns, line); !done) return done;
    }
    if (!rows.empty())
        if (auto same = same_names(section, row, names, first_names, section.last); !same) return same;
    return rows_are_all_there(section, rows, *columns);
}

Result<void> PlateTables::finish(bool last_plate) const {
    std::string absent;
    bool series_absent = false;
    for (std::size_t i = 0; i < procedure_.sets.size(); ++i) {
        if (found_.contains(i) || procedure_.sets[i].optional) continue;
        absent += (absent.empty() ? "" : ", ") + procedure_.sets[i].label;
        if (procedure_.sets[i].shape != Shape::endpoint) series_absent = true;
    }
    bool const nothing = found_.empty() && free_names_.empty() && !has_matrix_;
    if (nothing)
        return fail(last_plate ? Fault::unavailable : Fault::refused,
                    fmt::format("There is no Results section and no other section with values (announced: {}).", absent));
    if (absent.empty()) return {};
    // A name that nothing explains may be the missing set under a name not known here: leaving it out would lose readings silently.
    if (!free_names_.empty())
        return fail(Fault::refused,
                    fmt::format("The announced data set {} is not there by that name; the file has {}, which is not known here.",
                                in_quotes(absent), in_quotes(*free_names_.begin())));
    if (found_.empty() && has_matrix_)
        return fail(Fault::refused,
                    fmt::format("The file has only derived data sets; the measured {} was not exported.", in_quotes(absent)));
    if (last_plate && (series_absent || !has_matrix_))
        return fail(Fault::unavailable, fmt::format("The announced data set {} is not there yet.", in_quotes(absent)));
    return {};
}

}  // namespace marrowlink::gen5
