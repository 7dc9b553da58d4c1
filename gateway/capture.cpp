#include "gateway/capture.hpp"

#include <fmt/format.h>

#include <array>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <csignal>
#include <iostream>
#include <memory>

#include "drivers/capture.hpp"
#include "io/pty.hpp"
#include "io/synced_log.hpp"
#include "io/system.hpp"
#include "io/tcp.hpp"

namespace marrowlink {
namespace {

class Recorder {
 public:
    explicit Recorder(CaptureOptions const& options) : options_(options), signals_(loop_, SIGTERM, SIGINT) {}

    Result<void> run() {
        std::unique_ptr<TransportFactory> port;
        if (options_.to)
            port = std::make_unique<TcpClientFactory>(loop_.get_executor(), options_.to->host, options_.to->port);
        else
            port = std::make_unique<SerialPortFactory>(loop_.get_executor(), options_.serial);
        signals_.async_wait([this](boost::system::error_code stopped, int) {
            if (!stopped) loop_.stop();
        });
        boost::asio::co_spawn(loop_, record(*port), [this](std::exception_ptr, Result<void> ended) {
            outcome_ = ended;
            loop_.stop();
        });
        loop_.run();
        std::error_code ignored;
        if (linked_) std::filesystem::remove(options_.link, ignored);
        if (!begun_) return outcome_;
        auto const ended = file_.append(capture_end(from_, to_, elapsed()));
        if (!ended) return ended;
        std::cout << fmt::format("{} bytes from the instrument and {} to it are in {}.", from_, to_, options_.out.string()) << std::endl;
        return outcome_;
    }

 private:
    std::chrono::milliseconds elapsed() const { return std::chrono::duration_cast<std::chrono::milliseconds>(clock_.now() - *begun_); }

    Task<Result<void>> record(TransportFactory& port) {
        auto opened = co_await port.open();
        if (!opened) co_return fail(opened.error());
        instrument_ = std::move(*opened);
        if (!options_.link.empty()) {
            auto pty = open_pty(loop_.get_executor(), clock_);
            if (!pty) co_return fail(pty.error());
            auto const linked = link_pty(pty->path, options_.link);
            if (!linked) co_return linked;
            linked_ = true;
            program_ = std::move(pty->line);
        }
        auto const begun = begin(port.name());
        if (!begun) co_return begun;
        std::cout << fmt::format("{} is recorded into {}{}; SIGINT (Ctrl-C) ends it.", port.name(), options_.out.string(),
                                 linked_ ? fmt::format(" for whoever opens {}", options_.link.string()) : "")
                  << std::endl;
        if (program_)
            boost::asio::co_spawn(loop_, carry(*program_, instrument_.get(), false), [this](std::exception_ptr, Result<void> ended) {
                outcome_ = ended;
                loop_.stop();
            });
        co_return co_await carry(*instrument_, program_.get(), true);
    }

    Result<void> begin(std::string const& port) {
        std::error_code error;
        if (std::filesystem::exists(std::filesystem::symlink_status(options_.out, error)))
            return fail(Fault::refused, fmt::format("{} is there already; choose another name.", options_.out.string()));
        auto opened = SyncedLog::open(options_.out);
        if (!opened) return fail(opened.error());
        file_ = std::move(*opened);
        std::filesystem::permissions(options_.out, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write, error);
        begun_ = clock_.now();
        return file_.append(capture_head(port, rfc3339(clock_.utc())));
    }

    Task<Result<void>> carry(Transport& from, Transport* to, bool from_instrument) {
        std::array<std::byte, 4096> buffer;
        for (;;) {
            auto const got = co_await from.read_some(buffer, Clock::Instant::max());
            if (!got) co_return fail(got.error());
            std::string const bytes{reinterpret_cast<char const*>(buffer.data()), *got};
            auto const kept = file_.append(capture_line({elapsed(), from_instrument, bytes}));
            if (!kept) co_return kept;
            (from_instrument ? from_ : to_) += bytes.size();
            if (!to) continue;
            std::span<std::byte const> const view = std::as_bytes(std::span{bytes.data(), bytes.size()});
            auto const sent = co_await to->write(view);
            if (!sent) co_return sent;
        }
    }

    CaptureOptions const& options_;
    SystemClock clock_;
    boost::asio::io_context loop_{1};
    boost::asio::signal_set signals_;
    SyncedLog file_;
    std::unique_ptr<Transport> instrument_, program_;
    std::optional<Clock::Instant> begun_;
    std::uint64_t from_ = 0, to_ = 0;
    bool linked_ = false;
    Result<void> outcome_;
};

}  // namespace

Result<void> capture_line_of(CaptureOptions const& options) {
    Recorder recorder{options};
    return recorder.run();
}

}  // namespace marrowlink
