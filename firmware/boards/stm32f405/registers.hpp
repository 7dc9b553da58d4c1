// The STM32F405's registers that the adapter uses, by the names of its reference manual (RM0090) and of ARM's for the core (DDI 0403).
#pragma once

#include <cstdint>

namespace marrowlink::stm32f405 {

using Register = std::uint32_t volatile;

struct Rcc {  // RM0090 7.3
    Register CR, PLLCFGR, CFGR, CIR, AHB1RSTR, AHB2RSTR, AHB3RSTR, reserved0, APB1RSTR, APB2RSTR, reserved1[2], AHB1ENR, AHB2ENR, AHB3ENR,
        reserved2, APB1ENR, APB2ENR, reserved3[2], AHB1LPENR, AHB2LPENR, AHB3LPENR, reserved4, APB1LPENR, APB2LPENR, reserved5[2], BDCR,
        CSR;
};
struct Flash {  // 3.9
    Register ACR;
};
struct Pwr {  // 5.4
    Register CR, CSR;
};
struct Gpio {  // 8.4
    Register MODER, OTYPER, OSPEEDR, PUPDR, IDR, ODR, BSRR, LCKR, AFR[2];
};
struct Usart {  // 30.6
    Register SR, DR, BRR, CR1, CR2, CR3, GTPR;
};
struct Spi {  // 28.5
    Register CR1, CR2, SR, DR;
};
struct Iwdg {  // 21.4
    Register KR, PR, RLR, SR;
};
struct SysTick {  // DDI 0403 B3.3
    Register CSR, RVR, CVR;
};
struct Scb {  // B3.2
    Register CPUID, ICSR, VTOR, AIRCR, SCR, CCR, SHPR[3], SHCSR, CFSR, HFSR, DFSR, MMFAR, BFAR;
};

template <class Block>
Block& at(std::uintptr_t address) {
    return *reinterpret_cast<Block*>(address);
}
inline Rcc& rcc() { return at<Rcc>(0x4002'3800); }
inline Flash& flash() { return at<Flash>(0x4002'3C00); }
inline Pwr& pwr() { return at<Pwr>(0x4000'7000); }
inline Gpio& gpio_a() { return at<Gpio>(0x4002'0000); }
inline Usart& usart1() { return at<Usart>(0x4001'1000); }
inline Usart& usart2() { return at<Usart>(0x4000'4400); }
inline Spi& spi1() { return at<Spi>(0x4001'3000); }
inline Iwdg& iwdg() { return at<Iwdg>(0x4000'3000); }
inline SysTick& systick() { return at<SysTick>(0xE000'E010); }
inline Scb& scb() { return at<Scb>(0xE000'ED00); }
inline Register& debug_halting_control() { return at<Register>(0xE000'EDF0); }  // DHCSR
inline Register& interrupt_enable(unsigned irq) { return at<Register>(0xE000'E100 + 4 * (irq / 32)); }
inline Register& interrupt_pend(unsigned irq) { return at<Register>(0xE000'E200 + 4 * (irq / 32)); }

inline constexpr unsigned usart1_irq = 37, usart2_irq = 38;
inline constexpr std::uintptr_t unique_id = 0x1FFF'7A10;  // 39.1; not there in QEMU

// Reading volatile, changing, writing: in one place, since compound assignment to volatile is deprecated.
inline void set_bits(Register& target, std::uint32_t bits) { target = target | bits; }
inline void clear_bits(Register& target, std::uint32_t bits) { target = target & ~bits; }

}  // namespace marrowlink::stm32f405
