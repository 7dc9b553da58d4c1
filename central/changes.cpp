#include "central/changes.hpp"

#include <fmt/format.h>

#include <chrono>
#include <map>
#include <set>

#include "central/evaluation_result.hpp"
#include "core/clock.hpp"

namespace marrowlink::central {
namespace {
std::string text_of(json::value const* value) {
    if (!value || value->is_null()) return {};
    if (value->is_string()) return std::string{value->get_string()};
    if (value->is_double()) return analysis::shortest(value->get_double());
    return json::serialize(*value);
}

std::map<std::string, json::object const*> drugs_in(json::object const& result) {
    std::map<std::string, json::object const*> out;
    if (auto const* const drugs = result.if_contains("drugs"))
        for (auto const& drug : drugs->as_array()) out[std::string{json::string_of(drug.as_object(), "drug")}] = &drug.as_object();
    return out;
}

class Comparing {
 public:
    void text(std::string what, std::string before, std::string after) {
        if (before != after) out_.push_back({std::move(what), std::move(before), std::move(after)});
    }
    // Members of either, those of `before` first.
    void members(std::string const& prefix, json::object const& before, json::object const& after, std::set<std::string_view> const& but) {
        for (auto const& [name, value] : before)
            if (!but.contains(name)) text(prefix + std::string{name}, text_of(&value), text_of(after.if_contains(name)));
        for (auto const& [name, value] : after)
            if (!but.contains(name) && !before.contains(name)) text(prefix + std::string{name}, {}, text_of(&value));
    }
    std::vector<ResultChange> take() { return std::move(out_); }

 private:
    std::vector<ResultChange> out_;
};

json::object const& quality_in(json::object const& result) {
    static json::object const none;
    auto const* const quality = result.if_contains("quality");
    return quality ? quality->as_object() : none;
}

// What an annotation or a list of files is known by.
std::string rests_on(json::object const& result, std::string_view what) {
    auto const* const value = result.if_contains(what);
    if (!value) return "none";
    if (auto const* const annotation = value->if_object())
        return fmt::format("version {} ({:.8})", json::integer_of(*annotation, "version"), json::string_of(*annotation, "sha256"));
    return text_of(value);
}
}  // namespace

std::vector<ResultChange> changes_between(json::object const& before, json::object const& after) {
    Comparing out;
    out.text("verdict", verdict_in(before), verdict_in(after));
    out.members("", before, after, {"software", "files", "layout", "sample", "definitions", "shape", "wells", "quality", "drugs"});
    out.members("quality ", quality_in(before), quality_in(after), {"verdict"});
    auto const was = drugs_in(before), is = drugs_in(after);
    std::set<std::string> names;
    for (auto const& [name, drug] : was) names.insert(name);
    for (auto const& [name, drug] : is) names.insert(name);
    static json::object const none;
    for (std::string const& name : names) {
        auto const found = [&](auto const& drugs) -> json::object const& {
            auto const at = drugs.find(name);
            return at == drugs.end() ? none : *at->second;
        };
        out.members(name + " ", found(was), found(is), {"drug", "x", "y"});
    }
    return out.take();
}

std::string why_changed(json::object const& before, json::object const& after) {
    std::string out;
    for (std::string_view const what : {"software", "barcode", "layout", "sample", "files", "definitions"}) {
        auto const was = rests_on(before, what), is = rests_on(after, what);
        if (was == is) continue;
        if (what == "definitions" && (was == "none" || is == "none")) continue;  // it was not evaluated
        bool const brief = what != "files" && what != "definitions";
        out += fmt::format("{}{}{}", out.empty() ? "" : "; ", what == "sample" ? "sample sheet" : what,
                           brief ? fmt::format(": {}, then {}", was, is) : std::string{});
    }
    return out;
}

Result<std::int64_t> latest_evaluation(Database& database) {
    auto select = database.prepare("SELECT coalesce(max(id), 0) FROM evaluation");
    if (!select) return fail(select.error());
    if (auto const row = select->step(); !row) return fail(row.error());
    return select->integer(0);
}

Result<analysis::ResultTable> changes_since(Database& database, std::int64_t evaluation) {
    auto select = database.prepare(
        "SELECT source.site, source.instrument, run.run, later.barcode, later.evaluated_ms, earlier.result, later.result FROM evaluation "
        "AS later JOIN evaluation AS earlier ON earlier.id = (SELECT max(id) FROM evaluation WHERE run = later.run AND id < later.id) JOIN "
        "run ON run.id = later.run JOIN source ON source.id = run.source WHERE later.id > ?1 ORDER BY later.id");
    if (!select) return fail(select.error());
    select->bind(1, evaluation);
    analysis::ResultTable out{{"site", "instrument", "run", "barcode", "subject", "evaluated", "why", "what", "before", "after"}};
    for (;;) {
        auto const more = select->step();
        if (!more) return fail(more.error());
        if (!*more) return out;
        auto const before = json::parse_object(select->text(5), "stored evaluation");
        if (!before) return fail(before.error());
        auto const after = json::parse_object(select->text(6), "stored evaluation");
        if (!after) return fail(after.error());
        std::string const why = why_changed(*before, *after);
        for (ResultChange const& change : changes_between(*before, *after)) {
            out.row();
            if (out.rows() > changed_rows_max) {
                out.text("There is more; the table ends here.");
                return out;
            }
            for (int const column : {0, 1, 2, 3}) out.text(select->text(column));
            out.text(json::string_of(*after, "subject"));
            out.text(rfc3339(Clock::Utc{std::chrono::milliseconds{select->integer(4)}}));
            out.text(why.empty() ? "another run under this barcode, or another build of this version" : why);
            for (std::string const& cell : {change.what, change.before, change.after}) out.text(cell);
        }
    }
}

}  // namespace marrowlink::central
