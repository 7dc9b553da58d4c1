// Whatever a broker tells a gateway, nothing is confirmed that was not sent, and nothing but under its own chain. Each line of the input is
// one event: "open" and "lost" of the connection, "minute", "append 3", "puback 16", or a message: "say" or "kept" (retained), topic,
// payload. In those $1 … $99 are the chains of our records, of those that were sent: who was not sent a record cannot know its chain.
#include <charconv>
#include <cstdlib>
#include <deque>

#include "gateway/status.hpp"
#include "tests/gateway/forwarder_world.hpp"

using namespace marrowlink;
using namespace marrowlink::forwarder_world;

namespace {
constexpr std::size_t events_max = 200;
constexpr std::uint64_t records_max = 99;
std::string const stream_old = "01d00000-0000-4000-8000-00000000000d";

std::uint64_t number(std::string_view text) {
    std::uint64_t out = 0;
    std::from_chars(text.data(), text.data() + text.size(), out);
    return out;
}

// Takes what is published, and says what the input tells it to.
class Wire final : public Uplink {
 public:
    explicit Wire(asio::io_context& loop) : loop_(loop) {}
    void listen(UplinkListener* listener) override { listener_ = listener; }
    void open() override { opening_ = true; }
    void close() override {
        if (connected_) asio::post(loop_, [this] { end(LinkEnd::asked); });
    }
    void publish(std::uint64_t token, Message message) override {
        if (!connected_) std::abort();
        tokens_.push_back(token);
        for (auto const& [name, value] : message.properties)
            if (name == "sequence" && message.topic.find("reader") != std::string::npos) sent = std::max(sent, *sequence_from(value));
    }
    void connect() {
        if (!std::exchange(opening_, false)) return;
        connected_ = true;
        listener_->on_connected({});
    }
    void end(LinkEnd why) {
        bool const was = std::exchange(connected_, false);
        tokens_.clear();
        if ((std::exchange(opening_, false) || was) && listener_) listener_->on_closed(why, "");
    }
    void puback(std::uint8_t reason) {
        if (tokens_.empty()) return;
        std::uint64_t const token = tokens_.front();
        tokens_.pop_front();
        listener_->on_puback(token, reason);
    }
    void say(Message message) {
        if (connected_) listener_->on_messages({std::move(message)});
    }

    std::uint64_t sent = 0;

 private:
    asio::io_context& loop_;
    UplinkListener* listener_ = nullptr;
    bool opening_ = false, connected_ = false;
    std::deque<std::uint64_t> tokens_;
};

// As the gateway does.
struct Page final : ForwarderListener {
    explicit Page(StatusBoard& its_board) : board(its_board) {}
    void on_link(LinkStatus const& status) override { board.link(to_string(status.state), status.detail); }
    void on_answer(json::object const& answer) override {
        board.answer(json::string_of(answer, "run"), json::string_of(answer, "state"), json::string_of(answer, "verdict"),
                     json::string_of(answer, "reason"));
    }
    void on_disagreement(std::string const&, std::uint64_t) override {}
    void on_forgotten(std::string const& stream, std::uint64_t through) override {
        if (stream != stream_old || through >= 5) std::abort();
    }
    StatusBoard& board;
};

std::string with_chains(std::string_view payload, MemorySource const& source, std::uint64_t sent) {
    std::string out;
    while (!payload.empty()) {
        auto const dollar = std::min(payload.find('$'), payload.size());
        out += payload.substr(0, dollar);
        payload.remove_prefix(dollar);
        if (payload.empty()) break;
        payload.remove_prefix(1);
        auto const digits = std::min(std::min(payload.find_first_not_of("0123456789"), payload.size()), std::size_t{2});
        std::uint64_t const seq = number(payload.substr(0, digits));
        out += hex(seq == 0 || seq > sent ? chain_start(stream_a) : source.at(seq).chain);
        payload.remove_prefix(digits);
    }
    return out;
}
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    log::set_sink([](log::Level, std::string_view) {});
    asio::io_context loop{1};
    sim::VirtualClock clock{loop};
    sim::SeededEntropy entropy{1};
    MemorySource source{stream_a};
    Wire wire{loop};
    StatusBoard board{clock, "lyon", "bench-2"};
    board.run("run-1");
    Page page{board};
    Forwarder forwarder{wire, clock, entropy, loop.get_executor(), "lyon", "bench-2", {}, page};
    forwarder.add(source, true);
    forwarder.remember(stream_old, 5);
    forwarder.start();
    auto const append = [&](std::uint64_t count) {
        source.append(std::min(count, records_max - source.appended()));
        forwarder.appended();
    };
    append(3);

    std::string_view rest{reinterpret_cast<char const*>(data), size};
    auto const word = [](std::string_view& line) {
        auto const end = std::min(line.find(' '), line.size());
        std::string_view const out = line.substr(0, end);
        line.remove_prefix(std::min(end + 1, line.size()));
        return out;
    };
    for (std::size_t events = 0; !rest.empty() && events < events_max; ++events) {
        auto const end = std::min(rest.find('\n'), rest.size());
        std::string_view line = rest.substr(0, end);
        rest.remove_prefix(std::min(end + 1, rest.size()));
        std::string_view const event = word(line);
        std::uint64_t const before = source.acknowledged();
        std::string said;
        if (event == "open") wire.connect();
        if (event == "lost") wire.end(LinkEnd::lost);
        if (event == "append") append(number(line));
        if (event == "puback") wire.puback(static_cast<std::uint8_t>(number(line)));
        if (event == "say" || event == "kept") {
            Message message;
            message.topic = word(line);
            message.payload = with_chains(line, source, wire.sent);
            message.retain = event == "kept";
            said = message.payload;
            wire.say(std::move(message));
        }
        clock.run_for(event == "minute" ? std::chrono::milliseconds{60'000} : std::chrono::milliseconds{1});
        std::uint64_t const confirmed = source.acknowledged();
        if (confirmed > wire.sent) std::abort();
        if (confirmed > before && said.find(hex(source.at(confirmed).chain)) == std::string::npos) std::abort();
    }
    json::serialize(board.json());
    return 0;
}
