#include "io/adapter_words.hpp"

#include <fmt/format.h>

namespace marrowlink {
namespace {
namespace map = wire::adapter;

std::string_view words_of(map::Parity parity) { return parity == map::Parity::none ? "none" : parity == map::Parity::odd ? "odd" : "even"; }

std::string words_of_framing(map::Settings const& settings) {
    switch (settings.framing) {
        case map::Framing::idle: return "after silence only";
        case map::Framing::terminator: {
            std::string bytes;
            for (std::size_t i = 0; i < settings.terminator_bytes; ++i) bytes += fmt::format(" {:02X}h", settings.terminator[i]);
            return "behind" + bytes;
        }
        case map::Framing::length:
            return fmt::format("{} bytes behind what its length says ({} bytes at {}, {} first)", settings.length_adds,
                               settings.length_bytes, settings.length_at, settings.length_little_endian ? "low" : "high");
        case map::Framing::astm: return "behind each frame of ASTM E1381";
    }
    return "in a way that this gateway does not know";
}
}  // namespace

std::string_view words_of(map::Board board) {
    switch (board) {
        case map::Board::host: return "a test";
        case map::Board::stm32f405: return "the STM32F405 board";
        case map::Board::qemu: return "QEMU";
    }
    return "a board that this gateway does not know";
}

std::string_view words_of(map::Storage storage) {
    switch (storage) {
        case map::Storage::ram: return "RAM, of which nothing is left after a reset";
        case map::Storage::fram: return "FRAM";
        case map::Storage::semihosting: return "a file of QEMU's host";
    }
    return "a memory that this gateway does not know";
}

std::vector<AdapterFlag> flags_of(std::uint16_t flags) {
    constexpr std::pair<map::Flag, AdapterFlag> all[] = {
        {map::Flag::log_full, {"log_full", "the log is full: nothing more is taken until some is freed"}},
        {map::Flag::stopped, {"stopped", "the instrument is held by flow control"}},
        {map::Flag::storage_failed, {"storage_failed", "the memory fails: nothing is taken"}},
        {map::Flag::settings_default, {"settings_default", "no settings were kept: it has those of a new adapter"}},
        {map::Flag::fault_recorded, {"fault_recorded", "the program met a fault since power came"}},
        {map::Flag::wrong_line, {"wrong_line", "many of the last characters were damaged: is the baud rate or parity wrong?"}},
    };
    std::vector<AdapterFlag> out;
    for (auto const& [flag, said] : all)
        if ((flags & static_cast<std::uint16_t>(flag)) != 0) out.push_back(said);
    return out;
}

std::vector<AdapterSetting> settings_of(map::Settings const& settings) {
    return {{"unit", std::to_string(settings.unit), true},
            {"bus baud", std::to_string(settings.bus_baud), true},
            {"bus parity", std::string{words_of(settings.bus_parity)}, true},
            {"baud", std::to_string(settings.baud)},
            {"data bits", std::to_string(settings.data_bits)},
            {"parity", std::string{words_of(settings.parity)}},
            {"stop bits", std::to_string(settings.stop_bits)},
            {"flow control", settings.flow == map::Flow::none  ? "none"
                             : settings.flow == map::Flow::rts ? "the RTS line"
                                                               : "XOFF and XON"},
            {"a message ends", words_of_framing(settings)},
            {"and after silence of", fmt::format("{} ms", settings.idle_ms)},
            {"answers", settings.answer == map::Answer::astm ? "ACK to an ASTM frame that is kept, NAK to one that is not" : "nothing"}};
}

}  // namespace marrowlink
