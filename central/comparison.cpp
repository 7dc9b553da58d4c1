#include "central/comparison.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "central/analysis/change.hpp"
#include "central/analysis/dss.hpp"
#include "central/evaluation_result.hpp"

namespace marrowlink::central {
namespace {
bool compared(SubjectPlate const& plate) {
    if (json::string_of(plate.result, "state") != "evaluated") return false;
    std::string const verdict = verdict_in(plate.result);
    return verdict == "pass" || verdict == "review";
}

double number_of(json::object const& from, std::string_view name) {
    auto const* const value = from.if_contains(name);
    return value && value->is_double() ? value->get_double() : std::nan("");
}

// One drug's curves at each timepoint, with the plate that each is from.
struct Curves {
    std::vector<std::pair<SubjectPlate const*, json::object const*>> diagnosis, relapse;
};

// Why two curves cannot be compared, or nothing.
std::string obstacle(Curves const& curves) {
    for (auto const& [name, found] : {std::pair{"diagnosis", &curves.diagnosis}, std::pair{"relapse", &curves.relapse}}) {
        if (found->empty()) return fmt::format("no curve at {}", name);
        if (found->size() > 1) return fmt::format("{} curves at {}", found->size(), name);
        json::object const& curve = *found->front().second;
        if (auto const why = json::string_of(curve, "not_evaluable"); !why.empty()) return fmt::format("at {}: {}", name, why);
        if (std::isnan(number_of(curve, "dss2_cont_se"))) return fmt::format("at {}: the score's standard error is not determined", name);
    }
    auto const& [first_plate, first] = curves.diagnosis.front();
    auto const& [last_plate, last] = curves.relapse.front();
    for (char const* const end : {"xmin", "xmax"})
        if (number_of(*first, end) != number_of(*last, end))
            return fmt::format("doses of {:.4g} to {:.4g} nM at diagnosis, {:.4g} to {:.4g} nM at relapse",
                               std::pow(10.0, number_of(*first, "xmin")), std::pow(10.0, number_of(*first, "xmax")),
                               std::pow(10.0, number_of(*last, "xmin")), std::pow(10.0, number_of(*last, "xmax")));
    if (first_plate->site != last_plate->site)
        return fmt::format("diagnosis was measured at {}, relapse at {}, and no bridging control joins them", first_plate->site,
                           last_plate->site);
    return {};
}

json::object row_of(std::string const& drug, Curves const& curves, double& magnitude) {
    json::object row{{"drug", drug}};
    json::array flags;
    for (auto const& [name, found] : {std::pair{"diagnosis", &curves.diagnosis}, std::pair{"relapse", &curves.relapse}}) {
        if (found->size() != 1) continue;
        auto const& [plate, curve] = found->front();
        if (double const score = number_of(*curve, "dss2_cont"); !std::isnan(score)) row[name] = score;
        if (auto const flag = json::string_of(*curve, "flag"); !flag.empty()) flags.emplace_back(fmt::format("{}: {}", name, flag));
        if (verdict_in(plate->result) == "review") flags.emplace_back(fmt::format("{}: the plate is to be reviewed", name));
    }
    if (!flags.empty()) row["flags"] = std::move(flags);
    magnitude = -1.0;
    if (std::string const why = obstacle(curves); !why.empty()) {
        row["not_comparable"] = why;
        return row;
    }
    auto const score = [](json::object const& curve) {
        return analysis::Score{number_of(curve, "dss2_cont"), number_of(curve, "dss2_cont_se")};
    };
    auto const change = analysis::score_change(score(*curves.diagnosis.front().second), score(*curves.relapse.front().second));
    row["site"] = curves.diagnosis.front().first->site;
    row["delta"] = change.delta;
    if (!std::isnan(change.lo)) {
        row["lo95"] = change.lo;
        row["hi95"] = change.hi;
    }
    row["detectable"] = change.detectable;
    row["call"] = analysis::name_of(change.call);
    magnitude = std::fabs(change.delta);
    return row;
}

// What is known to shift scores and is not the same on both sides.
json::array doubts_of(std::vector<SubjectPlate> const& plates) {
    json::array out;
    for (std::string_view const item : {"compartment", "medium"}) {
        std::map<std::string, std::set<std::string>> words;  // by timepoint
        for (SubjectPlate const& plate : plates) {
            if (!compared(plate)) continue;
            words[std::string{json::string_of(plate.result, "timepoint")}].emplace(json::string_of(plate.result, item));
        }
        bool const differs = std::any_of(words.begin(), words.end(),
                                         [&](auto const& one) { return one.second.size() > 1 || one.second != words.begin()->second; });
        if (differs)
            out.emplace_back(fmt::format("The {} is {} at diagnosis and {} at relapse; this alone can shift scores.", item,
                                         fmt::join(words["diagnosis"], " or "), fmt::join(words["relapse"], " or ")));
    }
    return out;
}

json::object of_plate(SubjectPlate const& plate) {
    json::object out{{"id", plate.id}, {"site", plate.site}, {"instrument", plate.instrument}, {"run", plate.run}};
    out["verdict"] = verdict_in(plate.result);
    json::put_text(out, "reason", reason_in(plate.result));
    for (char const* const member : {"barcode", "state", "timepoint", "compartment", "medium", "hours_to_test", "readout", "software",
                                     "layout", "sample", "files", "definitions"})
        if (auto const* const value = plate.result.if_contains(member)) out[member] = *value;
    return out;
}
}  // namespace

json::object comparison(std::string const& subject, std::vector<SubjectPlate> const& plates) {
    json::array listed;
    for (SubjectPlate const& plate : plates) listed.push_back(of_plate(plate));
    json::array doubts = doubts_of(plates);
    std::map<std::string, Curves> drugs;
    if (plates.size() > subject_plates_max)
        doubts.emplace_back(fmt::format("More than {} plates: they are not compared.", subject_plates_max));
    else
        for (SubjectPlate const& plate : plates) {
            if (!compared(plate)) continue;
            bool const first = json::string_of(plate.result, "timepoint") == "diagnosis";
            for (auto const& drug : plate.result.at("drugs").as_array()) {
                Curves& curves = drugs[std::string{json::string_of(drug.as_object(), "drug")}];
                (first ? curves.diagnosis : curves.relapse).emplace_back(&plate, &drug.as_object());
            }
        }
    std::vector<std::pair<double, json::object>> rows;
    for (auto const& [name, curves] : drugs) {
        double magnitude = 0.0;
        json::object row = row_of(name, curves, magnitude);
        rows.emplace_back(magnitude, std::move(row));
    }
    std::stable_sort(rows.begin(), rows.end(), [](auto const& a, auto const& b) { return a.first > b.first; });
    json::array table;
    for (auto& [magnitude, row] : rows) table.push_back(std::move(row));
    return json::object{{"subject", subject},
                        {"definition", analysis::definition_of(analysis::ScoreRule::continuous)},
                        {"interval", "both scores' standard errors (parametric bootstrap, 499 draws); no run-to-run variation"},
                        {"plates", std::move(listed)},
                        {"doubts", std::move(doubts)},
                        {"drugs", std::move(table)}};
}

}  // namespace marrowlink::central
