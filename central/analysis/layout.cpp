#include "central/analysis/layout.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <set>
#include <tuple>

#include "central/analysis/identifying.hpp"
#include "core/text.hpp"

namespace marrowlink::analysis {
namespace {
constexpr std::string_view columns[] = {"well", "drug", "concentration", "unit", "role", "replicate"};
enum : std::size_t { well_column, drug_column, concentration_column, unit_column, role_column, replicate_column };
constexpr PlateShape shapes[] = {{4, 6}, {6, 8}, {8, 12}, {16, 24}, {32, 48}};

std::optional<Role> layout_role(std::string_view word) {
    if (word == "sample" || word == "drug") return Role::sample;
    Role const role = role_of(word);
    return role == Role::sample ? std::nullopt : std::optional{role};
}

bool decimal(std::string_view text) {
    auto const point = text.find('.');
    auto const digits = [](std::string_view part) {
        return !part.empty() && std::all_of(part.begin(), part.end(), [](char c) { return c >= '0' && c <= '9'; });
    };
    return digits(text.substr(0, point)) && (point == std::string_view::npos || digits(text.substr(point + 1)));
}

Error at(Table const& table, std::size_t row, std::size_t column, std::string const& what) {
    return {Fault::refused, fmt::format("{}: {}", table.place(row, column), what)};
}

Result<LayoutWell> well_of(Table const& table, std::size_t row, std::span<std::size_t const> place) {
    auto const cell = [&](std::size_t which) -> std::string const& { return table.text(row, place[which]); };
    LayoutWell well;
    well.name = cell(well_column);
    auto const position = well_position(well.name);
    if (position.row == 0)
        return fail(at(table, row, place[well_column], fmt::format("\"{}\" is no well; wells are A1 to AF48.", well.name)));
    well.row = position.row;
    well.column = position.column;
    auto const role = layout_role(cell(role_column));
    if (!role)
        return fail(at(table, row, place[role_column],
                       fmt::format("\"{}\" is no role; there are sample, negative, positive, untreated and empty.", cell(role_column))));
    well.role = *role;
    well.drug = cell(drug_column);
    bool const dosed = !cell(concentration_column).empty() || !cell(unit_column).empty();
    if (well.role == Role::sample || dosed) {
        auto dose = concentration(cell(concentration_column), cell(unit_column));
        if (!dose) {
            bool const of_unit = dose.error().message.find("unit") != std::string::npos;
            return fail(at(table, row, place[of_unit ? unit_column : concentration_column], dose.error().message));
        }
        well.dose = std::move(*dose);
    }
    if (well.role == Role::sample && well.drug.empty()) return fail(at(table, row, place[drug_column], "a sample without a drug."));
    if (well.role == Role::empty && (dosed || !well.drug.empty()))
        return fail(at(table, row, place[role_column], "an empty well that has a drug or a concentration."));
    std::string const& replicate = cell(replicate_column);
    if (replicate.empty() && well.role != Role::sample) return well;
    auto const [end, fault] = std::from_chars(replicate.data(), replicate.data() + replicate.size(), well.replicate);
    if (fault != std::errc{} || end != replicate.data() + replicate.size() || well.replicate == 0)
        return fail(at(table, row, place[replicate_column], fmt::format("\"{}\" is no replicate; they are 1, 2, 3, …", replicate)));
    return well;
}

// The smallest plate that has all these wells; each well of it must be there.
Result<PlateShape> shape_of(std::vector<LayoutWell> const& wells, std::string const& name) {
    std::uint32_t rows = 0, last_column = 0;
    for (LayoutWell const& well : wells) {
        rows = std::max(rows, well.row);
        last_column = std::max(last_column, well.column);
    }
    auto const shape = std::find_if(std::begin(shapes), std::end(shapes),
                                    [&](PlateShape const& one) { return rows <= one.rows && last_column <= one.columns; });
    if (shape == std::end(shapes))
        return fail(Fault::refused, fmt::format("{}: no plate has {} rows and {} columns.", name, rows, last_column));
    std::set<std::pair<std::uint32_t, std::uint32_t>> there;
    for (LayoutWell const& well : wells) there.emplace(well.row, well.column);
    std::string missing;
    std::size_t count = 0;
    for (std::uint32_t row = 1; row <= shape->rows; ++row)
        for (std::uint32_t column = 1; column <= shape->columns; ++column)
            if (!there.contains({row, column}) && ++count <= 5) missing += (missing.empty() ? "" : ", ") + well_name(row, column);
    if (count > 0)
        return fail(Fault::refused,
                    fmt::format("{}: {} of the {} wells of the plate are not named ({}{}); a well that holds nothing has the role empty.",
                                name, count, shape->wells(), missing, count > 5 ? ", …" : ""));
    return *shape;
}
}  // namespace

Result<Concentration> concentration(std::string_view text, std::string_view unit) {
    struct Unit {
        std::string_view name, exponent;  // of ten, to nM
    };
    static constexpr Unit units[] = {{"nM", "e0"}, {"uM", "e3"}, {"\u00b5M", "e3"}, {"\u03bcM", "e3"}, {"mM", "e6"}, {"M", "e9"}};
    auto const known = std::find_if(std::begin(units), std::end(units), [&](Unit const& one) { return one.name == unit; });
    if (known == std::end(units))
        return fail(Fault::refused, fmt::format("\"{}\" is no unit of a concentration; nM, uM, mM and M are.", unit));
    if (!decimal(text)) return fail(Fault::refused, fmt::format("\"{}\" is no concentration as digits with a decimal point.", text));
    // One reading of digits and power of ten together is rounded once.
    std::string const scaled = std::string{text} + std::string{known->exponent};
    double nm = 0.0;
    auto const [end, fault] = std::from_chars(scaled.data(), scaled.data() + scaled.size(), nm);
    if (fault != std::errc{} || !(nm > 0.0))
        return fail(Fault::refused, fmt::format("a concentration of \"{}\"; concentrations are above 0.", text));
    return Concentration{std::string{text}, std::string{unit}, nm};
}

LayoutWell const* PlateLayout::find(WellPosition position) const {
    if (position.row == 0 || position.row > shape.rows || position.column == 0 || position.column > shape.columns) return nullptr;
    return &wells[(position.row - 1) * shape.columns + position.column - 1];
}

Result<Table> annotation_table(std::string_view bytes, std::string name, std::span<std::string_view const> known) {
    if (bytes.size() > annotation_bytes_max)
        return fail(Fault::refused, fmt::format("{} has {} bytes; at most {} are read.", name, bytes.size(), annotation_bytes_max));
    if (!is_utf8(bytes)) return fail(Fault::refused, fmt::format("{} is not UTF-8.", name));
    auto table = Table::read(bytes, std::move(name));
    if (!table) return table;
    for (std::string const& column : table->columns())
        if (std::find(known.begin(), known.end(), column) == known.end())
            return fail(Fault::refused, fmt::format("{}, line 1: \"{}\" is no column of it; there are: {}.", table->name(),
                                                    beginning_of(column, 40), fmt::join(known, ", ")));
    for (std::size_t row = 0; row < table->rows(); ++row)
        for (std::size_t column = 0; column < table->columns().size(); ++column) {
            std::string const& text = table->text(row, column);
            if (text.size() > annotation_cell_bytes_max)
                return fail(
                    at(*table, row, column, fmt::format("{} bytes; at most {} are taken.", text.size(), annotation_cell_bytes_max)));
            // What it says is not repeated: it may be what must not be spread.
            if (auto const what = identifying(text))
                return fail(at(*table, row, column, fmt::format("it looks like {}; nothing that identifies a person is taken.", *what)));
        }
    return table;
}

Result<PlateLayout> PlateLayout::read(std::string_view bytes, std::string name) {
    auto const table = annotation_table(bytes, std::move(name), columns);
    if (!table) return fail(table.error());
    std::vector<std::size_t> place;
    for (std::string_view const column : columns) {
        auto const found = table->column(column);
        if (!found) return fail(found.error());
        place.push_back(*found);
    }
    PlateLayout layout;
    std::map<std::pair<std::size_t, std::size_t>, std::size_t> seen;
    std::map<std::tuple<std::string, double, std::size_t>, std::size_t> doses;
    for (std::size_t row = 0; row < table->rows(); ++row) {
        auto well = well_of(*table, row, place);
        if (!well) return fail(well.error());
        if (auto const [first, fresh] = seen.emplace(std::pair{well->row, well->column}, row); !fresh)
            return fail(at(*table, row, place[well_column],
                           fmt::format("well {} occurs twice, first at {}.", well->name, table->place(first->second, place[well_column]))));
        if (well->role == Role::sample)
            if (auto const [first, fresh] = doses.emplace(std::tuple{well->drug, well->dose->nm, well->replicate}, row); !fresh)
                return fail(at(*table, row, place[replicate_column],
                               fmt::format("replicate {} of {} at {} {} occurs twice, first at {}.", well->replicate, well->drug,
                                           well->dose->text, well->dose->unit, table->place(first->second, place[replicate_column]))));
        layout.wells.push_back(std::move(*well));
    }
    auto const shape = shape_of(layout.wells, table->name());
    if (!shape) return fail(shape.error());
    layout.shape = *shape;
    std::sort(layout.wells.begin(), layout.wells.end(),
              [](LayoutWell const& a, LayoutWell const& b) { return std::tie(a.row, a.column) < std::tie(b.row, b.column); });
    return layout;
}

}  // namespace marrowlink::analysis
