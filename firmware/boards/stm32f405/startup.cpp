#include "firmware/boards/stm32f405/startup.hpp"

#include "firmware/boards/stm32f405/registers.hpp"

int main();

extern "C" {
extern std::uint32_t _estack, _sidata, _sdata, _edata, _sbss, _ebss;
extern std::uint32_t const _image_bytes;
extern void (*__init_array_start)();
extern void (*__init_array_end)();
void systick_handler();
void usart1_handler();
void usart2_handler();
[[noreturn]] void reset_handler();
void fault_entry();
}

namespace marrowlink::stm32f405 {
namespace {
struct FaultRecord {
    std::uint32_t mark, number, because;  // because: this start follows a fault
    std::uint32_t pc, lr, psr, cfsr, hfsr, bfar;
};
constexpr std::uint32_t fault_mark = 0x4D4C4654;
[[gnu::section(".noinit")]] FaultRecord record;
bool volatile probing = false;
bool volatile probe_failed = false;

// Reserved for an update that is signed; nothing reads it yet. At a fixed place behind the vectors.
struct ImageHeader {
    std::uint32_t mark, layout;
    std::uint32_t const* bytes;  // the address is the number
    std::uint8_t version[4];
    std::uint8_t signature[64];
};
[[gnu::section(".image_header"), gnu::used]] constexpr ImageHeader image_header{
    0x4D4C494D, 1, &_image_bytes, {MARROWLINK_VERSION_MAJOR, MARROWLINK_VERSION_MINOR, MARROWLINK_VERSION_PATCH, 0}, {}};

[[noreturn]] void restart() {
    scb().AIRCR = 0x05FA'0004;
    for (;;) asm volatile("nop");
}
void ignore() {}

using Handler = void (*)();
struct Vectors {
    std::uint32_t* stack;
    Handler handlers[15 + 82];
};
constexpr Vectors vectors = [] {
    Vectors out{&_estack, {}};
    for (Handler& handler : out.handlers) handler = fault_entry;
    out.handlers[0] = reset_handler;
    out.handlers[1] = ignore;  // NMI: the clock security system, which is not used
    out.handlers[14] = systick_handler;
    out.handlers[15 + usart1_irq] = usart1_handler;
    out.handlers[15 + usart2_irq] = usart2_handler;
    return out;
}();
[[gnu::section(".vectors"), gnu::used]] constexpr Vectors vectors_in_flash = vectors;
}  // namespace

std::uint32_t probe(std::uintptr_t address, std::uint32_t otherwise) {
    probe_failed = false;
    probing = true;
    std::uint32_t const value = at<Register>(address);
    asm volatile("dsb" ::: "memory");
    probing = false;
    return probe_failed ? otherwise : value;
}

std::array<std::uint16_t, wire::adapter::fault::count> fault_block() {
    namespace block = wire::adapter::fault;
    std::array<std::uint16_t, block::count> out{};
    if (record.mark != fault_mark) return out;
    out[block::number] = static_cast<std::uint16_t>(record.number);
    auto const put = [&](std::uint16_t place, std::uint32_t value) {
        out[place] = static_cast<std::uint16_t>(value >> 16);
        out[place + 1] = static_cast<std::uint16_t>(value);
    };
    put(block::pc, record.pc);
    put(block::lr, record.lr);
    put(block::psr, record.psr);
    put(block::cfsr, record.cfsr);
    put(block::hfsr, record.hfsr);
    put(block::bfar, record.bfar);
    return out;
}

bool after_fault() {
    if (record.mark != fault_mark || record.because == 0) return false;
    record.because = 0;
    return true;
}

// `frame`: r0-r3, r12, lr, pc, psr, as the core stacked them (DDI 0403 B1.5.6).
extern "C" [[gnu::used]] void fault_handler(std::uint32_t* frame) {
    if (probing) {
        probe_failed = true;
        std::uint16_t const instruction = *reinterpret_cast<std::uint16_t const*>(frame[6]);
        frame[6] += (instruction & 0xF800) >= 0xE800 ? 4 : 2;  // Thumb-2 has both lengths
        scb().CFSR = scb().CFSR;
        scb().HFSR = scb().HFSR;
        return;
    }
    record.number = record.mark == fault_mark ? record.number + 1 : 1;
    record.mark = fault_mark;
    record.because = 1;
    record.pc = frame[6];
    record.lr = frame[5];
    record.psr = frame[7];
    record.cfsr = scb().CFSR;
    record.hfsr = scb().HFSR;
    record.bfar = scb().BFAR;
    restart();
}

}  // namespace marrowlink::stm32f405

// The stack that was in use, for the handler.
extern "C" [[gnu::naked]] void fault_entry() {
    asm volatile(
        "tst lr, #4\n"
        "ite eq\n"
        "mrseq r0, msp\n"
        "mrsne r0, psp\n"
        "b fault_handler\n");
}

extern "C" [[noreturn]] void reset_handler() {
    std::uint32_t* from = &_sidata;
    for (std::uint32_t* to = &_sdata; to < &_edata;) *to++ = *from++;
    for (std::uint32_t* to = &_sbss; to < &_ebss;) *to++ = 0;
    for (void (**construct)() = &__init_array_start; construct < &__init_array_end; ++construct) (*construct)();
    main();
    for (;;) asm volatile("nop");
}

// A call of what does not exist is a fault like any other.
extern "C" [[noreturn]] void __cxa_pure_virtual() {
    for (;;) asm volatile("udf #0");
}
