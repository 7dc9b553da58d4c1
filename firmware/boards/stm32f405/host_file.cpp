#include "firmware/boards/stm32f405/host_file.hpp"

#include <algorithm>
#include <array>

namespace marrowlink::stm32f405 {
namespace {
enum class Call : std::uint32_t { open = 0x01, write = 0x05, read = 0x06, seek = 0x0A, length = 0x0C, command_line = 0x15 };
constexpr std::uint32_t read_and_write = 3, create = 7;  // "r+b", "w+b"

std::uint32_t address_of(void const* what) { return static_cast<std::uint32_t>(reinterpret_cast<std::uintptr_t>(what)); }

int ask(Call call, std::uint32_t const* arguments) {
    register std::uint32_t r0 asm("r0") = static_cast<std::uint32_t>(call);
    register std::uint32_t r1 asm("r1") = address_of(arguments);
    asm volatile("bkpt 0xAB" : "+r"(r0) : "r"(r1) : "memory");
    return static_cast<int>(r0);
}
}  // namespace

bool HostFile::start() {
    static std::array<char, 128> name;
    std::uint32_t line[] = {address_of(name.data()), static_cast<std::uint32_t>(name.size())};
    std::size_t length = 0;
    if (ask(Call::command_line, line) == 0)
        while (length < line[1] && name[length] != '\0' && name[length] != ' ') ++length;
    constexpr char usual[] = "adapter-log.bin";
    if (length == 0) {
        std::copy(std::begin(usual), std::end(usual), name.begin());
        length = sizeof usual - 1;
    }
    name[std::min(length, name.size() - 1)] = '\0';
    int handle = -1;
    for (std::uint32_t const mode : {read_and_write, create}) {
        std::uint32_t const open[] = {address_of(name.data()), mode, static_cast<std::uint32_t>(length)};
        handle = ask(Call::open, open);
        if (handle >= 0) break;
    }
    if (handle < 0) return false;
    handle_ = static_cast<std::uint32_t>(handle);
    std::uint32_t const which[] = {handle_};
    int at = ask(Call::length, which);
    std::array<std::uint8_t, 1'024> const zeros{};
    for (; at >= 0 && static_cast<std::uint32_t>(at) < bytes(); at += static_cast<int>(zeros.size()))
        if (!write(static_cast<std::uint32_t>(at),
                   wire::Bytes(zeros).first(std::min<std::size_t>(zeros.size(), bytes() - static_cast<std::uint32_t>(at)))))
            return false;
    return at >= 0;
}

bool HostFile::seek(std::uint32_t at) const {
    std::uint32_t const arguments[] = {handle_, at};
    return ask(Call::seek, arguments) == 0;
}

bool HostFile::read(std::uint32_t at, wire::MutableBytes out) {
    std::uint32_t const arguments[] = {handle_, address_of(out.data()), static_cast<std::uint32_t>(out.size())};
    return seek(at) && ask(Call::read, arguments) == 0;  // the answer is what was not read
}

bool HostFile::write(std::uint32_t at, wire::Bytes data) {
    std::uint32_t const arguments[] = {handle_, address_of(data.data()), static_cast<std::uint32_t>(data.size())};
    return seek(at) && ask(Call::write, arguments) == 0;
}

}  // namespace marrowlink::stm32f405
