#include <fmt/format.h>

#include <boost/asio/experimental/awaitable_operators.hpp>

#include "gateway/adapter.hpp"
#include "gateway/gateway.hpp"
#include "gateway/ports.hpp"

namespace marrowlink {

// On the bus that its instrument's line is read by, between two of that line's questions.
Task<Result<json::object>> Gateway::adapter(std::string instrument) {
    using namespace boost::asio::experimental::awaitable_operators;
    Running const* const running = find(instrument);
    if (!running) co_return fail(Fault::usage, fmt::format("There is no instrument \"{}\" in the configuration.", instrument));
    AdapterConfig const* const adapter = adapter_of(running->config);
    if (!adapter || !parts_.bus) co_return fail(Fault::usage, fmt::format("{} is behind no adapter.", instrument));
    auto const bus = parts_.bus(adapter->bus);
    AdapterPlace const place = adapter_place(line_of(running->config), config_.site, config_.gateway);
    std::string const where = describe(*bus, place), detail = running->instrument->status().detail;
    auto reading = read_adapter_report(*bus, place);
    auto late = parts_.clock.sleep_for(adapter_patience);
    auto const first = co_await (std::move(reading) || std::move(late));
    if (first.index() == 1)
        co_return fail(Fault::unavailable, fmt::format("The adapter, {}, did not answer within {} s. {}", where,
                                                       std::chrono::seconds(adapter_patience).count(), detail));
    auto const& report = std::get<0>(first);
    if (!report) co_return fail(report.error());
    auto out = adapter_json(*report, place);
    out["place"] = where;
    co_return out;
}

}  // namespace marrowlink
