// The centre over HTTP, all of it for reading:
//   GET /healthz   the loop turns
//   GET /readyz    {"ready", "reasons"}: 503 while the broker is away or the store cannot commit
//   GET /metrics   Prometheus text
//   GET /api/runs  ?site= &limit=   runs, totals, streams, gateways with their age, and the latest refused records
//   GET /api/evaluation ?run=  the latest evaluation of a run, by the number that `runs` give as evaluation.id (subjects.hpp)
//   GET /api/subject    ?id=   a subject's diagnosis against relapse (subjects.hpp)
//   GET /api/cohort             all subjects' changes, drug by drug and site by site (cohort.hpp)
//   GET /report.html    ?id=   a subject's page as one file, to be kept (subject_report.hpp)
//   GET /          the page
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <functional>

#include "central/ingest.hpp"
#include "io/http.hpp"

namespace marrowlink::central {

class Api {
 public:
    // `ingest` is the loop's, `database` the store executor's; both outlive the server that uses handler().
    Api(boost::asio::any_io_executor loop, boost::asio::any_io_executor store, Clock& clock, Ingest const& ingest, Database& database)
        : loop_(std::move(loop)), store_(std::move(store)), clock_(clock), ingest_(ingest), database_(database) {}
    HttpHandler handler();

    std::string metrics() const;
    std::vector<std::string> why_not_ready() const;

 private:
    Task<HttpResponse> answer(HttpRequest request);
    Task<HttpResponse> runs(HttpRequest request);
    Task<HttpResponse> report(std::string subject);
    Task<HttpResponse> found(std::function<Result<json::object>(Database&)> question);
    template <class Answer>
    Task<Result<Answer>> ask_store(std::function<Result<Answer>(Database&)> question);
    json::object centre() const;
    json::array gateways() const;

    // On the store executor only: what all results came to when they ended with this evaluation.
    std::pair<std::int64_t, json::object> cohort_{-1, {}};
    boost::asio::any_io_executor loop_, store_;
    Clock& clock_;
    Ingest const& ingest_;
    Database& database_;
};

}  // namespace marrowlink::central
