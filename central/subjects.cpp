#include "central/subjects.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <map>
#include <vector>

#include "central/analysis/change.hpp"
#include "central/analysis/dss.hpp"
#include "core/clock.hpp"

namespace marrowlink::central {
namespace {
struct Plate {
    std::string site, verdict;
    json::object result;
    bool compared() const { return json::string_of(result, "state") == "evaluated" && (verdict == "pass" || verdict == "review"); }
};

constexpr std::string_view latest_plates =
    "SELECT run.id, source.site, evaluation.barcode, evaluation.verdict, evaluation.reason, evaluation.result FROM evaluation JOIN run ON "
    "run.id = evaluation.run JOIN source ON source.id = run.source WHERE evaluation.subject=?1 AND evaluation.id = (SELECT max(id) FROM "
    "evaluation AS later WHERE later.run = evaluation.run) ORDER BY evaluation.barcode, run.id LIMIT ?2";

Result<json::object> parsed_result(std::string_view text) {
    auto parsed = json::parse(text, "stored evaluation");
    if (!parsed) return fail(parsed.error());
    return parsed->as_object();
}

double number_of(json::object const& from, std::string_view name) {
    auto const* const value = from.if_contains(name);
    return value && value->is_double() ? value->get_double() : std::nan("");
}

// One drug's curves at each timepoint, with the plate that each is from.
struct Curves {
    std::vector<std::pair<Plate const*, json::object const*>> diagnosis, relapse;
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
        if (plate->verdict == "review") flags.emplace_back(fmt::format("{}: the plate is to be reviewed", name));
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
json::array doubts_of(std::vector<Plate> const& plates) {
    json::array out;
    for (std::string_view const item : {"compartment", "medium"}) {
        std::map<std::string, std::string> words;  // by timepoint
        bool differs = false;
        for (Plate const& plate : plates) {
            if (!plate.compared()) continue;
            std::string& word = words[std::string{json::string_of(plate.result, "timepoint")}];
            word = json::string_of(plate.result, item);
        }
        for (auto const& [timepoint, word] : words) differs = differs || word != words.begin()->second;
        if (differs)
            out.emplace_back(fmt::format("The {} is {} at diagnosis and {} at relapse; this alone can shift scores.", item,
                                         words["diagnosis"], words["relapse"]));
    }
    return out;
}
}  // namespace

Result<json::array> subjects(Database& database) {
    auto select = database.prepare(
        "SELECT subject, count(DISTINCT run) FROM evaluation WHERE subject <> '' GROUP BY subject ORDER BY subject LIMIT ?1");
    if (!select) return fail(select.error());
    select->bind(1, subjects_listed_max);
    json::array out;
    for (;;) {
        auto const more = select->step();
        if (!more) return fail(more.error());
        if (!*more) return out;
        out.push_back(json::object{{"subject", select->text(0)}, {"plates", select->integer(1)}});
    }
}

Result<json::object> comparison(Database& database, std::string const& subject) {
    auto select = database.prepare(latest_plates);
    if (!select) return fail(select.error());
    select->bind_text(1, subject).bind(2, subject_plates_max + 1);
    std::vector<Plate> plates;
    json::array listed;
    for (;;) {
        auto const more = select->step();
        if (!more) return fail(more.error());
        if (!*more) break;
        auto result = parsed_result(select->text(5));
        if (!result) return fail(result.error());
        plates.push_back({std::string{select->text(1)}, std::string{select->text(3)}, std::move(*result)});
        json::object plate{
            {"id", select->integer(0)}, {"site", select->text(1)}, {"barcode", select->text(2)}, {"verdict", select->text(3)}};
        json::put_text(plate, "reason", select->text(4));
        for (char const* const member : {"state", "timepoint", "compartment", "medium", "hours_to_test"})
            json::put_text(plate, member, json::string_of(plates.back().result, member));
        listed.push_back(std::move(plate));
    }
    if (plates.empty()) return json::object{};
    json::array doubts = doubts_of(plates);
    std::map<std::string, Curves> drugs;
    if (static_cast<std::int64_t>(plates.size()) > subject_plates_max)
        doubts.emplace_back(fmt::format("More than {} plates: they are not compared.", subject_plates_max));
    else
        for (Plate const& plate : plates) {
            if (!plate.compared()) continue;
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

Result<json::object> evaluation(Database& database, std::int64_t run) {
    auto select = database.prepare(
        "SELECT evaluation.result, evaluation.verdict, evaluation.evaluated_ms, source.site, source.instrument, run.run FROM evaluation "
        "JOIN run ON "
        "run.id = evaluation.run JOIN source ON source.id = run.source WHERE evaluation.run=?1 ORDER BY evaluation.id DESC LIMIT 1");
    if (!select) return fail(select.error());
    select->bind(1, run);
    auto const row = select->step();
    if (!row) return fail(row.error());
    if (!*row) return json::object{};
    auto result = parsed_result(select->text(0));
    if (!result) return result;
    (*result)["id"] = run;
    (*result)["verdict"] = select->text(1);
    (*result)["evaluated"] = rfc3339(Clock::Utc{std::chrono::milliseconds{select->integer(2)}});
    (*result)["site"] = select->text(3);
    (*result)["instrument"] = select->text(4);
    (*result)["run"] = select->text(5);
    return result;
}

}  // namespace marrowlink::central
