// A Transport over any Asio stream: serial ports, TCP connections, pseudo-terminals.
#pragma once

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/system/system_error.hpp>
#include <chrono>
#include <memory>
#include <string>
#include <utility>

#include "core/transport.hpp"

namespace marrowlink {

// A peer that takes no bytes for so long (flow control, a full window) is gone: the connection is closed.
inline constexpr std::chrono::seconds write_stall_max{30};

template <class Stream>
class StreamTransport final : public Transport {
 public:
    // What outlives the transport while an operation of Asio still refers to it; a listener may close it from outside.
    struct Line {
        Line(Stream s, std::string n) : stream(std::move(s)), timer(stream.get_executor()), name(std::move(n)) {}
        Stream stream;
        boost::asio::steady_timer timer;
        std::string name;
        std::string ended;  // why it was closed, as a sentence; empty while open
        std::uint64_t watch = 0;
        bool reading = false, late = false;

        // At once: a handle kept after an error blocks the port for everybody, ourselves included (field 35, 39).
        void close(std::string why) {
            if (ended.empty()) ended = std::move(why);
            reading = false;
            timer.cancel();
            boost::system::error_code ignored;
            if (stream.is_open()) stream.close(ignored);
        }
    };

    StreamTransport(Stream stream, std::string name) : line_(std::make_shared<Line>(std::move(stream), std::move(name))) {}
    ~StreamTransport() override { line_->close(line_->name + " was closed here."); }
    StreamTransport(StreamTransport const&) = delete;
    StreamTransport& operator=(StreamTransport const&) = delete;

    std::weak_ptr<Line> line() const { return line_; }
    Stream& stream() { return line_->stream; }

    Task<Result<std::size_t>> read_some(std::span<std::byte> into, Clock::Instant deadline) override {
        auto const line = line_;
        if (!line->ended.empty()) co_return fail(Fault::closed, line->ended);
        watch(line, deadline);
        auto const target = boost::asio::buffer(into.data(), into.size());
        auto const [error, count] = co_await line->stream.async_read_some(target, boost::asio::as_tuple(boost::asio::use_awaitable));
        line->reading = false;
        line->timer.cancel();
        if (count > 0) co_return count;
        if (!line->ended.empty()) co_return fail(Fault::closed, line->ended);
        if (error == boost::asio::error::operation_aborted && line->late)
            co_return fail(Fault::timed_out, "Nothing came before the deadline.");
        if (error == boost::asio::error::operation_aborted) throw boost::system::system_error(error);
        line->close(error == boost::asio::error::eof || !error ? line->name + " was closed by the other side."
                                                               : line->name + " failed while reading: " + error.message() + ".");
        co_return fail(Fault::closed, line->ended);
    }

    void interrupt() override { end_read(*line_); }

    Task<Result<void>> write(std::span<std::byte const> bytes) override {
        auto const line = line_;
        if (!line->ended.empty()) co_return fail(Fault::closed, line->ended);
        // A timer of its own: a write may run beside a read.
        auto const stall = std::make_shared<boost::asio::steady_timer>(line->stream.get_executor(), write_stall_max);
        stall->async_wait([line](boost::system::error_code stopped) {
            if (!stopped) line->close(line->name + " took no bytes for 30 s.");
        });
        auto const source = boost::asio::buffer(bytes.data(), bytes.size());
        auto const [error, count] =
            co_await boost::asio::async_write(line->stream, source, boost::asio::as_tuple(boost::asio::use_awaitable));
        stall->cancel();
        if (!error) co_return Result<void>{};
        if (line->ended.empty() && error == boost::asio::error::operation_aborted) throw boost::system::system_error(error);
        line->close(line->name + " failed while writing: " + error.message() + ".");
        co_return fail(Fault::closed, line->ended);
    }

 private:
    static void watch(std::shared_ptr<Line> const& line, Clock::Instant deadline) {
        line->late = false;
        line->reading = true;
        if (deadline == Clock::Instant::max()) return;
        line->timer.expires_at(deadline);
        // The number tells this wait from an older one whose handler was already on its way when it was cancelled.
        line->timer.async_wait([line, mine = ++line->watch](boost::system::error_code stopped) {
            if (!stopped && mine == line->watch) end_read(*line);
        });
    }
    static void end_read(Line& line) {
        if (!line.reading) return;
        line.late = true;
        boost::system::error_code ignored;
        line.stream.cancel(ignored);
    }

    std::shared_ptr<Line> line_;
};

}  // namespace marrowlink
