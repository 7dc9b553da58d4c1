#include "io/modbus.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <future>
#include <map>
#include <optional>
#include <thread>

#include "core/wake.hpp"
#include "io/modbus_port.hpp"

namespace marrowlink {
namespace {
namespace asio = boost::asio;
using std::chrono::milliseconds;

constexpr std::chrono::seconds stop_patience{2};

// Belongs to the loop, but for `request` and `withdrawn`.
struct Question {
    explicit Question(ModbusRequest r) : request(std::move(r)) {}
    ModbusRequest const request;
    std::atomic<bool> withdrawn{false};  // whoever asked is gone
    std::optional<Result<ModbusAnswer>> answer;
    Wake answered;
};

struct Unit {
    std::deque<std::shared_ptr<Question>> questions;
    Clock::Instant not_before{};
    milliseconds backoff{0};
    std::uint64_t last_turn = 0;
};
}  // namespace

std::string describe(ModbusPlace const& place) {
    if (auto const* const tcp = std::get_if<ModbusTcp>(&place)) return fmt::format("{}:{}", tcp->host, tcp->port);
    ModbusSerial const& serial = std::get<ModbusSerial>(place);
    return describe(SerialSettings{serial.path, static_cast<std::uint32_t>(serial.baud), 8, serial.parity,
                                   static_cast<unsigned>(serial.stop_bits), FlowControl::none});
}

// Lives on two threads: what ends in `_on_loop` belongs to the loop, everything else to the bus's thread; each posts to the other.
class ModbusBus::Thread : public std::enable_shared_from_this<ModbusBus::Thread> {
 public:
    Thread(asio::any_io_executor loop, Clock const& clock, ModbusPlace place)
        : place_(place),
          loop_(std::move(loop)),
          clock_(clock),
          port_(std::move(place), clock, stopping_),
          work_(asio::make_work_guard(context_)),
          timer_(context_) {}

    void start() {
        std::promise<void> ended;
        ended_on_loop_ = ended.get_future();
        // The thread keeps all this alive: when a name look-up outlives the owner's patience, the thread is left to finish alone.
        std::thread([self = shared_from_this(), ended = std::move(ended)]() mutable {
            self->context_.run();
            self->port_.close();
            ended.set_value();
        }).detach();
    }

    void stop_on_loop() {
        stopping_ = true;
        asio::post(context_, [self = shared_from_this()] { self->stop(); });
        ended_on_loop_.wait_for(stop_patience);
    }

    Task<Result<ModbusAnswer>> ask_on_loop(ModbusRequest request) {
        auto const self = shared_from_this();
        if (waiting_on_loop_ >= modbus_queue_max)
            co_return fail(Fault::unavailable,
                           fmt::format("{} questions wait on {} already; nothing more is asked until some are answered.", waiting_on_loop_,
                                       describe(place_)));
        ++waiting_on_loop_;
        auto const question = std::make_shared<Question>(std::move(request));
        struct Withdrawal {
            Question& question;
            ~Withdrawal() { question.withdrawn = true; }
        } const withdrawal{*question};
        asio::post(context_, [self, question] { self->enlist(question); });
        while (!question->answer) {
            auto const seen = question->answered.count();
            co_await question->answered.beyond(seen);
        }
        co_return *std::move(question->answer);
    }

    std::string name() const { return describe(place_); }

 private:
    void enlist(std::shared_ptr<Question> const& question) {
        if (stopping_) return reply(question, closed_here());
        units_[question->request.unit].questions.push_back(question);
        serve_later();
    }

    void stop() {
        for (auto& [address, unit] : units_)
            for (auto const& question : unit.questions) reply(question, closed_here());
        units_.clear();
        timer_.cancel();
        work_.reset();
    }

    // Through the context, so that questions posted meanwhile are in their places before the next one is chosen.
    void serve_later() {
        if (std::exchange(due_, true)) return;
        asio::post(context_, [self = shared_from_this()] {
            self->due_ = false;
            self->serve();
        });
    }

