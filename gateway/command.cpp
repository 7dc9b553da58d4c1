#include "gateway/command.hpp"

#include <fmt/format.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <exception>
#include <iostream>
#include <optional>

#include "core/json.hpp"
#include "gateway/ask.hpp"
#include "gateway/config.hpp"
#include "io/http.hpp"
#include "io/system.hpp"

namespace marrowlink {
namespace {
// One question, one answer.
Result<json::object> ask(std::filesystem::path const& config_file, std::string method, std::string target, std::string body) {
    auto const config = read_config(config_file);
    if (!config) return fail(config.error());
    boost::asio::io_context loop{1};
    SystemClock clock;
    std::optional<Result<json::object>> answer;
    auto question = ask_gateway(config->page.socket, clock, std::move(method), std::move(target), std::move(body));
    boost::asio::co_spawn(loop, std::move(question), [&](std::exception_ptr failure, Result<json::object> got) {
        if (failure) std::rethrow_exception(failure);
        answer = std::move(got);
    });
    loop.run();
    if (!answer) return fail(Fault::broken, "The question to the gateway ended without an answer.");
    return *std::move(answer);
}

json::array list(json::object const& from, std::string_view name) {
    auto const* const found = from.if_contains(name);
    return found && found->is_array() ? found->get_array() : json::array{};
}

json::object part(json::object const& from, std::string_view name) {
    auto const* const found = from.if_contains(name);
    return found && found->is_object() ? found->get_object() : json::object{};
}
}  // namespace

Result<void> ask_to_start(std::filesystem::path const& config_file, std::string const& instrument, std::string const& plate) {
    json::object const body{{"plate", plate}};
    auto const answer = ask(config_file, "POST", fmt::format("/api/instruments/{}/start", url_encoded(instrument)), json::serialize(body));
    if (!answer) return fail(answer.error());
    std::cout << json::string_of(*answer, "run") << '\n';
    return {};
}

Result<void> print_status(std::filesystem::path const& config_file, bool as_json) {
    auto const answer = ask(config_file, "GET", "/api/status", "");
    if (!answer) return fail(answer.error());
    if (as_json) {
        std::cout << json::serialize(*answer) << '\n';
        return {};
    }
    json::object const gateway = part(*answer, "gateway");
    json::object const link = part(*answer, "link");
    json::object const backlog = part(*answer, "backlog");
    fmt::print("{}/{} {}\nlink: {} {}\nbacklog: {} records\n", json::string_of(gateway, "site"), json::string_of(gateway, "id"),
               json::string_of(gateway, "version"), json::string_of(link, "state"), json::string_of(link, "detail"),
               json::integer_of(backlog, "records"));
    for (json::value const& value : list(*answer, "instruments")) {
        if (!value.is_object()) continue;
        json::object const& card = value.get_object();
        auto const* const age = card.if_contains("last_heard_age_s");
        fmt::print(
            "{}: {}{} {}\n", json::string_of(card, "id"), json::string_of(card, "state"),
            age && age->is_number() ? fmt::format(", last heard {:.0f} s ago", age->to_number<double>()) : std::string{", not heard yet"},
            json::string_of(card, "detail"));
    }
    for (json::value const& value : list(*answer, "alarms")) {
        if (!value.is_object()) continue;
        json::object const& alarm = value.get_object();
        fmt::print("{}: {} {}\n", json::string_of(alarm, "severity"), json::string_of(alarm, "what"), json::string_of(alarm, "todo"));
    }
    return {};
}

}  // namespace marrowlink
