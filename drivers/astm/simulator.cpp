#include "drivers/astm/simulator.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace marrowlink::astm {

namespace {
constexpr std::chrono::seconds answer_timeout{15}, pause_after_refusal{10}, pause_between{1};
constexpr std::size_t frame_text_bytes = 240;  // E1381
constexpr int refusals_allowed = 6;            // of one frame, then the transfer is given up

std::string frame_of(std::size_t number, std::string_view text, bool is_last) {
    std::string const summed = fmt::format("{}{}{}", number % 8, text, is_last ? '\x03' : '\x17');
    unsigned sum = 0;
    for (unsigned char const c : summed) sum += c;
    return fmt::format("\x02{}{:02X}\r\n", summed, sum & 0xFF);
}
}  // namespace

void AstmSimulator::measure(Instant) {
    ++results_;
    std::string records = fmt::format("P|1||S-{:04}||Somebody^Simulated||20190101|F\rO|1|PLT-{:04}||^^^VIAB|R\r", results_, results_);
    for (int n = 1; n <= 6; ++n)
        records +=
            fmt::format("R|{}|^^^DRUG{}|{}.{:03}|ratio||N||F||||202603040908{:02}\r", n, n, line_.random() % 2, line_.random() % 1000, n);
    records += "L|1|N\r";
    std::string key = fmt::format("PLT-{:04}", results_);
    note(SimulatedEvent::Kind::measured, key, records);
    waiting_.push_back({std::move(key), std::move(records)});
}

void AstmSimulator::begin(Instant now) {
    // Each transfer has its own time in H, as instruments write it.
    std::string const message =
        fmt::format("H|\\^&|||SIMULATOR^1^2.0^SN1|||||||P|LIS2-A2|2026030409{:04}\r", ++transfers_ % 10'000) + waiting_.front().records;
    frames_.clear();
    for (std::size_t at = 0; at < message.size(); at += frame_text_bytes)
        frames_.push_back(
            frame_of(frames_.size() + 1, std::string_view{message}.substr(at, frame_text_bytes), at + frame_text_bytes >= message.size()));
    break_off_at_ = line_.one_in(options_.faults.break_off_every) ? frames_.size() / 2 + 1 : 0;
    enquired_ = true;
    refusals_ = 0;
    line_.say("\x05", now);
    patience_ = now + answer_timeout;
}

void AstmSimulator::end(Instant now) {
    line_.say("\x04", now);
    patience_.reset();
    not_before_ = now + pause_between;
}

void AstmSimulator::frame(Instant now) {
    line_.say(frames_[next_frame_], now);
    patience_ = now + answer_timeout;
}

void AstmSimulator::answered(bool yes, Instant now) {
    if (!patience_) return;
    if (enquired_ && !yes) {
        patience_.reset();
        not_before_ = now + pause_after_refusal;
        return;
    }
    if (!yes) {
        if (++refusals_ < refusals_allowed) return frame(now);
        end(now);
        not_before_ = now + pause_after_refusal;
        return;
    }
    refusals_ = 0;
    if (std::exchange(enquired_, false))
        next_frame_ = 0;
    else if (!line_.one_in(options_.faults.repeat_every))  // as if the answer had been lost, or
        ++next_frame_;
    if (break_off_at_ != 0 && next_frame_ >= break_off_at_) {
        patience_.reset();
        not_before_ = now + pause_between;
        return;
    }
    if (next_frame_ < frames_.size()) return frame(now);
    end(now);
    // As an operator does who sends the last result again.
    if (line_.one_in(options_.faults.repeat_every)) return;
    note(SimulatedEvent::Kind::delivered, waiting_.front().key, waiting_.front().records);
    ++delivered_;
    waiting_.pop_front();
}

void AstmSimulator::receive(std::string_view bytes, Instant now) {
    for (char const c : bytes)
        if (c == '\x06' || c == '\x15') answered(c == '\x06', now);
}

void AstmSimulator::proceed(Instant now) {
    if (patience_ && now >= *patience_) end(now);
    if (!patience_ && !waiting_.empty() && line_.idle() && !mute() && (!not_before_ || now >= *not_before_)) begin(now);
}

std::optional<Clock::Instant> AstmSimulator::proceeds(Instant now) const {
    if (patience_) return patience_;
    if (!waiting_.empty() && line_.idle() && !mute()) return not_before_.value_or(now);
    return {};
}

void AstmSimulator::unplugged() {
    SimulatedInstrument::unplugged();
    patience_.reset();
    not_before_.reset();
}

}  // namespace marrowlink::astm
