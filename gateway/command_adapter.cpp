#include "gateway/command_adapter.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <exception>
#include <iostream>
#include <optional>

#include "gateway/adapter.hpp"
#include "gateway/adapter_slots.hpp"
#include "gateway/ask.hpp"
#include "gateway/config.hpp"
#include "gateway/ports.hpp"
#include "io/http.hpp"
#include "io/system.hpp"

namespace marrowlink {
namespace {
class Adapters {
 public:
    static Result<std::unique_ptr<Adapters>> of(std::filesystem::path const& config_file) {
        auto config = read_config(config_file);
        if (!config) return fail(config.error());
        return std::unique_ptr<Adapters>(new Adapters(config_file, *std::move(config)));
    }

    Result<void> list(bool as_json) {
        std::optional<Error> first;
        std::size_t asked = 0, silent = 0;
        json::array all;
        for (InstrumentConfig const& instrument : config_.instruments) {
            if (!adapter_of(instrument)) continue;
            ++asked;
            std::string const where = this->where(instrument);
            auto answer = run(report(instrument));
            if (!answer) {
                ++silent;
                if (!first) first = answer.error();
                all.push_back(json::object{{"instrument", instrument.id}, {"place", where}, {"error", answer.error().message}});
            } else if (as_json) {
                all.push_back(*answer);
            }
            if (!as_json) fmt::print("{}: {}: {}\n", instrument.id, where, answer ? adapter_in_short(*answer) : answer.error().message);
        }
        if (as_json) std::cout << json::serialize(json::object{{"adapters", std::move(all)}}) << '\n';
        if (asked == 0 && !as_json) fmt::print("{} has no instrument behind an adapter.\n", file_.string());
        if (!first) return {};
        return fail(first->fault, fmt::format("{} of {} adapters could not be read.", silent, asked));
    }

    Result<void> show(std::string const& id, bool as_json) {
        auto const instrument = find(id);
        if (!instrument) return fail(instrument.error());
        auto const answer = run(report(**instrument));
        if (!answer) return fail(answer.error());
        if (as_json)
            std::cout << json::serialize(*answer) << '\n';
        else
            std::cout << fmt::format("{}: {}\n", id, where(**instrument)) << adapter_text(*answer);
        return {};
    }

    Result<void> set(std::string const& id, AdapterWish wish) {
        auto const instrument = find(id);
        if (!instrument) return fail(instrument.error());
        auto const done = run(change(**instrument, wish));
        if (!done) return fail(done.error());
        for (std::string const& sentence : *done) std::cout << sentence << '\n';
        return {};
    }

    Result<void> log(std::string const& id) {
        auto const instrument = find(id);
        if (!instrument) return fail(instrument.error());
        auto const text = run(slots(**instrument));
        if (!text) return fail(text.error());
        std::cout << *text;
        return {};
    }

 private:
    Adapters(std::filesystem::path file, Config config)
        : file_(std::move(file)), config_(std::move(config)), buses_(loop_.get_executor(), clock_) {}

    template <class T>
    Result<T> run(Task<Result<T>> question) {
        std::optional<Result<T>> answer;
        boost::asio::co_spawn(loop_, std::move(question), [&](std::exception_ptr failure, Result<T> got) {
            if (failure) std::rethrow_exception(failure);
            answer = std::move(got);
        });
        loop_.restart();
        loop_.run();
        if (!answer) return fail(Fault::broken, "The question ended without an answer.");
        return *std::move(answer);
    }

    Result<InstrumentConfig const*> find(std::string const& id) const {
        std::string known;
        for (InstrumentConfig const& instrument : config_.instruments) {
            if (!adapter_of(instrument)) continue;
            if (instrument.id == id) return &instrument;
            known += fmt::format("{}\"{}\"", known.empty() ? "" : ", ", instrument.id);
        }
        return fail(Fault::usage, fmt::format("{} has no instrument \"{}\" behind an adapter; those behind one: {}.", file_.string(), id,
                                              known.empty() ? "none" : known));
    }

