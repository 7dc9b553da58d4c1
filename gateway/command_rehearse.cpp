#include <fmt/format.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <csignal>
#include <cstdio>
#include <exception>
#include <optional>

#include "gateway/ask.hpp"
#include "gateway/command.hpp"
#include "gateway/config.hpp"
#include "gateway/rehearsal_text.hpp"
#include "io/system.hpp"

namespace marrowlink {
namespace {
namespace asio = boost::asio;
constexpr std::chrono::milliseconds look{500};
constexpr std::chrono::milliseconds silence_max{30'000};  // of the gateway; then it is left to end the rehearsal by itself
constexpr double lines_wanted = 20;                       // of progress, whatever the length
constexpr std::string_view address = "/api/rehearsal";

// A person watches, or a log does: each line at once.
void say(std::string const& text) {
    fmt::print("{}", text);
    std::fflush(stdout);
}

class Conversation {
 public:
    Conversation(std::filesystem::path socket, double minutes) : socket_(std::move(socket)), minutes_(minutes) {}

    Result<void> run() {
        asio::co_spawn(loop_, talk(), [this](std::exception_ptr failure, Result<void> got) {
            if (failure) std::rethrow_exception(failure);
            result_ = std::move(got);
            loop_.stop();
        });
        loop_.run();
        return result_ ? *std::move(result_) : fail(Fault::unavailable, left());
    }

 private:
    Task<Result<void>> talk() {
        json::object const wanted{{"minutes", minutes_}};
        auto const begun = co_await ask("POST", json::serialize(wanted));
        if (!begun) co_return fail(begun.error());
        began_ = json::string_of(*begun, "began");
        until_ = std::string{json::string_of(*begun, "until").substr(11, 8)} + " UTC";
        say(fmt::format("{}\nThe link is closed until {}; Ctrl-C restores it now.\n", why_a_rehearsal_is_safe, until_));
        hear_signals();
        auto const between = std::chrono::duration<double>(std::clamp(minutes_ * 60 / lines_wanted, 1.0, 30.0));
        auto heard = clock_.now();
        std::optional<Clock::Instant> shown;
        for (;;) {
            auto const now = co_await ask("GET", "");
            if (!now && clock_.now() - heard > silence_max) co_return fail(Fault::unavailable, now.error().message + '\n' + left());
            if (now) {
                heard = clock_.now();
                if (json::string_of(*now, "began") != began_)
                    co_return fail(Fault::unavailable,
                                   "The gateway was started again, which ended the rehearsal; what it kept is being sent.");
                if (json::string_of(*now, "phase") == "over") co_return conclude(*now);
                if (!shown || clock_.now() - *shown >= between) {
                    shown = clock_.now();
                    say(rehearsal_progress(*now) + '\n');
                }
            }
            co_await clock_.sleep_for(look);
        }
    }

    Result<void> conclude(json::object const& over) {
        say(rehearsal_report(over));
        auto const* const caught_up = over.if_contains("caught_up");
        if (caught_up && caught_up->is_bool() && caught_up->get_bool()) return {};
        return fail(Fault::unavailable, "The centre did not get everything in time; the gateway's page shows the link and the backlog.");
    }

    void hear_signals() {
        signals_.async_wait([this](boost::system::error_code failed, int) {
            if (failed) return;
            if (std::exchange(ending_, true)) return loop_.stop();
            say("Restoring the link; once more leaves the rest to the gateway.\n");
            asio::co_spawn(loop_, ask("DELETE", ""), [](std::exception_ptr failure, Result<json::object> ended) {
                if (failure) std::rethrow_exception(failure);
                if (!ended) say(ended.error().message + '\n');
            });
            hear_signals();
        });
    }

    Task<Result<json::object>> ask(std::string method, std::string body) {
        return ask_gateway(socket_, clock_, std::move(method), std::string{address}, std::move(body));
    }
    std::string left() const { return fmt::format("The gateway restores the link by itself, at {} at the latest.", until_); }

    asio::io_context loop_{1};
    SystemClock clock_;
    asio::signal_set signals_{loop_, SIGINT, SIGTERM};
    std::filesystem::path socket_;
    double minutes_;
    std::string began_, until_;
    bool ending_ = false;
    std::optional<Result<void>> result_;
};
}  // namespace

Result<void> rehearse_outage(std::filesystem::path const& config_file, double minutes) {
    auto const config = read_config(config_file);
    if (!config) return fail(config.error());
    return Conversation{config->page.socket, minutes}.run();
}

}  // namespace marrowlink
