// Numbers in exports: which text is one, and whether its comma parts decimals or thousands. The whole file decides.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/error.hpp"

namespace marrowlink {

// -12  0.5  0,5  1.2E-05
struct Decimal {
    char separator = 0;     // '.' or ',' where it has one
    bool decisive = false;  // a comma that cannot part thousands: 0,5 or 36,9 or 1234,567
};
std::optional<Decimal> decimal_of(std::string_view text);  // nothing: no number

// The separator of a whole file, from every number in it. A table of 1,234 alone may hold thousands or decimals: refused.
class DecimalSeparator {
 public:
    void see(Decimal const& number, std::string_view text, std::size_t line);
    // Where both stand in one file, it is refused, or accepted if no single comma of it can part thousands.
    enum class Mixture : std::uint8_t { refused, where_decisive };
    Result<char> decide(Mixture mixture = Mixture::refused) const;  // '.' when no number has one

 private:
    struct Witness {
        std::string text;
        std::size_t line = 0;
    };
    Witness point_, comma_;  // the first of each; line 0: none
    bool decisive_ = false, every_comma_decisive_ = true;
};

std::size_t digits_from(std::string_view text, std::size_t at);  // how many stand there

}  // namespace marrowlink
