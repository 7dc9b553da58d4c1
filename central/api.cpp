#include "central/api.hpp"

#include <fmt/format.h>

#include <boost/asio/async_result.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <charconv>
#include <iterator>

#include "central/changes.hpp"
#include "central/listing.hpp"
#include "central/subjects.hpp"
#include "central/web.hpp"
#include "core/text.hpp"
#include "core/version.hpp"

namespace marrowlink::central {
namespace {
namespace asio = boost::asio;

HttpResponse text_response(std::string body, std::string content_type, unsigned status = 200) {
    HttpResponse response;
    response.status = status;
    response.content_type = std::move(content_type);
    response.body = std::move(body);
    return response;
}

HttpResponse json_response(json::object const& body, unsigned status = 200) {
    HttpResponse response = text_response(json::serialize(body), "application/json", status);
    response.headers.emplace_back("Cache-Control", "no-store");
    return response;
}

HttpResponse error_response(unsigned status, std::string_view sentence) { return json_response(json::object{{"error", sentence}}, status); }

Result<json::object> evaluation_of(Database& database, std::string const& run) {
    std::int64_t id = 0;
    auto const [end, error] = std::from_chars(run.data(), run.data() + run.size(), id);
    if (error != std::errc{} || end != run.data() + run.size())
        return fail(Fault::usage, fmt::format("run is \"{}\", expected a number.", beginning_of(run, 40)));
    return evaluation(database, id);
}

HttpResponse page_response(std::string_view name) {
    constexpr std::pair<std::string_view, std::string_view> types[] = {{".html", "text/html; charset=utf-8"},
                                                                       {".js", "text/javascript; charset=utf-8"},
                                                                       {".css", "text/css; charset=utf-8"},
                                                                       {".svg", "image/svg+xml"}};
    HttpResponse response;
    for (auto const& [suffix, type] : types) {
        if (!name.ends_with(suffix)) continue;
        response.content_type = type;
        if (suffix == ".html") response.body = page_of(name.substr(0, name.size() - suffix.size()));
    }
    if (response.body.empty()) response.fixed_body = web_file(name);
    if (response.body.empty() && response.fixed_body.empty()) return error_response(404, "There is nothing under this address.");
    response.headers.emplace_back("Cache-Control", "no-cache");
    return response;
}
}  // namespace

HttpHandler Api::handler() {
    return [this](HttpRequest const& request) { return answer(request); };
}

Task<HttpResponse> Api::answer(HttpRequest request) {
    if (request.method != "GET" && request.method != "HEAD") co_return error_response(405, "The centre's pages are for reading only.");
    std::string const& path = request.path;
    auto const asked = [&request](char const* name) {
        auto const found = request.query.find(name);
        return found == request.query.end() ? std::string{} : found->second;
    };
    if (path == "/healthz") co_return text_response("ok\n", "text/plain; charset=utf-8");
    if (path == "/metrics") co_return text_response(metrics(), "text/plain; version=0.0.4; charset=utf-8");
    if (path == "/readyz") {
        json::array reasons;
        for (std::string const& reason : why_not_ready()) reasons.emplace_back(reason);
        bool const ready = reasons.empty();
        json::object body{{"ready", ready}};
        body["reasons"] = std::move(reasons);
        co_return json_response(body, ready ? 200 : 503);
    }
    if (path == "/api/runs") {
        auto listing = runs(std::move(request));
        co_return co_await std::move(listing);
    }
    if (path == "/api/evaluation" || path == "/api/subject") {
        bool const of_run = path == "/api/evaluation";
        std::string const of = asked(of_run ? "run" : "id");
        auto asking =
            found([of_run, of](Database& database) { return of_run ? evaluation_of(database, of) : comparison_of(database, of); });
        co_return co_await std::move(asking);
    }
    if (path == "/api/cohort") {
        auto asking = found([this](Database& database) -> Result<json::object> {
            auto const latest = latest_evaluation(database);
            if (!latest) return fail(latest.error());
            if (cohort_.first == *latest) return cohort_.second;
            auto made = cohort_of(database);
            if (made) cohort_ = {*latest, *made};
            return made;
        });
        co_return co_await std::move(asking);
    }
    if (path == "/report.html") {
        auto asking = report(asked("id"));
        co_return co_await std::move(asking);
    }
    co_return page_response(path == "/" ? "index.html" : std::string_view{path}.substr(1));
}

// To be kept, not shown: a page of this centre may not carry its own scripts.
Task<HttpResponse> Api::report(std::string subject) {
    std::function<Result<std::string>(Database&)> question = [subject](Database& database) { return report_of(database, subject); };
    auto asking = ask_store(std::move(question));
    auto html = co_await std::move(asking);
    if (!html) co_return error_response(503, html.error().message);
    if (html->empty()) co_return error_response(404, "The centre has nothing of this name.");
    HttpResponse response = text_response(std::move(*html), "text/html; charset=utf-8");
    response.headers.emplace_back("Cache-Control", "no-store");
    // A subject that the centre knows is capitals, digits and hyphens.
    response.headers.emplace_back("Content-Disposition", fmt::format("attachment; filename=\"{}.html\"", subject));
    co_return response;
}

Task<HttpResponse> Api::runs(HttpRequest request) {
    auto const site = request.query.find("site");
    auto const limit = request.query.find("limit");
    std::int64_t rows = 200;
    if (limit != request.query.end()) {
        std::string const& text = limit->second;
        auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), rows);
        if (error != std::errc{} || end != text.data() + text.size() || rows < 1)
            co_return error_response(400,
                                     fmt::format("limit is \"{}\", expected a number from 1 to {}.", text.substr(0, 40), runs_listed_max));
    }
    std::string const of = site == request.query.end() ? std::string{} : site->second;
    std::function<Result<json::object>(Database&)> question = [of, rows](Database& database) { return listing(database, of, rows); };
    auto asking = ask_store(std::move(question));
    auto found = co_await std::move(asking);
    if (!found) co_return error_response(503, found.error().message);
    json::object body{{"now", rfc3339(clock_.utc())}};
    body["centre"] = centre();
    body["gateways"] = gateways();
    for (auto& member : *found) body[member.key()] = std::move(member.value());
    co_return json_response(body);
}

