#include "drivers/biotek/simulator.hpp"

#include <fmt/format.h>

namespace marrowlink::biotek {

void BiotekSimulator::measure(Instant now) {
    ++plates_;
    std::string const key = fmt::format("{:06}", plates_);
    if (options_.faults.silent_after != 0 && plates_ > options_.faults.silent_after) return note(SimulatedEvent::Kind::measured, key, "");
    std::string body = "000:00:00.0,236,";
    for (int row = 1; row <= 8; ++row) {
        for (int n = 1; n <= 12; ++n) {
            int const column = row % 2 == 1 ? n : 13 - n;  // even rows run right to left
            std::string const value = line_.one_in(200) ? "*******" : fmt::format("+{}.{:04}", line_.random() % 3, line_.random() % 10'000);
            body += fmt::format("{}{:02},{:02},{}", body.ends_with(',') ? "" : ",", row, column, value);
        }
        body += "\r\n";
    }
    body += "237\x1A";
    unsigned sum = 0;
    for (unsigned char const c : body) sum += c;
    std::string const plate = fmt::format("01,1,\r{}{}\x1A", body, sum & 0xFF) + "0000\x03";
    note(SimulatedEvent::Kind::measured, key, plate);
    // As when its power fails: what follows is another plate.
    bool const whole = !line_.one_in(options_.faults.break_off_every);
    line_.say(whole ? plate : plate.substr(0, plate.size() / 2), now);
    note(whole ? SimulatedEvent::Kind::delivered : SimulatedEvent::Kind::given_up, key, plate);
    if (!line_.one_in(options_.faults.repeat_every)) return;
    // A reader keeps no plate to send again: equal bytes are another measurement.
    std::string const next = fmt::format("{:06}", ++plates_);
    note(SimulatedEvent::Kind::measured, next, plate);
    line_.say(plate, now);
    note(SimulatedEvent::Kind::delivered, next, plate);
}

void BiotekSimulator::receive(std::string_view bytes, Instant now) {
    for (char const letter : bytes) {
        switch (letter) {
            case 'e':
                line_.say(
                    "\x06"
                    "1650200  Version 1.04   0000\x03",
                    now);
                break;
            case 'C':
                line_.say(
                    "\x06"
                    "SIM00001        0000\x03",
                    now);
                break;
            case 'h':
                line_.say(
                    "\x06"
                    "2360000\x03",
                    now);
                break;
            case 'J':
            case 'A':
                line_.say(
                    "\x06"
                    "0000\x03",
                    now);
                break;
            default: line_.say("\x15", now); break;
        }
    }
}

}  // namespace marrowlink::biotek
