#include "drivers/hl7/simulator.hpp"

#include <fmt/format.h>

namespace marrowlink::hl7 {

namespace {
constexpr std::chrono::seconds answer_timeout{15};  // then the message is sent again
}  // namespace

void Hl7Simulator::measure(Instant) {
    ++results_;
    std::string const id = fmt::format("SIM{:06}", results_);
    std::string message = fmt::format(
        "MSH|^~\\&|SIMULATOR|LAB|MARROWLINK|SITE|20260304090807||ORU^R01^ORU_R01|{}|P|2.5.1||||||8859/1\r"
        "PID|1||S-{:04}||Somebody^Simulated||20190101|F\r"
        "OBR|1||PLT-{:04}|VIAB^Viability|||20260304090800\r",
        id, results_, results_);
    for (int n = 1; n <= 4; ++n)
        message += fmt::format("OBX|{}|NM|DRUG{}^Viability^L||{}.{:03}|{{ratio}}|||||F\r", n, n, line_.random() % 2, line_.random() % 1000);
    note(SimulatedEvent::Kind::measured, id, message);
    waiting_.push_back({id, std::move(message)});
}

void Hl7Simulator::transmit(Instant now) {
    sent_at_ = now;
    std::string const frame = '\x0B' + waiting_.front().message + "\x1C\r";
    if (line_.one_in(options_.faults.break_off_every)) line_.say(frame.substr(0, frame.size() / 2), now);
    line_.say(frame, now);
}

void Hl7Simulator::proceed(Instant now) {
    bool const due = !sent_at_ || now - *sent_at_ >= answer_timeout;
    if (!waiting_.empty() && due && line_.idle() && !mute()) transmit(now);
}

std::optional<Clock::Instant> Hl7Simulator::proceeds(Instant now) const {
    if (waiting_.empty() || !line_.idle() || mute()) return {};
    return sent_at_ ? *sent_at_ + answer_timeout : now;
}

void Hl7Simulator::receive(std::string_view bytes, Instant) {
    heard_ += bytes;
    for (std::size_t end; (end = heard_.find("\x1C\r")) != std::string::npos; heard_.erase(0, end + 2)) hear(heard_.substr(0, end));
}

void Hl7Simulator::hear(std::string_view answer) {
    if (waiting_.empty()) return;
    Result const& first = waiting_.front();
    bool const accepted = answer.find("\rMSA|AA|" + first.id + '\r') != std::string_view::npos;
    bool const rejected = answer.find("\rMSA|AR|") != std::string_view::npos;
    if (!accepted && !rejected) return;
    sent_at_.reset();
    // As after a lost answer: the next transmission is the same message.
    if (accepted && line_.one_in(options_.faults.repeat_every)) return;
    note(accepted ? SimulatedEvent::Kind::delivered : SimulatedEvent::Kind::given_up, first.id, first.message);
    waiting_.pop_front();
    ++delivered_;
}

void Hl7Simulator::unplugged() {
    SimulatedInstrument::unplugged();
    heard_.clear();
    sent_at_.reset();
}

}  // namespace marrowlink::hl7
