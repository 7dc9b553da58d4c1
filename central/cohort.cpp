#include "central/cohort.hpp"

#include <fmt/format.h>

#include <cmath>
#include <map>
#include <set>
#include <string>

#include "central/analysis/change.hpp"
#include "central/analysis/cohort.hpp"
#include "central/analysis/dss.hpp"

namespace marrowlink::central {
namespace {
constexpr double called_below = 0.05;

struct Pairs {
    std::vector<double> diagnosis, relapse;
};
struct Site {
    std::set<std::string> subjects;
    std::map<std::string, Pairs> drugs;
};

void put_number(json::object& into, std::string_view name, double value) {
    if (std::isfinite(value)) into[name] = value;
}

json::array drugs_of(Site const& site) {
    std::vector<analysis::PairedChange> changes;
    std::vector<double> p;
    for (auto const& [drug, pairs] : site.drugs) {
        changes.push_back(analysis::paired_change(pairs.diagnosis, pairs.relapse));
        p.push_back(changes.back().n < cohort_pairs_min ? std::nan("") : changes.back().wilcoxon.p);
    }
    auto const adjusted = analysis::adjusted(p, analysis::Adjustment::benjamini_hochberg);
    json::array out;
    std::size_t i = 0;
    for (auto const& [drug, pairs] : site.drugs) {
        analysis::PairedChange const& change = changes[i];
        json::object row{{"drug", drug}, {"n", change.n}};
        if (change.n < cohort_pairs_min) {
            row["not_evaluable"] = fmt::format("{} of at least {} subjects", change.n, cohort_pairs_min);
        } else {
            put_number(row, "mean_delta", change.mean_delta);
            put_number(row, "lo95", change.t.lo);
            put_number(row, "hi95", change.t.hi);
            put_number(row, "median_delta", change.median_delta);
            put_number(row, "p", p[i]);
            row["exact"] = change.wilcoxon.exact;
            put_number(row, "p_adjusted", adjusted[i]);
            put_number(row, "detectable", change.detectable_mean_delta);
            using Call = analysis::ScoreChange::Call;
            // The ranks' own direction: one subject far off may turn the mean.
            bool const seen = adjusted[i] < called_below && change.hodges_lehmann != 0.0;
            row["call"] = analysis::name_of(!seen ? Call::none_seen : change.hodges_lehmann > 0.0 ? Call::gained : Call::lost);
        }
        out.push_back(std::move(row));
        ++i;
    }
    return out;
}
}  // namespace

json::object cohort(std::vector<json::object> const& comparisons) {
    std::map<std::string, Site> sites;
    std::size_t doubtful = 0, subjects = 0;
    for (json::object const& one : comparisons) {
        bool compared = false;
        for (auto const& value : one.at("drugs").as_array()) {
            json::object const& row = value.as_object();
            if (!row.contains("delta")) continue;
            compared = true;
            Site& site = sites[std::string{json::string_of(row, "site")}];
            site.subjects.emplace(json::string_of(one, "subject"));
            Pairs& pairs = site.drugs[std::string{json::string_of(row, "drug")}];
            pairs.diagnosis.push_back(row.at("diagnosis").as_double());
            pairs.relapse.push_back(row.at("relapse").as_double());
        }
        if (!compared) continue;
        ++subjects;
        if (!one.at("doubts").as_array().empty()) ++doubtful;
    }
    json::array listed;
    for (auto const& [name, site] : sites)
        listed.push_back(json::object{{"site", name}, {"subjects", site.subjects.size()}, {"drugs", drugs_of(site)}});
    return json::object{{"subjects", subjects},
                        {"doubtful", doubtful},
                        {"sites", std::move(listed)},
                        {"definition", analysis::definition_of(analysis::ScoreRule::continuous)}};
}

}  // namespace marrowlink::central