    std::string where(InstrumentConfig const& instrument) const {
        AdapterConfig const& adapter = *adapter_of(instrument);
        return fmt::format("unit {} on {}", adapter.unit, describe(adapter.bus));
    }

    AdapterPlace place(InstrumentConfig const& instrument) const {
        return adapter_place(line_of(instrument), config_.site, config_.gateway);
    }

    Task<Result<json::object>> report(InstrumentConfig const& instrument) {
        auto question =
            ask_gateway(config_.page.socket, clock_, "GET", fmt::format("/api/instruments/{}/adapter", url_encoded(instrument.id)), "");
        auto answer = co_await std::move(question);
        if (answer || !no_gateway(answer.error())) co_return answer;
        auto const bus = buses_.at(adapter_of(instrument)->bus);
        AdapterPlace const at = place(instrument);
        auto const read = co_await read_adapter_report(*bus, at);
        if (!read) co_return fail(read.error());
        auto out = adapter_json(*read, at);
        out["place"] = where(instrument);
        co_return out;
    }

    // Two masters on one bus take each other's answers, and a bus that is reached over TCP has no lock.
    Task<Result<void>> bus_is_free(InstrumentConfig const& instrument, std::string_view command) {
        auto question = ask_gateway(config_.page.socket, clock_, "GET", "/readyz", "");
        auto const answer = co_await std::move(question);
        if (!answer && no_gateway(answer.error())) co_return Result<void>{};
        co_return fail(Fault::unavailable,
                       fmt::format("The gateway is running and has the adapter's bus, {}. Stop it, for example with: sudo systemctl stop "
                                   "marrowlink-gateway; then say again: marrowlink-gateway adapter {} {}; then start it. The adapter keeps "
                                   "what the instrument says meanwhile.",
                                   describe(adapter_of(instrument)->bus), command, instrument.id));
    }

    Task<Result<std::vector<std::string>>> change(InstrumentConfig const& instrument, AdapterWish wish) {
        auto const free = co_await bus_is_free(instrument, "set");
        if (!free) co_return fail(free.error());
        auto const bus = buses_.at(adapter_of(instrument)->bus);
        AdapterPlace const at = place(instrument);
        co_return co_await set_adapter(*bus, at, entropy_, wish);
    }

    Task<Result<std::string>> slots(InstrumentConfig const& instrument) {
        auto const free = co_await bus_is_free(instrument, "log");
        if (!free) co_return fail(free.error());
        auto const bus = buses_.at(adapter_of(instrument)->bus);
        AdapterPlace const at = place(instrument);
        auto const state = co_await read_adapter(*bus, at);
        if (!state) co_return fail(state.error());
        auto const now = clock_.utc();
        auto const log = co_await read_adapter_log(*bus, at, *state);
        if (!log) co_return fail(log.error());
        co_return slots_text(*log, *state, now);
    }

    std::filesystem::path file_;
    Config config_;
    SystemClock clock_;
    SystemEntropy entropy_;
    boost::asio::io_context loop_{1};
    ModbusBuses buses_;
};
}  // namespace

Result<void> list_adapters(std::filesystem::path const& config_file, bool as_json) {
    auto const adapters = Adapters::of(config_file);
    return adapters ? (*adapters)->list(as_json) : fail(adapters.error());
}

Result<void> show_adapter(std::filesystem::path const& config_file, std::string const& instrument, bool as_json) {
    auto const adapters = Adapters::of(config_file);
    return adapters ? (*adapters)->show(instrument, as_json) : fail(adapters.error());
}

Result<void> change_adapter(std::filesystem::path const& config_file, std::string const& instrument, AdapterWish wish) {
    auto const adapters = Adapters::of(config_file);
    return adapters ? (*adapters)->set(instrument, wish) : fail(adapters.error());
}

Result<void> print_adapter_log(std::filesystem::path const& config_file, std::string const& instrument) {
    auto const adapters = Adapters::of(config_file);
    return adapters ? (*adapters)->log(instrument) : fail(adapters.error());
}

}  // namespace marrowlink
