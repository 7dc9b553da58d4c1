#include "drivers/biorad/simulator.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace marrowlink::biorad {

namespace {
constexpr std::chrono::seconds read_duration{15};
}  // namespace

std::string BioradSimulator::block() {
    std::string rows;
    for (int row = 0; row < 8; ++row) {
        for (int column = 0; column < 12; ++column) {
            int const thousandths = static_cast<int>(line_.random() % 3'400) - 20;
            rows += line_.one_in(150) ? std::string{" *.***"}
                                      : fmt::format("{}{}.{:03}", thousandths < 0 ? '-' : ' ', std::abs(thousandths) / 1000,
                                                    std::abs(thousandths) % 1000);
        }
        rows += '\r';
    }
    unsigned sum = 0;
    for (unsigned char const c : rows) sum += c;
    return fmt::format(".begin\r{}{}\r.end\r", rows, sum & 0xFF);
}

void BioradSimulator::measure(Instant now) {
    if (!done_at_) done_at_ = now + read_duration;
}

void BioradSimulator::finish(Instant now) {
    done_at_.reset();
    ++plates_;
    last_ = is_680_ ? fmt::format("BIO-RAD Model 680 Microplate READER\r04/03/2026 09:{:02}:{:02}\rMes. filter:450\r", plates_ / 60 % 60,
                                  plates_ % 60)
                    : std::string{"BIO-RAD MODEL 550 READER\rMes. filter:1\r"};
    if (dual_) last_ += is_680_ ? "Ref. filter:655\r" : "Ref. filter:3\r";
    last_ += block();
    if (dual_) last_ += '\r' + block();
    std::string const key = fmt::format("{:06}", plates_);
    note(SimulatedEvent::Kind::measured, key, last_);
    if (silent_) return;
    std::string const reply = "ERE 0000 " + last_ + '\r';
    // As when its cable is pulled for a moment.
    line_.say(line_.one_in(options_.faults.break_off_every) ? reply.substr(0, reply.size() / 2) : reply, now);
    note(SimulatedEvent::Kind::delivered, key, last_);
}

void BioradSimulator::receive(std::string_view bytes, Instant now) {
    for (char const c : bytes) {
        if (c != '\r')
            command_ += c;
        else
            answer(std::exchange(command_, {}), now);
    }
}

void BioradSimulator::answer(std::string const& command, Instant now) {
    constexpr std::string_view device = "EIA.READER ";
    if (!command.starts_with(device) || silent_) return;
    std::string const name = command.substr(device.size());
    if (name == "AQ") remote_ = true;
    if (!remote_) return line_.say("ERE 8073\r", now);
    if (done_at_) return;  // busy
    if (name == "RL") remote_ = false;
    if (name == "ID") return line_.say(is_680_ ? "ERE 0000 Model 680\r" : "ERE 0000 0550\r", now);
    if (name.starts_with("RPLATE ")) {
        dual_ = std::count(name.begin(), name.end(), ' ') == (is_680_ ? 5 : 3);
        return measure(now);
    }
    // Its code for having no plate is not known; this one stands for it.
    if (name == "RTPLATE") return line_.say(last_.empty() ? "ERE 9999\r" : "ERE 0000 " + last_ + '\r', now);
    line_.say("ERE 0000\r", now);
}

void BioradSimulator::proceed(Instant now) {
    if (options_.faults.silent_after != 0 && plates_ >= options_.faults.silent_after) silent_ = true;
    if (done_at_ && now >= *done_at_) finish(now);
}

std::optional<Clock::Instant> BioradSimulator::proceeds(Instant) const { return done_at_; }

void BioradSimulator::unplugged() {
    SimulatedInstrument::unplugged();
    command_.clear();
}

}  // namespace marrowlink::biorad
