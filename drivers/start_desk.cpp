#include "drivers/start_desk.hpp"

#include <fmt/format.h>

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <utility>

namespace marrowlink {

void StartDesk::Request::finish(Result<void> with) {
    result = std::move(with);
    told.announce();
}

StartDesk::~StartDesk() { refuse({Fault::unavailable, "The connection to the reader ended before the read could be started."}); }

void StartDesk::refuse(Error const& why) {
    auto const request = std::exchange(request_, nullptr);
    if (request && !request->result) request->finish(fail(why));
}

Task<Result<void>> StartDesk::ask(StartRequest what, Clock& clock) {
    using namespace boost::asio::experimental::awaitable_operators;
    if (request_) co_return fail(Fault::refused, "Another start is waiting for this reader; wait for its answer.");
    auto const request = std::make_shared<Request>();
    request->what = std::move(what);
    request_ = request;
    asked_.announce();
    Clock::Instant const limit = clock.now() + start_wait;
    while (!request->result) {
        if (!request->taken && clock.now() >= limit) {
            request->withdrawn = true;
            co_return fail(
                Fault::refused,
                fmt::format("The reader was not free within {} s (its line is busy or silent); nothing was started.", start_wait.count()));
        }
        auto sleep = clock.sleep_until(request->taken ? Clock::Instant::max() : limit);
        auto told = request->told.beyond(0);
        co_await (std::move(sleep) || std::move(told));
    }
    co_return *request->result;
}

Task<void> StartDesk::take_up(std::function<Task<Result<void>>(StartRequest)> begin) {
    auto const request = std::exchange(request_, nullptr);
    if (!request || request->withdrawn) co_return;
    request->taken = true;
    // The connection may be destroyed under us, as everything may be; then the one who waits must still hear of it.
    struct Promise {
        Request& request;
        ~Promise() {
            if (!request.result)
                request.finish(fail(Fault::unavailable, "The connection to the reader ended while the read was being started."));
        }
    } const promise{*request};
    auto beginning = begin(request->what);
    auto const begun = co_await std::move(beginning);
    request->finish(begun);
}

}  // namespace marrowlink
