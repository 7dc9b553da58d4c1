#include "firmware/adapter.hpp"

#include <bit>

#include "firmware/elapsed.hpp"
#include "wire/astm_link.hpp"

namespace marrowlink::firmware {
using namespace wire;
using adapter::Flag;
namespace {
constexpr std::uint8_t xon = 0x11, xoff = 0x13;
}  // namespace

Adapter::Adapter(Storage& storage, Uart& instrument, Uart& bus, Identity const& identity)
    : storage_(storage),
      instrument_(instrument),
      bus_(bus),
      identity_(identity),
      log_(storage),
      registers_(log_, storage.kind(), identity),
      server_(registers_) {}

void Adapter::begin(std::uint64_t now_us) {
    apply(adapter::encode(adapter::Settings{}));
    open(now_us);
}

void Adapter::open(std::uint64_t now_us) {
    opened_us_ = now_us;
    opened_ = log_.open();
    failed_ = !opened_;
    if (!opened_) return;
    auto const kept = log_.settings();
    adapter::Settings checked;
    if (kept && adapter::decode(*kept, checked) == 0) {
        settings_default_ = false;
        apply(*kept);
    }
    Slot restart;
    restart.kind = SlotKind::restart;
    restart.arrived_ms = static_cast<std::uint32_t>(now_us / 1'000);
    std::array<std::uint8_t, 2> cause;
    store_u16(cause, 0, static_cast<std::uint16_t>(identity_.reset_cause));
    keep(restart, cause);
}

void Adapter::poll(std::uint64_t now_us) {
    if (!opened_ && now_us - opened_us_ >= reopen_us) open(now_us);
    hear(now_us);
    answer_instrument();
    command_instrument();
    hold_instrument();
    serve(now_us);
}

void Adapter::apply(adapter::SettingsRegisters const& registers) {
    adapter::decode(registers, settings_);
    registers_.show(registers);
    segmenter_.configure(settings_);
    Line const line{settings_.baud, settings_.data_bits, settings_.parity, settings_.stop_bits};
    if (line != line_) instrument_.configure(line);  // a port that is set anew loses the character that is coming in
    line_ = line;
    // 11 bits to a character, with or without parity (Serial Line 2.5.1).
    bool const parity = settings_.bus_parity != adapter::Parity::none;
    bus_.configure({settings_.bus_baud, 8, settings_.bus_parity, static_cast<std::uint8_t>(parity ? 1 : 2)});
    server_.configure(settings_.unit, settings_.bus_baud);
}

// A segment that finds no room stays where it is, bytes behind it stay in the ring, and the ring's end is where flow control begins. A loss
// is told between the bytes before it and those behind it.
void Adapter::hear(std::uint64_t now_us) {
    for (std::size_t n = 0; n < bytes_per_poll_max; ++n) {
        if (segmenter_.whole() && !keep_segment()) return;
        if (!next_) {
            Received received;
            if (!instrument_.receive(received)) break;
            next_ = received;
            recent_damage_ = recent_damage_ << 1 | (received.damaged ? 1 : 0);
            received.damaged ? ++damaged_ : ++heard_;
        }
        if (next_->damaged || next_->lost_before) {
            segmenter_.cut();
            if (segmenter_.whole()) continue;
            if (!keep_losses(now_us)) return;
        }
        if (!next_->damaged) segmenter_.push(next_->byte, whole_time_us(next_->at_us, now_us));
        next_.reset();
    }
    if (segmenter_.pass(now_us)) keep_segment();
    if (segmenter_.empty() && instrument_.waiting() == 0) keep_losses(now_us);
}

bool Adapter::keep_segment() {
    Slot const slot = segmenter_.slot();
    Bytes const payload = segmenter_.payload();
    std::uint8_t answer = 0;
    if (answers() && slot.end == SlotEnd::frame) {
        if (payload[0] == astm::enq) answer = log_.has_room(slot_payload_bytes_max) ? astm::ack : astm::nak;
        if (payload[0] == astm::stx) answer = astm::whole(payload) ? astm::ack : astm::nak;
    }
    // An instrument that was refused asks or sends again; nothing of it is to be kept.
    bool const refused = answer == astm::nak;
    if (!refused && !keep(slot, payload)) {
        if (answer == 0) return false;
        answer = astm::nak;
    }
    if (answer != 0) answer_ = answer;
    segmenter_.clear();
    return true;
}

bool Adapter::keep_losses(std::uint64_t now_us) {
    Losses const now = instrument_.losses();
    if (damaged_ == damaged_told_ && now.refused == told_.refused && now.overruns == told_.overruns) return true;
    Slot slot;
    slot.kind = SlotKind::loss;
    slot.arrived_ms = static_cast<std::uint32_t>(now_us / 1'000);
    std::array<std::uint8_t, 12> payload;
    store_u32(payload, 0, now.refused - told_.refused);
    store_u32(payload, 4, damaged_ - damaged_told_);
    store_u32(payload, 8, now.overruns - told_.overruns);
    if (!keep(slot, payload)) return false;
    told_ = now;
    damaged_told_ = damaged_;
    return true;
}

bool Adapter::keep(Slot const& slot, Bytes payload) {
    if (!opened_) return false;
    auto const outcome = log_.append(slot, payload);
    if (slot.kind == SlotKind::data) full_ = outcome == SlotLog::Outcome::no_room;
    failed_ = outcome == SlotLog::Outcome::failed;
    return outcome == SlotLog::Outcome::done;
}

// Of RAM nothing is left after a loss of power: what is there is not safe, and no instrument is told that it may forget.
bool Adapter::answers() const { return settings_.answer == adapter::Answer::astm && storage_.kind() != adapter::Storage::ram; }

void Adapter::answer_instrument() {
    if (answer_ != 0 && instrument_.send(Bytes(&answer_, 1)) == 1) answer_ = 0;
}

void Adapter::command_instrument() {
    Command& command = registers_.command();
    if (answer_ != 0 || command.sent == command.bytes) return;
    command.sent += instrument_.send(Bytes(command.data).subspan(command.sent, command.bytes - command.sent));
}

void Adapter::hold_instrument() {
    if (settings_.flow == adapter::Flow::none) return;
    std::size_t const waiting = instrument_.waiting(), all = waiting + instrument_.room();
    bool const hold = held_ ? waiting > all / 4 || full_ : waiting > all / 2 || full_;
    if (hold == held_) return;
    if (settings_.flow == adapter::Flow::rts) {
        instrument_.ready_to_receive(!hold);
    } else {
        std::uint8_t const word = hold ? xoff : xon;
        if (instrument_.send(Bytes(&word, 1)) != 1) return;
    }
    held_ = hold;
}

void Adapter::serve(std::uint64_t now_us) {
    if (!response_.empty()) {
        response_ = response_.subspan(bus_.send(response_));
        return;
    }
    if (next_settings_ && bus_.sent()) {
        segmenter_.cut();
        if (segmenter_.whole() && !keep_segment()) return;
        apply(*next_settings_);
        settings_default_ = false;
        next_settings_.reset();
    }
    Received received;
    while (bus_.receive(received)) {
        std::uint64_t const at_us = whole_time_us(received.at_us, now_us);
        if (received.damaged || received.lost_before) server_.damaged(at_us);
        if (!received.damaged) server_.receive(received.byte, at_us);
    }
    registers_.show(activity(now_us));
    response_ = server_.poll(now_us);
    if (auto const written = registers_.take_settings()) next_settings_ = written;
    if (!response_.empty()) response_ = response_.subspan(bus_.send(response_));
}

Activity Adapter::activity(std::uint64_t now_us) const {
    Activity out;
    out.uptime_ms = now_us / 1'000;
    auto const raise = [&](Flag flag, bool on) {
        if (on) out.flags = static_cast<std::uint16_t>(out.flags | static_cast<std::uint16_t>(flag));
    };
    Losses const losses = instrument_.losses();
    raise(Flag::log_full, full_);
    raise(Flag::stopped, held_);
    raise(Flag::storage_failed, failed_);
    raise(Flag::settings_default, settings_default_);
    raise(Flag::fault_recorded, identity_.fault[adapter::fault::number] != 0);
    raise(Flag::wrong_line, std::popcount(recent_damage_) > 16);
    out.heard = heard_;
    out.refused = losses.refused;
    out.damaged = damaged_;
    out.overruns = losses.overruns;
    out.bad_frames = server_.bad_frames();
    return out;
}

}  // namespace marrowlink::firmware
