#include "drivers/biotek/protocol.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace marrowlink::biotek {

namespace {

constexpr char etx = 0x03, ack = 0x06, nak = 0x15, sub = 0x1A, rs = 0x1E;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_printable(char c) { return c >= ' ' && c <= '~'; }
bool is_status(char c) { return is_digit(c) || (c >= 'A' && c <= 'F'); }

// "01,1," CR "000:00:00.0,", where d stands for a digit.
constexpr std::string_view head_form = "dd,d,\rddd:dd:dd.d,";

std::size_t find_head(std::string_view bytes, std::size_t from) {
    for (; from + head_form.size() <= bytes.size(); ++from) {
        bool const fits = std::equal(head_form.begin(), head_form.end(), bytes.begin() + static_cast<std::ptrdiff_t>(from),
                                     [](char form, char c) { return form == 'd' ? is_digit(c) : form == c; });
        if (fits) return from;
    }
    return std::string_view::npos;
}

Event answer_of(std::string_view item) {
    Event out{Heard::noise, item.size(), {}, {}};
    std::string_view text = item.substr(0, item.size() - 1);
    bool const begins = text.starts_with(ack);
    if (begins) text.remove_prefix(1);
    if (text.starts_with(rs) && text.size() == 4) {  // PowerWave: a status string alone
        out.heard = Heard::answer;
        out.status = text;
        return out;
    }
    bool const plain = std::all_of(text.begin(), text.end(), begins ? is_printable : is_digit);
    if (!plain || text.size() < 4 || text.size() > answer_bytes_max) return out;
    std::string_view const status = text.substr(text.size() - 4);
    if (!std::all_of(status.begin(), status.end(), is_status)) return out;
    text.remove_suffix(4);
    while (text.ends_with(' ')) text.remove_suffix(1);
    return {Heard::answer, item.size(), text, status};
}

}  // namespace

Event next_event(std::string_view bytes) {
    if (bytes.empty()) return {};
    if (bytes[0] == nak) return {Heard::answer, 1, {}, bytes.substr(0, 1)};
    // A letter that a parameter follows is acknowledged by this byte alone.
    if (bytes[0] == ack && bytes.size() > 1 && (bytes[1] == ack || bytes[1] == nak)) return {Heard::answer, 1, {}, {}};
    std::size_t const end = bytes.find(etx);
    std::string_view const item = bytes.substr(0, end == std::string_view::npos ? end : end + 1);
    std::size_t const head = find_head(item, 0);
    if (head != 0 && head != std::string_view::npos) return {Heard::noise, head, {}, {}};
    if (head == 0) {
        std::size_t const again = find_head(item, 1);
        if (again != std::string_view::npos) return {Heard::cut, again, {}, {}};
        if (item.size() > plate_bytes_max) return {Heard::cut, item.size(), {}, {}};
        return end == std::string_view::npos ? Event{} : Event{Heard::plate, item.size(), {}, {}};
    }
    if (end != std::string_view::npos) return answer_of(item);
    return item.size() > plate_bytes_max ? Event{Heard::noise, item.size() - head_form.size(), {}, {}} : Event{};
}

bool plate_begins(std::string_view bytes) { return find_head(bytes.substr(0, head_form.size()), 0) == 0; }

std::string words_of(std::string_view status) {
    if (status.size() == 1 && status[0] == nak) return "NAK: the reader does not know the command";
    if (status == "2D06") return "status 2D06: the reader does not accept the assay definition";
    if (status.size() == 4 && status[0] == rs) {
        std::string_view const meant = status[2] == '3'   ? "a parameter is out of range"
                                       : status[2] == '7' ? "a checksum does not hold"
                                       : status[2] == '8' ? "the reader has a fault"
                                                          : "of a meaning that is not known";
        return fmt::format("status {}: {}", status.substr(1), meant);
    }
    return fmt::format("status {}, of a meaning that is not known", status);
}

}  // namespace marrowlink::biotek
