// Starting a read from the gateway: the request, its way to next(), and what next() then does.
#include <fmt/format.h>

#include <utility>

#include "drivers/spectramax/driver.hpp"

namespace marrowlink::spectramax {

Task<Result<void>> SpectraMax::start(StartRequest what) { return desk_.ask(std::move(what), clock_); }

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
