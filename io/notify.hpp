// Tells the service manager how this program is, by the datagram protocol of sd_notify(3). Started by hand ($NOTIFY_SOCKET unset) every
// call does nothing and succeeds.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "core/error.hpp"

namespace marrowlink {

class Notify {
 public:
    // Reads $NOTIFY_SOCKET, $WATCHDOG_USEC and $WATCHDOG_PID. `unavailable` when the socket cannot be used.
    static Result<Notify> from_environment();
    // A path, or a name in the abstract namespace written with a leading "@"; empty: nobody listens.
    static Result<Notify> to(std::string_view socket, std::optional<std::chrono::microseconds> watchdog);

    Notify(Notify&& other) noexcept;
    Notify& operator=(Notify&& other) noexcept;
    ~Notify();

    Result<void> ready() const { return send("READY=1"); }
    Result<void> stopping() const { return send("STOPPING=1"); }
    Result<void> alive() const { return send("WATCHDOG=1"); }
    // One line for `systemctl status`: line feeds become spaces, 1024 bytes are kept.
    Result<void> status(std::string_view text) const;

    // How often `alive` must be called: half of what the service manager waits for. Nothing when it does not watch.
    std::optional<std::chrono::milliseconds> alive_period() const;

 private:
    Notify(int socket, std::optional<std::chrono::microseconds> watchdog) : socket_(socket), watchdog_(watchdog) {}
    Result<void> send(std::string_view state) const;

    int socket_ = -1;
    std::optional<std::chrono::microseconds> watchdog_;
};

}  // namespace marrowlink