// Empty means that there is none.
Task<HttpResponse> Api::found(std::function<Result<json::object>(Database&)> question) {
    auto asking = ask_store(std::move(question));
    auto const answer = co_await std::move(asking);
    if (!answer) co_return error_response(answer.error().fault == Fault::usage ? 400 : 503, answer.error().message);
    if (answer->empty()) co_return error_response(404, "The centre has nothing of this name.");
    co_return json_response(*answer);
}

template <class Answer>
Task<Result<Answer>> Api::ask_store(std::function<Result<Answer>(Database&)> question) {
    return asio::async_initiate<asio::use_awaitable_t<> const, void(Result<Answer>)>(
        [this, question = std::move(question)](auto handler) {
            auto kept = std::make_shared<decltype(handler)>(std::move(handler));
            asio::post(store_, [this, question, kept] {
                auto found = std::make_shared<Result<Answer>>(question(database_));
                asio::post(loop_, [found, kept] { std::move (*kept)(std::move(*found)); });
            });
        },
        asio::use_awaitable);
}

json::object Api::centre() const {
    IngestStatus const& status = ingest_.status();
    json::object out{{"version", version}, {"connected", status.connected}, {"storing", status.storing}};
    if (!status.link.empty()) out["link"] = status.link;
    if (!status.store_error.empty()) out["store_error"] = status.store_error;
    if (status.commits > 0) out["latest_commit_age_s"] = std::chrono::duration<double>(clock_.now() - status.latest_commit).count();
    return out;
}

json::array Api::gateways() const {
    json::array out;
    for (auto const& [key, seen] : ingest_.gateways()) {
        out.push_back(json::object{{"site", key.first},
                                   {"gateway", key.second},
                                   {"online", seen.online},
                                   {"version", seen.version},
                                   {"since", rfc3339(seen.since)}});
    }
    return out;
}

std::vector<std::string> Api::why_not_ready() const {
    std::vector<std::string> out;
    IngestStatus const& status = ingest_.status();
    if (!status.connected) out.push_back(status.link.empty() ? "The broker has not answered yet." : "The broker is away: " + status.link);
    if (!status.storing) out.push_back("The last commit failed: " + status.store_error);
    return out;
}

std::string Api::metrics() const {
    IngestStatus const& status = ingest_.status();
    std::string out;
    auto const metric = [&](std::string_view name, std::string_view type, std::string_view help, auto value) {
        fmt::format_to(std::back_inserter(out),
                       "# HELP marrowlink_central_{0} {1}\n# TYPE marrowlink_central_{0} {2}\nmarrowlink_central_{0} {3}\n", name, help,
                       type, value);
    };
    out +=
        "# HELP marrowlink_central_records_total Records taken, by what the ledger made of them.\n# TYPE marrowlink_central_records_total "
        "counter\n";
    for (std::size_t i = 0; i < outcome_count; ++i)
        fmt::format_to(std::back_inserter(out), "marrowlink_central_records_total{{outcome=\"{}\"}} {}\n", name_of(static_cast<Outcome>(i)),
                       status.outcomes[i]);
    metric("connected", "gauge", "1 while the broker is there.", status.connected ? 1 : 0);
    metric("storing", "gauge", "1 while commits succeed.", status.storing ? 1 : 0);
    metric("messages_total", "counter", "MQTT messages received.", status.messages);
    metric("rejected_total", "counter", "Messages that had no place in any stream.", status.rejected);
    metric("let_go_total", "counter", "Messages let go unread because too many waited for the store.", status.let_go);
    metric("commits_total", "counter", "Transactions committed.", status.commits);
    metric("stored_bytes_total", "counter", "Bytes of stored records.", status.bytes);
    metric("held_bytes", "gauge", "Bytes received and not committed.", status.held_bytes);
    metric("acknowledgements_total", "counter", "Acknowledgements published.", status.acknowledgements);
    metric("answers_total", "counter", "Answers published.", status.answers);
    metric("connects_total", "counter", "Connections to the broker.", status.connects);
    metric("gateways_online", "gauge", "Gateways whose latest word is online.",
           std::count_if(ingest_.gateways().begin(), ingest_.gateways().end(), [](auto const& one) { return one.second.online; }));
    if (status.commits > 0)
        metric("latest_commit_age_seconds", "gauge", "Since the latest commit.",
               std::chrono::duration<double>(clock_.now() - status.latest_commit).count());
    return out;
}

}  // namespace marrowlink::central
