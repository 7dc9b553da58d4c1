// Where a request to start waits until the driver's own loop takes it up, so that the two never speak to the instrument at once.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>

#include "core/clock.hpp"
#include "core/wake.hpp"
#include "drivers/driver.hpp"

namespace marrowlink {

class StartDesk {
 public:
    static constexpr std::chrono::seconds start_wait{60};  // a request that was not taken up until then is withdrawn

    StartDesk() = default;
    ~StartDesk();  // whoever still waits hears that the connection has ended
    StartDesk(StartDesk const&) = delete;
    StartDesk& operator=(StartDesk const&) = delete;

    // For Driver::start. Nothing of the desk is touched once the request has been put there, as the connection may end while it waits.
    Task<Result<void>> ask(StartRequest what, Clock& clock);

    // For the driver's loop.
    bool waiting() const { return request_ != nullptr; }
    Wake& asked() { return asked_; }  // announced when a request was put here
    // Takes the request up, unless it was withdrawn, and tells whoever waits what became of it.
    Task<void> take_up(std::function<Task<Result<void>>(StartRequest)> begin);
    void refuse(Error const& why);  // whoever waits, if anybody does

 private:
    struct Request {
        StartRequest what;
        bool taken = false, withdrawn = false;
        std::optional<Result<void>> result;
        Wake told;
        void finish(Result<void> with);
    };
    std::shared_ptr<Request> request_;
    Wake asked_;
};

}  // namespace marrowlink
