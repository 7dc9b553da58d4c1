#include "central/analysis/screened_plate.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <iterator>
#include <limits>
#include <map>
#include <set>

#include "central/analysis/elementary.hpp"
#include "central/analysis/hypothesis.hpp"
#include "central/analysis/statistics.hpp"

namespace marrowlink::analysis {
namespace {
constexpr double none = std::numeric_limits<double>::quiet_NaN();
constexpr std::size_t named_max = 5;

std::string named(std::vector<std::string> const& names) {
    std::string out;
    for (std::size_t i = 0; i < std::min(names.size(), named_max); ++i) out += (i == 0 ? "" : ", ") + names[i];
    return names.size() > named_max ? out + ", …" : out;
}

// The readings of the one plate and data set that counts, or why there is none.
std::string chosen(std::span<Reading const> readings, std::string_view readout, std::vector<Reading const*>& out) {
    std::set<std::string> plates, sets, reads;
    for (Reading const& reading : readings) {
        plates.insert(reading.plate);
        reads.insert(reading.read);
        if (!readout.empty() && reading.read != readout) continue;
        std::string set = reading.read;
        for (auto const& [text, unit] :
             {std::pair{reading.wavelength_nm, " nm"}, std::pair{reading.excitation_nm, " nm excitation"}, std::pair{reading.time_s, " s"}})
            if (!text.empty()) set += fmt::format("{}{}{}", set.empty() ? "" : " ", text, unit);
        sets.insert(std::move(set));
        out.push_back(&reading);
    }
    if (plates.size() > 1) return fmt::format("{} plates in one run: {}", plates.size(), named({plates.begin(), plates.end()}));
    if (out.empty())
        return readings.empty() ? "the run has no readings"
                                : fmt::format("no read \"{}\"; the run has {}", readout, named({reads.begin(), reads.end()}));
    if (sets.size() > 1)
        return fmt::format("{} data sets in one run ({}), and the sample sheet's column readout does not choose one", sets.size(),
                           named({sets.begin(), sets.end()}));
    return {};
}

std::string place(std::vector<Reading const*> const& readings, PlateLayout const& layout, std::vector<ScreenedWell>& wells) {
    std::vector<bool> read(layout.wells.size());
    for (Reading const* const reading : readings) {
        auto const position = well_position(reading->well);
        LayoutWell const* const well = layout.find(position);
        if (!well) return fmt::format("the layout is for {} wells, the run has well {}", layout.shape.wells(), reading->well);
        auto const index = static_cast<std::size_t>(well - layout.wells.data());
        if (read[index]) return fmt::format("well {} was read twice", well_name(position.row, position.column));
        read[index] = true;
        ScreenedWell& screened = wells[index];
        screened.value = reading->value;
        screened.flag = reading->flag;
        if (reading->value.empty()) continue;
        char const* const end = reading->value.data() + reading->value.size();
        auto const parsed = std::from_chars(reading->value.data(), end, screened.signal);
        if (parsed.ec != std::errc{} || parsed.ptr != end || !std::isfinite(screened.signal))
            return fmt::format("\"{}\" in well {} is no finite number", reading->value, well_name(position.row, position.column));
    }
    std::vector<std::string> missing;
    for (std::size_t i = 0; i < layout.wells.size(); ++i)
        if (!read[i] && layout.wells[i].role != Role::empty) missing.push_back(well_name(layout.wells[i].row, layout.wells[i].column));
    if (missing.empty()) return {};
    return fmt::format("{} of the layout's {} wells were not read: {}", missing.size(), layout.shape.wells(), named(missing));
}

ReplicateAgreement agreement(PlateLayout const& layout, std::vector<ScreenedWell> const& wells) {
    std::map<std::pair<std::string, double>, std::map<std::size_t, double>> groups;  // drug and dose → replicate → inhibition
    for (std::size_t i = 0; i < wells.size(); ++i)
        if (layout.wells[i].role == Role::sample && std::isfinite(wells[i].inhibition.npi_median))
            groups[{layout.wells[i].drug, layout.wells[i].dose->nm}][layout.wells[i].replicate] = wells[i].inhibition.npi_median;
    std::vector<double> first, second;
    double squares = 0.0;
    std::size_t freedom = 0;
    for (auto const& [of, replicates] : groups) {
        double sum = 0.0;
        for (auto one = replicates.begin(); one != replicates.end(); ++one) {
            sum += one->second;
            for (auto other = std::next(one); other != replicates.end(); ++other) {
                first.push_back(one->second);
                second.push_back(other->second);
            }
        }
        double const mean = sum / static_cast<double>(replicates.size());
        for (auto const& [number, value] : replicates) squares += (value - mean) * (value - mean);
        freedom += replicates.size() - 1;
    }
    double const r = first.size() < 3 ? none : pearson(first, second);
    return {first.size(), r * r, freedom == 0 ? none : std::sqrt(squares / static_cast<double>(freedom))};
}

}  // namespace

ScreenedPlate ScreenedPlate::of(std::span<Reading const> readings, PlateLayout const& layout, std::string_view readout,
                                std::string const& id) {
    ScreenedPlate out;
    out.wells.assign(layout.wells.size(), {"", "", none, {none, none, none, none}, false});
    std::vector<Reading const*> plate;
    out.not_evaluable = chosen(readings, readout, plate);
    if (out.not_evaluable.empty()) out.not_evaluable = place(plate, layout, out.wells);
    if (!out.not_evaluable.empty()) return out;
    out.readout = plate.front()->read;
    std::vector<PlateWell> wells;
    std::vector<std::size_t> places;  // of these among the layout's
    for (std::size_t i = 0; i < out.wells.size(); ++i) {
        auto const& [name, row, column, role, drug, dose, replicate] = layout.wells[i];
        if (role == Role::empty) continue;
        wells.push_back({row, column, role, out.wells[i].signal});
        places.push_back(i);
        ++(std::isnan(out.wells[i].signal) ? out.excluded : out.used);
    }
    out.quality = quality_of(wells);
    auto const outlying = outlying_controls(wells);
    for (std::size_t i = 0; i < wells.size(); ++i) out.wells[places[i]].outlying = outlying[i];
    auto const controls = Controls::of(wells);
    if (out.quality.verdict == Verdict::not_evaluable) return out;
    if (median(controls.negative) == median(controls.positive)) {
        out.not_evaluable = "negative and positive controls do not differ";
        return out;
    }
    Normalisation const normalisation(controls);
    std::map<std::string, DrugCurve> drugs;
    for (std::size_t i = 0; i < out.wells.size(); ++i) {
        LayoutWell const& well = layout.wells[i];
        if (well.role != Role::empty) out.wells[i].inhibition = normalisation(out.wells[i].signal);
        if (well.role != Role::sample) continue;
        DrugCurve& drug = drugs[well.drug];
        if (std::isnan(out.wells[i].signal)) {
            ++drug.excluded;
            continue;
        }
        drug.x.push_back(log10(well.dose->nm));
        drug.y.push_back(out.wells[i].inhibition.npi_median);
    }
    out.replicates = agreement(layout, out.wells);
    for (auto& [name, drug] : drugs) {
        drug.drug = name;
        drug.curve = Curve::of(drug.x, drug.y, id + '\n' + name, bootstrap_draws);
        out.drugs.push_back(std::move(drug));
    }
    return out;
}

}  // namespace marrowlink::analysis
