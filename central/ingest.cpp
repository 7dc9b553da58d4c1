#include "central/ingest.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <utility>

#include "core/json.hpp"
#include "core/log.hpp"
#include "core/version.hpp"

namespace marrowlink::central {
namespace {
namespace asio = boost::asio;
constexpr std::uint8_t not_authorised = 135;

std::size_t bytes_of(Message const& message) {
    std::size_t bytes = sizeof(Message) + message.topic.size() + message.payload.size();
    for (auto const& [name, value] : message.properties) bytes += name.size() + value.size() + 64;
    return bytes;
}
}  // namespace

std::vector<std::string> subscriptions() { return {"marrowlink/1/+/+/+/+", "marrowlink/1/+/+/state"}; }

Message centre_will() {
    Message will;
    will.topic = topic::centre_state;
    will.payload = R"({"state":"offline"})";
    will.content_type = "application/json";
    will.retain = true;
    return will;
}

Ingest::Ingest(Uplink& uplink, asio::any_io_executor loop, asio::any_io_executor store, Clock& clock, Intake& intake, IngestLimits limits)
    : uplink_(uplink),
      loop_(std::move(loop)),
      store_(std::move(store)),
      clock_(clock),
      intake_(intake),
      limits_(limits),
      backoff_(limits.reconnect_first) {
    uplink_.listen(this);
    intake_.database().fold_by_hand(limits_.wal_pages);
}

void Ingest::start() {
    uplink_.open();
    asio::co_spawn(loop_, look_for_due(), asio::detached);
}
void Ingest::stop() {
    stopped_ = true;
    uplink_.close();
}

void Ingest::on_connected(Connected const& connected) {
    log::info("link.connected", {{"receive_maximum", connected.receive_maximum}});
    status_.connected = true;
    ++status_.connects;
    status_.link.clear();
    backoff_ = limits_.reconnect_first;
    window_ = std::max<std::size_t>(1, std::min<std::size_t>(limits_.publishes, connected.receive_maximum));
    in_flight_ = 0;
    forbidden_told_ = false;
    acknowledgements_.clear();  // all of them follow from the ledger
    answers_.clear();           // the retained births ask for them again

    Message birth;
    birth.topic = topic::centre_state;
    birth.payload = json::serialize(json::object{{"state", "online"}, {"version", version}});
    birth.content_type = "application/json";
    birth.retain = true;
    publish(std::move(birth));
    all_asked_ = true;
    turn();
}

void Ingest::on_closed(LinkEnd end, std::string const& detail) {
    bool const was_connected = std::exchange(status_.connected, false);
    if (stopped_) return;
    // Once per condition: an hour without a broker is one line, not a hundred.
    if (was_connected || status_.link != detail) {
        if (end == LinkEnd::taken_over)
            log::error("link.taken_over", {{"detail", detail}, {"do", "End the other centre, or give it another client id."}});
        else if (end == LinkEnd::not_authorised)
            log::error("link.not_authorised", {{"detail", detail}});
        else
            log::warn("link.closed", {{"detail", detail}});
    }
    status_.link = detail;
    // Two centres with one id would throw each other out as fast as they can connect.
    if (end == LinkEnd::taken_over) backoff_ = limits_.reconnect_last;
    asio::co_spawn(loop_, reopen_after(backoff_), asio::detached);
    backoff_ = std::min(backoff_ * 2, limits_.reconnect_last);
}

Task<void> Ingest::reopen_after(std::chrono::milliseconds delay) {
    co_await clock_.sleep_for(delay);
    if (!stopped_) uplink_.open();
}

void Ingest::on_puback(std::uint64_t, std::uint8_t reason) {
    if (reason == not_authorised && !std::exchange(forbidden_told_, true))
        log::error("link.publish_forbidden",
                   {{"detail", "The broker's access list does not let the centre publish acknowledgements, answers or its state."}});
    if (in_flight_ > 0) --in_flight_;
    last_puback_ = clock_.now();
    pump();
}

void Ingest::publish(Message message) {
    if (in_flight_++ == 0) last_puback_ = clock_.now();
    uplink_.publish(next_token_++, std::move(message));
    if (!std::exchange(watching_, true)) asio::co_spawn(loop_, watch_for_stall(), asio::detached);
}

// A broker may keep PUBACKs and go on answering pings. Each one kept takes a place in the window for ever, until nothing can be
// acknowledged any more.
Task<void> Ingest::watch_for_stall() {
    while (status_.connected && in_flight_ > 0) {
        auto const due = last_puback_ + limits_.stall;
        if (clock_.now() < due) {
            co_await clock_.sleep_until(due);
            continue;
        }
        log::warn("link.stalled",
                  {{"publishes", in_flight_}, {"detail", "The broker takes publishes and does not answer them; connecting again."}});
        uplink_.close();
        break;
    }
    watching_ = false;
}

void Ingest::on_messages(std::vector<Message> messages) {
    for (Message& message : messages) {
        ++status_.messages;
        std::size_t const bytes = bytes_of(message);
        if (status_.held_bytes + bytes > limits_.held_bytes) {
            ++status_.let_go;
            if (!std::exchange(letting_go_, true))
                log::error("inbox.full",
                           {{"bytes", status_.held_bytes},
                            {"do", "The store cannot keep up or cannot write; gateways keep what is let go and send it again."}});
            continue;
        }
        see(message);
        status_.held_bytes += bytes;
        inbox_bytes_ += bytes;
        inbox_.push_back(std::move(message));
    }
    turn();
}

void Ingest::see(Message const& message) {
    auto const gateway = parse_gateway_state(message.topic);
    if (!gateway) return;
    auto const body = json::parse(message.payload, "birth");
    if (!body || !body->is_object()) return;
    json::object const& birth = body->get_object();
    auto const key = std::pair{std::string{gateway->site}, std::string{gateway->gateway}};
    constexpr std::size_t gateways_max = 10'000;  // more are stored like any other, but not listed
    if (gateways_.size() >= gateways_max && !gateways_.contains(key)) return;
    GatewaySeen& seen = gateways_[key];
    seen.online = json::string_of(birth, "state") == "online";
    if (auto const said = json::string_of(birth, "version"); !said.empty()) seen.version = said;
    seen.since = clock_.utc();
}

void Ingest::turn() {
    if (busy_ || (inbox_.empty() && !all_asked_ && status_.storing)) return;
    busy_ = true;
    std::size_t const bytes = std::exchange(inbox_bytes_, 0);
    std::int64_t const now_ms = clock_.utc().time_since_epoch().count();
    asio::post(store_, [this, bytes, now_ms, all_asked = std::exchange(all_asked_, false), batch = std::exchange(inbox_, {})]() mutable {
        intake_.add(std::move(batch));
        Result<Taken> taken = intake_.commit(now_ms);
        std::vector<Acknowledgement> all;
        // Only what a commit has made sure of: before the first one, what can be read need not be on the disk.
        if (all_asked && taken) all = intake_.acknowledgements();
        asio::post(loop_, [this, bytes, all_asked, taken = std::move(taken), all = std::move(all)]() mutable {
            committed(std::move(taken), std::move(all), all_asked, bytes);
        });
        intake_.database().fold_when_due();  // after the acknowledgements have been handed on
    });
}

void Ingest::committed(Result<Taken> taken, std::vector<Acknowledgement> all, bool all_asked, std::size_t bytes) {
    if (!taken) {
        all_asked_ = all_asked_ || all_asked;
        return failed(taken.error());
    }
    for (Acknowledgement const& acknowledgement : all) acknowledge(acknowledgement);
    if (!std::exchange(status_.storing, true)) {
        log::info("store.recovered", {{"held_bytes", status_.held_bytes}});
        status_.held_bytes = inbox_bytes_;  // what failed attempts had left with the intake went with this one
    } else {
        status_.held_bytes -= bytes;
    }
    status_.store_error.clear();
    if (letting_go_ && status_.held_bytes < limits_.held_bytes / 2) letting_go_ = false;
    ++status_.commits;
    status_.latest_commit = clock_.now();
    status_.bytes += taken->bytes;
    status_.rejected += taken->rejected;
    for (std::size_t i = 0; i < outcome_count; ++i) status_.outcomes[i] += taken->outcomes[i];
    tell(*taken);
    if (status_.connected) {
        for (Acknowledgement const& acknowledgement : taken->acknowledgements) acknowledge(acknowledgement);
        answer(taken->answers);
    }
    busy_ = false;
    pump();
    turn();
    if (!taken->answers.empty()) evaluate();
}

void Ingest::answer(std::vector<Answer> const& answers) {
    for (Answer const& answer : answers) {
        Message message;
        message.topic = topic::answer(answer.site, answer.gateway);
        message.payload = answer.json();
        message.content_type = "application/json";
        answers_.push_back(std::move(message));
    }
}

// A few runs at a time: batches that arrive meanwhile are committed between two such looks.
void Ingest::evaluate() {
    evaluate_again_ = true;
    if (evaluating_) return;
    evaluating_ = true;
    evaluate_again_ = false;
    asio::post(store_, [this, now_ms = clock_.utc().time_since_epoch().count()] {
        auto done = intake_.evaluate_next(now_ms);
        asio::post(loop_, [this, done = std::move(done)] { evaluated(done); });
    });
}

void Ingest::evaluated(Result<std::optional<std::vector<Answer>>> const& done) {
    evaluating_ = false;
    if (!done) {
        if (std::exchange(evaluation_error_, done.error().message) != done.error().message)
            log::error("evaluation.failed",
                       {{"detail", done.error().message}, {"do", "The run stays due and is tried again; its records are safe."}});
        return;
    }
    evaluation_error_.clear();
    if (*done && status_.connected) answer(**done);
    pump();
    if (*done || evaluate_again_) evaluate();
}

Task<void> Ingest::look_for_due() {
    while (!stopped_) {
        evaluate();
        co_await clock_.sleep_for(limits_.evaluation_look);
    }
}

void Ingest::failed(Error const& error) {
    if (std::exchange(status_.storing, false) || status_.store_error != error.message)
        log::error("store.failed",
                   {{"detail", error.message}, {"do", "Nothing is acknowledged until a commit succeeds; gateways keep their records."}});
    status_.store_error = error.message;
    pump();
    asio::co_spawn(loop_, turn_after(limits_.retry), asio::detached);
}

Task<void> Ingest::turn_after(std::chrono::milliseconds delay) {
    co_await clock_.sleep_for(delay);
    busy_ = false;
    turn();
}

void Ingest::tell(Taken const& taken) {
    for (Notice const& notice : taken.notices) {
        std::initializer_list<log::Field> const fields = {
            {"site", notice.site}, {"gateway", notice.gateway}, {"stream", notice.stream}, {"seq", notice.seq}, {"detail", notice.detail}};
        switch (notice.outcome) {
            case Outcome::fork: log::error("stream.forked", fields); break;
            case Outcome::broken: log::error("stream.chain_broken", fields); break;
            case Outcome::gap: log::warn("stream.gap", fields); break;
            default: log::warn("record.refused", fields); break;
        }
    }
    for (std::string const& why : taken.rejections) log::warn("message.rejected", {{"detail", why}});
}

void Ingest::acknowledge(Acknowledgement const& acknowledgement) {
    acknowledgements_[topic::acknowledgement(acknowledgement.site, acknowledgement.gateway, acknowledgement.stream)] =
        acknowledgement.json();
}

void Ingest::pump() {
    while (status_.connected && in_flight_ < window_) {
        Message message;
        if (!acknowledgements_.empty()) {
            auto first = acknowledgements_.extract(acknowledgements_.begin());
            message.topic = std::move(first.key());
            message.payload = std::move(first.mapped());
            message.content_type = "application/json";
            message.retain = true;
            ++status_.acknowledgements;
        } else if (!answers_.empty()) {
            message = std::move(answers_.front());
            answers_.pop_front();
            ++status_.answers;
        } else {
            return;
        }
        publish(std::move(message));
    }
}

}  // namespace marrowlink::central
