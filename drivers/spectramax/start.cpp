// Starting a read from the gateway: the request, its way to next(), and what next() then does.
#include <fmt/format.h>

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <utility>

#include "drivers/spectramax/driver.hpp"

namespace marrowlink::spectramax {

void SpectraMax::Request::finish(Result<void> with) {
    result = std::move(with);
    told.announce();
}

Task<Result<void>> SpectraMax::start(StartRequest what) {
    using namespace boost::asio::experimental::awaitable_operators;
    if (request_) co_return fail(Fault::refused, "Another start is waiting for this reader; wait for its answer.");
    auto const request = std::make_shared<Request>();
    request->what = std::move(what);
    request_ = request;
    asked_.announce();
    // From here on only what outlives this driver is touched: the connection may end while we wait.
    Clock& clock = clock_;
    Clock::Instant const limit = clock.now() + start_wait;
    while (!request->result) {
        if (!request->taken && clock.now() >= limit) {
            request->withdrawn = true;
            co_return fail(Fault::timed_out, "The reader was not free within 60 s (its line is busy or silent); nothing was started.");
        }
        auto sleep = clock.sleep_until(request->taken ? Clock::Instant::max() : limit);
        auto told = request->told.beyond(0);
        co_await (std::move(sleep) || std::move(told));
    }
    co_return *request->result;
}

Task<void> SpectraMax::take_up(std::shared_ptr<Request> request) {
    request->taken = true;
    // The connection may be destroyed under us, as everything may be; then the one who waits must still hear of it.
    struct Promise {
        Request& request;
        ~Promise() {
            if (!request.result)
                request.finish(fail(Fault::unavailable, "The connection to the reader ended while the read was being started."));
        }
    } const promise{*request};
    auto const begun = co_await begin(request->what);
    request->finish(begun);
}

std::vector<std::string> SpectraMax::set_up() const {
    // ANSI/SLAS 4: centre of A1, then the pitch.
    bool const dense = options_.wells == 384;
    return {fmt::format("!XPOS {} {} {}", dense ? "12.130" : "14.380", dense ? "4.500" : "9.000", dense ? 24 : 12),
            fmt::format("!YPOS {} {} {}", dense ? "8.990" : "11.240", dense ? "4.500" : "9.000", dense ? 16 : 8),
            fmt::format("!STRIP 1 {}", dense ? 24 : 12),
            "!CSPEED 8",
            "!SHAKE OFF",
            fmt::format("!WAVELENGTH {}", fmt::join(options_.wavelengths_nm, " ")),
            fmt::format("!CALIBRATE {}", options_.calibrate),
            "!MODE ENDPOINT",
            "!ORDER COLUMN",
            "!SPEED OFF",
            "!TAG OFF",
            "!READTYPE ABSPLA"};
}

Task<Result<void>> SpectraMax::begin(StartRequest what) {
    if (options_.open_run)
        co_return fail(Fault::refused,
                       fmt::format("The reader is still busy with run {}; start again when it has ended.", options_.open_run->run));
    auto const status = co_await ask_status();
    if (!status) co_return fail(status.error());
    if (!status->idle()) co_return fail(Fault::refused, fmt::format("The reader says {}; start again when it says IDLE.", status->state));
    auto const held = co_await ask("!TRANSFER");
    if (!held) co_return fail(held.error());
    if (held->ok()) {
        // What could not be read stays there until a person has seen to it; anything else is about to be collected.
        look_ = look_ || !unreadable_;
        co_return fail(Fault::refused,
                       unreadable_ ? "The reader still holds a plate that could not be read; check the cable. It is asked for every minute."
                                   : "The reader still holds an earlier plate, which is being collected; start again in a moment.");
    }
    if (held->failure != no_data)
        co_return fail(Fault::refused, fmt::format("The reader is not ready: FAIL {}, {}.", held->failure, words_of(held->failure)));
    for (std::string const& command : set_up()) {
        auto const done = co_await ask(command);
        if (!done) co_return fail(done.error());
        if (!done->ok())
            co_return fail(Fault::refused,
                           fmt::format("The reader refused {}: FAIL {}, {}.", command, done->failure, words_of(done->failure)));
    }
    Exchange const go = co_await exchange("!READ", false);
    if (go.reply && !go.reply->ok())
        co_return fail(Fault::refused,
                       fmt::format("The reader refused !READ: FAIL {}, {}.", go.reply->failure, words_of(go.reply->failure)));
    if (!go.reply && line_is_gone(go.reply.error())) co_return fail(go.reply.error());
    if (!go.reply) {
        // Sending !READ again could measure twice, so ask what became of it instead.
        auto const after = co_await ask_status();
        if (!after) co_return fail(after.error());
        if (after->idle()) {
            auto const data = co_await ask("!TRANSFER");
            if (!data) co_return fail(data.error());
            if (!data->ok()) co_return fail(Fault::refused, "The answer to !READ was lost and the reader did not begin; start again.");
        }
    }
    options_.open_run = OpenRun{what.run, what.plate};
    measuring_since_ = clock_.now();
    started_ = rfc3339(clock_.utc());
    look_ = true;
    unreadable_.reset();
    empty_looks_ = 0;
    co_return Result<void>{};
}

}  // namespace marrowlink::spectramax
