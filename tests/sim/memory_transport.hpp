// A cable in memory: two Transports whose bytes arrive at once, in order, until the cable is cut.
#pragma once

#include <algorithm>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <cstring>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "core/clock.hpp"
#include "core/transport.hpp"
#include "core/wake.hpp"

namespace marrowlink::sim {

class MemoryTransport final : public Transport {
 public:
    static constexpr std::size_t cable_bytes_max = 256u << 10;

    struct Ends {
        std::unique_ptr<MemoryTransport> near, far;
    };
    static Ends connect(Clock& clock) {
        auto cable = std::make_shared<Cable>();
        return {std::unique_ptr<MemoryTransport>(new MemoryTransport(clock, cable, 0)),
                std::unique_ptr<MemoryTransport>(new MemoryTransport(clock, cable, 1))};
    }
    ~MemoryTransport() override { cut(); }

    // Bytes sent before a cut still arrive, as they do in a kernel's buffer; then `closed`.
    Task<Result<std::size_t>> read_some(std::span<std::byte> into, Clock::Instant deadline) override {
        using namespace boost::asio::experimental::awaitable_operators;
        std::uint64_t const interrupts = interrupts_;
        for (;;) {
            auto const seen = cable_->changed[side_].count();
            std::string& waiting = cable_->toward[side_];
            if (!waiting.empty()) {
                std::size_t const n = std::min(into.size(), waiting.size());
                std::memcpy(into.data(), waiting.data(), n);
                waiting.erase(0, n);
                received_ += n;
                cable_->room[side_].announce();
                co_return n;
            }
            if (cable_->cut) co_return fail(Fault::closed, "The cable was cut.");
            if (clock_.now() >= deadline || interrupts_ != interrupts)
                co_return fail(Fault::timed_out, "Nothing came before the deadline.");
            auto sleep = clock_.sleep_until(deadline);
            auto word = cable_->changed[side_].beyond(seen);
            co_await (std::move(sleep) || std::move(word));
        }
    }

    // Waits while the other end lets the cable fill up, as a socket does.
    Task<Result<void>> write(std::span<std::byte const> bytes) override {
        auto const cable = cable_;
        for (auto seen = cable->room[1 - side_].count(); cable->toward[1 - side_].size() >= cable_bytes_max && !cable->cut;
             seen = cable->room[1 - side_].count())
            co_await cable->room[1 - side_].beyond(seen);
        if (cable_->cut) co_return fail(Fault::closed, "The cable was cut.");
        if (!cable_->deaf[1 - side_]) cable_->toward[1 - side_].append(reinterpret_cast<char const*>(bytes.data()), bytes.size());
        cable_->changed[1 - side_].announce();
        co_return Result<void>{};
    }

    void interrupt() override {
        ++interrupts_;
        cable_->changed[side_].announce();
    }
    void release(std::uint64_t offset) override { released_ = std::max(released_, offset); }

    void cut() {
        cable_->cut = true;
        for (Wake& room : cable_->room) room.announce();
        cable_->changed[0].announce();
        cable_->changed[1].announce();
    }
    bool is_cut() const { return cable_->cut; }
    // While deaf, what the other end sends to this one is lost without an error: a blackhole.
    void set_deaf(bool yes) { cable_->deaf[side_] = yes; }
    std::uint64_t released() const { return released_; }
    std::uint64_t received() const { return received_; }

 private:
    struct Cable {
        std::string toward[2];
        bool cut = false;
        bool deaf[2] = {false, false};
        Wake changed[2], room[2];
    };

    MemoryTransport(Clock& clock, std::shared_ptr<Cable> cable, int side) : clock_(clock), cable_(std::move(cable)), side_(side) {}

    Clock& clock_;
    std::shared_ptr<Cable> cable_;
    int side_;
    std::uint64_t received_ = 0;
    std::uint64_t released_ = 0;
    std::uint64_t interrupts_ = 0;
};

// Opens cables whose far ends go to `plugged`, which starts whatever stands there. Refuses as often as told.
class MemoryTransportFactory final : public TransportFactory {
 public:
    MemoryTransportFactory(Clock& clock, std::function<void(std::unique_ptr<MemoryTransport>)> plugged)
        : clock_(clock), plugged_(std::move(plugged)) {}

    Task<Result<std::unique_ptr<Transport>>> open() override {
        ++opens_;
        if (!refusals_.empty()) {
            Error const error = refusals_.front();
            refusals_.pop_front();
            co_return fail(error);
        }
        auto ends = MemoryTransport::connect(clock_);
        std::unique_ptr<Transport> near = std::move(ends.near);
        plugged_(std::move(ends.far));
        co_return near;
    }
    std::string name() const override { return "memory"; }

    void refuse(std::size_t times, Error const& error) { refusals_.insert(refusals_.end(), times, error); }
    std::size_t opens() const { return opens_; }

 private:
    Clock& clock_;
    std::function<void(std::unique_ptr<MemoryTransport>)> plugged_;
    std::deque<Error> refusals_;
    std::size_t opens_ = 0;
};

inline std::span<std::byte const> bytes_of(std::string_view text) { return std::as_bytes(std::span{text.data(), text.size()}); }

}  // namespace marrowlink::sim