    // Of the units that may be asked now, the one whose last turn is longest ago.
    void serve() {
        if (stopping_) return;
        auto const now = clock_.now();
        Unit* next = nullptr;
        Clock::Instant soonest = Clock::Instant::max();
        for (auto& [address, unit] : units_) {
            std::erase_if(unit.questions, [&](auto const& question) {
                bool const gone = question->withdrawn;
                if (gone) reply(question, closed_here());
                return gone;
            });
            if (unit.questions.empty()) continue;
            soonest = std::min(soonest, unit.not_before);
            if (unit.not_before <= now && (!next || unit.last_turn < next->last_turn)) next = &unit;
        }
        if (next) {
            answer_first(*next);
            return serve_later();
        }
        if (soonest == Clock::Instant::max()) return;
        timer_.expires_after(soonest - now);
        timer_.async_wait([self = shared_from_this()](boost::system::error_code stopped) {
            if (!stopped) self->serve_later();
        });
    }

    void answer_first(Unit& unit) {
        auto const question = unit.questions.front();
        unit.questions.pop_front();
        unit.last_turn = ++turns_;
        auto answer = ask(question->request);
        bool const mute = answer ? answer->exception == 11 : answer.error().fault == Fault::timed_out;
        if (mute) {
            unit.backoff = std::min(std::max(question->request.response_timeout, unit.backoff * 2), modbus_unit_backoff_last);
            unit.not_before = clock_.now() + unit.backoff;
        } else if (answer) {
            unit.backoff = milliseconds{0};
        }
        reply(question, std::move(answer));
    }

    Result<ModbusAnswer> ask(ModbusRequest const& request) {
        if (!port_.is_open()) {
            if (clock_.now() < port_not_before_) return fail(port_trouble_);
            auto const opened = port_.open();
            if (stopping_) return closed_here();  // it may have taken so long that the clock is gone
            if (!opened) {
                rest(opened.error());
                return fail(opened.error());
            }
        }
        auto answer = port_.exchange(request);
        if (answer)
            port_backoff_ = milliseconds{0};
        else if (answer.error().fault == Fault::unavailable)
            rest(answer.error());
        return answer;
    }

    void rest(Error trouble) {
        port_backoff_ = std::clamp(port_backoff_ * 2, modbus_port_backoff_first, modbus_port_backoff_last);
        port_not_before_ = clock_.now() + port_backoff_;
        port_trouble_ = std::move(trouble);
    }

    void reply(std::shared_ptr<Question> const& question, Result<ModbusAnswer> answer) {
        asio::post(loop_, [self = shared_from_this(), question, answer = std::move(answer)]() mutable {
            --self->waiting_on_loop_;
            question->answer = std::move(answer);
            question->answered.announce();
        });
    }

    tl::unexpected<Error> closed_here() const { return fail(Fault::unavailable, fmt::format("{} was closed here.", describe(place_))); }

    ModbusPlace const place_;
    asio::any_io_executor const loop_;
    Clock const& clock_;
    std::atomic<bool> stopping_{false};
    std::size_t waiting_on_loop_ = 0;
    std::future<void> ended_on_loop_;

    ModbusPort port_;
    milliseconds port_backoff_{0};
    Clock::Instant port_not_before_{};
    Error port_trouble_;
    std::map<std::uint8_t, Unit> units_;
    std::uint64_t turns_ = 0;
    bool due_ = false;
    asio::io_context context_{1};
    asio::executor_work_guard<asio::io_context::executor_type> work_;
    asio::steady_timer timer_;
};

ModbusBus::ModbusBus(asio::any_io_executor loop, Clock const& clock, ModbusPlace place)
    : thread_(std::make_shared<Thread>(std::move(loop), clock, std::move(place))) {
    thread_->start();
}

ModbusBus::~ModbusBus() { thread_->stop_on_loop(); }

Task<Result<ModbusAnswer>> ModbusBus::ask(ModbusRequest request) {
    auto const thread = thread_;
    auto const fit = check(request);
    if (!fit) co_return fail(fit.error());
    co_return co_await thread->ask_on_loop(std::move(request));
}

std::string ModbusBus::name() const { return thread_->name(); }

}  // namespace marrowlink
