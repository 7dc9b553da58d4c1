// Kinetic reads and spectra: "Time" or "Wavelength" down, wells across.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "drivers/gen5/tables.hpp"

namespace marrowlink::gen5 {

namespace {

// "A1" … "AF48"
bool is_well(std::string_view name) {
    std::size_t const digits = name.find_first_of("0123456789");
    if (digits == std::string_view::npos || name.size() - digits > 2 || name[digits] == '0') return false;
    if (name.find_first_not_of("0123456789", digits) != std::string_view::npos) return false;
    unsigned column = 0;
    std::from_chars(name.data() + digits, name.data() + name.size(), column);
    return row_number(name.substr(0, digits)) != 0 && column <= columns_max;
}

}  // namespace

Result<std::size_t> PlateTables::series_wells(Section const& section) {
    if (auto split = split_cells(section.lines[0].text, cells_); !split) return fail(std::move(split.error()));
    while (!cells_.empty() && cells_.back().empty()) cells_.pop_back();
    // A reader that measures the temperature has it in the column before the wells, headed "T° <data set>".
    std::size_t const first = cells_.size() > 1 && cells_[0] == "Time" && cells_[1].starts_with('T') && !is_well(cells_[1]) ? 2 : 1;
    wells_.clear();
    std::set<std::string_view> seen;
    for (std::size_t c = first; c < cells_.size(); ++c) {
        if (!is_well(cells_[c]))
            return fail(Fault::refused, fmt::format("Line {}: column {} of {} is headed {}, expected a well such as A1.",
                                                    section.first_line, c + 1, in_quotes(section.title), in_quotes(cells_[c])));
        if (!seen.insert(cells_[c]).second)
            return fail(Fault::refused, fmt::format("Line {}: the well {} has two columns in {}.", section.first_line, cells_[c],
                                                    in_quotes(section.title)));
        wells_.emplace_back(cells_[c]);
    }
    if (wells_.empty()) return fail(Fault::refused, fmt::format("Line {}: {} has no wells.", section.first_line, in_quotes(section.title)));
    return first;
}

// False: a read that never took place.
Result<bool> PlateTables::series_row(Section const& section, DataSet const* set, std::size_t first_well, std::size_t line,
                                     std::string& previous) {
    if (std::all_of(cells_.begin() + 1, cells_.end(), [](auto cell) { return cell.empty(); })) return false;
    bool const spectrum = set && set->shape == Shape::spectrum;
    if (cells_.size() != first_well + wells_.size())
        return fail(Fault::refused,
                    fmt::format("Line {}: {} of {} has {} values, expected {}.", line, in_quotes(cells_[0]), in_quotes(section.title),
                                cells_.size() - std::min(cells_.size(), first_well), wells_.size()));
    if (first_well == 2) {
        Cell const temperature = classify(cells_[1]);
        if (temperature.kind == CellKind::number) findings_.separator.see(temperature.number, cells_[1], line);
    }
    if (!set) {
        for (std::size_t w = 0; w < wells_.size(); ++w) {
            Cell const cell = classify(cells_[first_well + w]);
            if (cell.kind == CellKind::number) findings_.separator.see(cell.number, cells_[first_well + w], line);
        }
        return true;
    }
    std::string index;
    if (spectrum) {
        Cell const nm = classify(cells_[0]);
        if (nm.kind != CellKind::number)
            return fail(Fault::refused, fmt::format("Line {}: {} stands where {} names a wavelength.", line, in_quotes(cells_[0]),
                                                    in_quotes(section.title)));
        findings_.separator.see(nm.number, cells_[0], line);
        index = cells_[0];
    } else {
        auto seconds = seconds_of(cells_[0]);
        if (!seconds)
            return fail(Fault::refused, fmt::format("Line {} of {}: {}.", line, in_quotes(section.title), seconds.error().message));
        index = std::move(*seconds);
    }
    // Compared as text of numbers without leading zeros: longer before the point is greater.
    auto const after = [](std::string_view a, std::string_view b) {
        std::size_t const x = std::min(a.find_first_of(".,"), a.size()), y = std::min(b.find_first_of(".,"), b.size());
        return x != y ? x > y : a > b;
    };
    if (!previous.empty() && !after(index, previous))
        return fail(Fault::refused, fmt::format("Line {}: {} of {} does not come after the line before it.", line, in_quotes(cells_[0]),
                                                in_quotes(section.title)));
    previous = index;
    for (std::size_t w = 0; w < wells_.size(); ++w) {
        std::string_view const text = cells_[first_well + w];
        if (text.empty()) continue;  // not read
        Reading reading{plate_,
                        std::string{section.title},
                        wells_[w],
                        spectrum ? std::string{} : index,
                        spectrum ? index : set->wavelength_nm,
                        set->excitation_nm,
                        {},
                        set->unit,
                        {}};
        if (auto kept = keep(std::move(reading), text, line, section.title); !kept) return fail(std::move(kept.error()));
    }
    return true;
}

Result<void> PlateTables::series_is_all_there(Section const& section, DataSet const* set, std::size_t rows, bool stopped,
                                              std::string const& last_index) const {
    if (!section.last) return {};
    if (rows == 0) return fail(Fault::unavailable, fmt::format("{} has no values yet.", in_quotes(section.title)));
    if (!set) return {};
    if (set->shape == Shape::spectrum && !set->stop_nm.empty() && last_index != set->stop_nm)
        return fail(Fault::unavailable,
                    fmt::format("{} ends at {} nm, {} nm is announced.", in_quotes(section.title), last_index, set->stop_nm));
    if (set->shape == Shape::kinetic && rows < set->reads && !stopped)
        return fail(Fault::unavailable, fmt::format("{} has {} of {} announced reads.", in_quotes(section.title), rows, set->reads));
    return {};
}

Result<void> PlateTables::series(Section const& section) {
    if (!section.lines.back().terminated)
        return fail(Fault::unavailable, fmt::format("The last line of {} has no end.", in_quotes(section.title)));
    auto const found = raw_set(section.title, true, section.first_line);
    if (!found) return fail(found.error());
    DataSet const* const set = *found;
    auto const first_well = series_wells(section);
    if (!first_well) return fail(first_well.error());
    if (set) {
        bool const times = section.lines[0].text.starts_with("Time");
        if (times != (set->shape == Shape::kinetic))
            return fail(Fault::refused, fmt::format("Line {}: {} is announced as {} but is listed by {}.", section.first_line,
                                                    in_quotes(section.title), name_of(set->shape), times ? "time" : "wavelength"));
        std::size_t const id = static_cast<std::size_t>(set - procedure_.sets.data());
        if (!grids_.emplace(id, std::vector<std::uint32_t>{}).second)
            return fail(Fault::refused, fmt::format("Line {}: {} has two tables.", section.first_line, in_quotes(section.title)));
    }
    std::size_t rows = 0;
    bool stopped = false;  // the present line is a read that never took place
    std::string previous;
    for (std::size_t i = 1; i < section.lines.size(); ++i) {
        if (auto split = split_cells(section.lines[i].text, cells_); !split) return split;
        auto const taken = series_row(section, set, *first_well, section.first_line + i, previous);
        if (!taken) return fail(taken.error());
        ++rows;
        stopped = !*taken;
        if (stopped && set) ++findings_.never_taken;
    }
    return series_is_all_there(section, set, rows, stopped, previous);
}

}  // namespace marrowlink::gen5
