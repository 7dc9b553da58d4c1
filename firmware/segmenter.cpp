#include "firmware/segmenter.hpp"

#include <algorithm>

#include "firmware/elapsed.hpp"
#include "wire/astm_link.hpp"

namespace marrowlink::firmware {
using namespace wire;
using adapter::Framing;

void Segmenter::configure(adapter::Settings const& settings) {
    settings_ = settings;
    before_ = length_ = 0;
    in_frame_ = false;
}

bool Segmenter::push(std::uint8_t byte, std::uint64_t now_us) {
    if (bytes_ == 0) first_us_ = now_us;
    last_us_ = now_us;
    payload_[bytes_++] = byte;
    if (ends_here()) {
        before_ = length_ = 0;
    } else if (bytes_ == payload_.size()) {
        end_ = SlotEnd::full;
        before_ += bytes_;
    }
    return whole();
}

bool Segmenter::pass(std::uint64_t now_us) {
    if (whole() || elapsed_us(last_us_, now_us) < settings_.idle_ms * 1'000u) return whole();
    before_ = length_ = 0;  // what comes next is another message, even where this one had to be longer
    in_frame_ = false;
    if (bytes_ > 0) end_ = SlotEnd::idle;
    return whole();
}

void Segmenter::cut() {
    before_ = length_ = 0;
    in_frame_ = false;
    if (bytes_ > 0 && !whole()) end_ = SlotEnd::idle;
}

Slot Segmenter::slot() const {
    Slot out;
    out.kind = SlotKind::data;
    out.end = end_;
    out.arrived_ms = static_cast<std::uint32_t>(first_us_ / 1'000);
    out.lasted_ms = static_cast<std::uint16_t>(std::min<std::uint64_t>(elapsed_us(first_us_, last_us_) / 1'000, 65'535));
    return out;
}

void Segmenter::clear() {
    bytes_ = 0;
    end_ = SlotEnd::none;
}

bool Segmenter::ends_here() {
    switch (settings_.framing) {
        case Framing::idle: return false;
        case Framing::terminator: {
            std::size_t const n = settings_.terminator_bytes;
            if (bytes_ < n || !std::equal(payload_.begin() + bytes_ - n, payload_.begin() + bytes_, settings_.terminator.begin()))
                return false;
            end_ = SlotEnd::terminator;
            return true;
        }
        case Framing::length: {
            std::size_t const field_end = settings_.length_at + settings_.length_bytes;
            if (length_ == 0 && before_ == 0 && bytes_ == field_end) {
                std::size_t length = payload_[settings_.length_at];
                if (settings_.length_bytes == 2) {
                    std::size_t const next = payload_[settings_.length_at + 1];
                    length = settings_.length_little_endian ? next << 8 | length : length << 8 | next;
                }
                length_ = std::max(length + settings_.length_adds, field_end);
            }
            if (length_ == 0 || before_ + bytes_ < length_) return false;
            end_ = SlotEnd::length;
            return true;
        }
        case Framing::astm: return frame_ends_here(payload_[bytes_ - 1]);
    }
    return false;
}

// ENQ and EOT stand for themselves, a frame goes from STX to LF; anything else ends with silence.
bool Segmenter::frame_ends_here(std::uint8_t byte) {
    bool const frame_over = in_frame_ && (byte == astm::lf || bytes_ == astm::frame_bytes_max);
    if (byte == astm::stx && bytes_ == 1) in_frame_ = true;
    if (!frame_over && (in_frame_ || (byte != astm::enq && byte != astm::eot))) return false;
    in_frame_ = false;
    end_ = SlotEnd::frame;
    return true;
}

}  // namespace marrowlink::firmware
