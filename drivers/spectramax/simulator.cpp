#include "drivers/spectramax/simulator.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

namespace marrowlink::spectramax {
namespace {
constexpr std::size_t command_bytes_max = 200;  // a longer line is answered FAIL 104
constexpr std::size_t burst_bytes = 32;         // how finely a slow line is played

std::vector<std::string> words(std::string_view text) {
    std::vector<std::string> out;
    while (!text.empty()) {
        auto const end = std::min(text.find(' '), text.size());
        if (end > 0) out.emplace_back(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return out;
}
}  // namespace

SpectraMaxSimulator::SpectraMaxSimulator(SimulatorOptions options, Instant now)
    : options_(options), power_on_(now), random_(options.seed), uptime_offset_s_(1000 + random() % 50'000) {}

// SplitMix64.
std::uint64_t SpectraMaxSimulator::random() {
    std::uint64_t z = (random_ += 0x9E3779B97F4A7C15ULL);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
    return z ^ (z >> 31);
}

double SpectraMaxSimulator::uniform() { return static_cast<double>(random() >> 11) / 9007199254740992.0; }

void SpectraMaxSimulator::receive(std::string_view bytes, Instant now) {
    advance(now);
    for (char const c : bytes) {
        if (c != '\r' && c != '\n') {
            if (command_.size() <= command_bytes_max) command_ += c;
            continue;
        }
        if (command_.empty()) continue;
        std::string const command = std::exchange(command_, {});
        ++commands_;
        if (options_.silent_after_commands != 0 && commands_ % options_.silent_after_commands == 0) {
            if (options_.silent_for)
                mute_until_ = now + *options_.silent_for;
            else
                mute_ = true;
        }
        if (!silent(now)) answer(command, now);
    }
}

bool SpectraMaxSimulator::silent(Instant now) { return mute_ || (mute_until_ && now < *mute_until_); }

void SpectraMaxSimulator::set_silent(bool yes) {
    mute_ = yes;
    if (!yes) mute_until_.reset();
}

void SpectraMaxSimulator::answer(std::string_view command, Instant now) {
    std::vector<std::string> const word = words(command);
    if (command.size() > command_bytes_max) return reply("FAIL\t104>\r\n", now);
    if (word.empty() || word[0].front() != '!') return reply("FAIL\t100>\r\n", now);
    std::string const& name = word[0];
    if (name == "!") return reply("OK>\r\n", now);
    if (name == "!STATUS") return reply(fmt::format("OK>\r\nCLOSED\r\n{}\r\n\r\n>\r\n", measuring() ? "MEASURING" : "IDLE"), now);
    if (name == "!TRANSFER") {
        if (measuring()) return reply("FAIL\t106>\r\n", now);
        if (held_.empty()) return reply("FAIL\t107>\r\n", now);
        return reply(held_ + "\r\n", now);
    }
    if (name == "!OPTION") return reply("OK>\r\nSIMULATED READER 1.0\r\n>\r\n", now);
    if (measuring()) return reply("FAIL\t106>\r\n", now);
    if (name == "!CLEAR") {
        if (word.size() == 2 && word[1] == "DATA" && !held_.empty()) {
            events_.push_back({Event::Kind::cleared, plate_no_, std::exchange(held_, {})});
        }
        return reply("OK>\r\n", now);
    }
    if (name == "!WAVELENGTH") {
        if (word.size() < 2) return reply("FAIL\t103>\r\n", now);
        wavelengths_.assign(word.begin() + 1, word.end());
        return reply("OK>\r\n", now);
    }
    if (name == "!READ") {
        if (!held_.empty()) return reply("FAIL\t108>\r\n", now);
        begin(now);
        return reply("OK>\r\n", now);
    }
    constexpr std::array<std::string_view, 5> two_fields = {"!READTYPE", "!SPEED", "!READSTAGE", "!TEMP", "!WELLSCANMODE"};
    if (std::find(two_fields.begin(), two_fields.end(), name) != two_fields.end()) return reply("OK>\r\n>\r\n", now);
    constexpr std::array<std::string_view, 10> settings = {"!XPOS",      "!YPOS", "!STRIP", "!CSPEED", "!SHAKE",
                                                           "!CALIBRATE", "!MODE", "!ORDER", "!TAG",    "!OPEN"};
    if (std::find(settings.begin(), settings.end(), name) != settings.end()) return reply("OK>\r\n", now);
    reply("FAIL\t100>\r\n", now);
}

bool SpectraMaxSimulator::press_read(Instant now) {
    advance(now);
    if (measuring() || holds_data()) return false;
    begin(now);
    return true;
}

void SpectraMaxSimulator::begin(Instant now) {
    ++plate_no_;
    done_at_ = now + options_.read_duration;
    events_.push_back({Event::Kind::started, plate_no_, {}});
}

void SpectraMaxSimulator::advance(Instant now) {
    if (!done_at_ || now < *done_at_) return;
    done_at_.reset();
    held_ = fmt::format("OK>\r\n{:.1f}\t{:.1f}\t{}-well\r\nL:\t{}\r\n",
                        static_cast<double>(uptime_offset_s_) + std::chrono::duration<double>(now - power_on_).count(), 24.5 + uniform(),
                        options_.wells, fmt::join(wavelengths_, "\t"));
    for (std::string const& wavelength : wavelengths_) held_ += block(wavelength);
    held_ += '>';
    events_.push_back({Event::Kind::measured, plate_no_, held_});
}

// Viability plates as the studies run them: column 1 untreated, the last column killed, between them a dilution row per drug, 4 % noise.
std::string SpectraMaxSimulator::block(std::string_view wavelength) {
    int const rows = options_.wells == 384 ? 16 : 8;
    int const columns = options_.wells == 384 ? 24 : 12;
    std::vector<double> log_ec50(rows), slope(rows), bottom(rows);
    for (int row = 0; row < rows; ++row) {
        log_ec50[row] = 0.2 + 0.6 * uniform();
        slope[row] = 6.0 + 6.0 * uniform();
        bottom[row] = 0.10 + 0.5 * uniform();
    }
    std::string out = fmt::format("L:\t{}\r\n", wavelength);
    for (int column = 0; column < columns; ++column) {
        out += fmt::format("{}:", column + 1);
        for (int row = 0; row < rows; ++row) {
            double const dose = static_cast<double>(column) / (columns - 1);
            double od = bottom[row] + (1.85 - bottom[row]) / (1.0 + std::exp(slope[row] * (dose - log_ec50[row])));
            if (column == 0) od = 1.85;
            if (column == columns - 1) od = 0.085;
            od *= 1.0 + 0.04 * (uniform() + uniform() + uniform() - 1.5);
            if (options_.saturated_one_in != 0 && random() % options_.saturated_one_in == 0)
                out += "\t#SAT";
            else
                out += fmt::format("\t{:.4f}", od);
        }
        out += "\r\n";
    }
    return out;
}

void SpectraMaxSimulator::reply(std::string_view text, Instant now) {
    if (out_.empty()) {
        out_since_ = now;
        out_sent_ = 0;
    }
    std::string said{text};
    if (options_.repeat_every != 0 && random() % options_.repeat_every == 0) said += text;
    for (char const c : said) {
        if (options_.damage_every != 0 && random() % options_.damage_every == 0) {
            if (random() % 4 == 0) continue;
            out_ += static_cast<char>(c ^ (1 << random() % 8));
        } else {
            out_ += c;
        }
    }
}

std::string SpectraMaxSimulator::send(Instant now) {
    advance(now);
    std::size_t due = out_.size();
    if (options_.bytes_per_second != 0) {
        double const carried = std::chrono::duration<double>(now - out_since_).count() * options_.bytes_per_second;
        due = std::min<std::size_t>(
            due, static_cast<std::size_t>(carried) - std::min<std::size_t>(out_sent_, static_cast<std::size_t>(carried)));
    }
    if (options_.unplug_after_bytes != 0 && due > 0) {
        std::uint64_t const left = options_.unplug_after_bytes - bytes_out_ % options_.unplug_after_bytes;
        if (due >= left) {
            due = left;
            unplug_due_ = true;
        }
    }
    std::string bytes = out_.substr(0, due);
    out_.erase(0, due);
    out_sent_ += due;
    bytes_out_ += due;
    return bytes;
}

std::optional<Clock::Instant> SpectraMaxSimulator::next_event(Instant now) const {
    std::optional<Instant> next = done_at_;
    if (!out_.empty()) {
        Instant due = now;
        if (options_.bytes_per_second != 0) {
            double const bytes = static_cast<double>(out_sent_ + std::min(out_.size(), burst_bytes));
            // One microsecond late rather than early: a byte that is not due yet would be asked for again at once, for ever.
            due = out_since_ + std::chrono::microseconds{static_cast<std::int64_t>(bytes * 1e6 / options_.bytes_per_second) + 1};
        }
        next = next ? std::min(*next, due) : due;
    }
    return next;
}

std::vector<SpectraMaxSimulator::Event> SpectraMaxSimulator::take_events() { return std::exchange(events_, {}); }

void SpectraMaxSimulator::unplugged() {
    out_.clear();
    command_.clear();
    unplug_due_ = false;
}

Task<void> play(SpectraMaxSimulator& reader, Transport& line, Clock& clock, std::function<void(SpectraMaxSimulator::Event const&)> log) {
    std::array<std::byte, 256> buffer;
    for (;;) {
        std::string const bytes = reader.send(clock.now());
        for (SpectraMaxSimulator::Event const& event : reader.take_events())
            if (log) log(event);
        if (!bytes.empty()) {
            std::span<std::byte const> const view = std::as_bytes(std::span{bytes.data(), bytes.size()});
            auto const sent = co_await line.write(view);
            if (!sent) break;
        }
        if (reader.wants_unplugging()) break;
        auto const next = reader.next_event(clock.now());
        auto const got = co_await line.read_some(buffer, next.value_or(Clock::Instant::max()));
        if (got)
            reader.receive({reinterpret_cast<char const*>(buffer.data()), *got}, clock.now());
        else if (got.error().fault != Fault::timed_out)
            break;
    }
    reader.unplugged();
}

}  // namespace marrowlink::spectramax
