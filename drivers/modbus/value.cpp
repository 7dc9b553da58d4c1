#include "drivers/modbus/value.hpp"

#include <fmt/format.h>

#include <bit>
#include <cmath>
#include <optional>

#include "core/text.hpp"

namespace marrowlink::modbus {
namespace {
constexpr std::size_t flag_bytes_max = 256;  // docs/schema/run.readings.json

std::uint16_t swapped(std::uint16_t word) { return static_cast<std::uint16_t>(word << 8 | word >> 8); }

std::uint16_t word_of(Order order, std::uint16_t word) { return order == Order::ba ? swapped(word) : word; }

std::uint32_t double_word_of(Order order, std::span<std::uint16_t const> words) {
    bool const low_word_first = order == Order::cdab || order == Order::dcba;
    bool const low_byte_first = order == Order::badc || order == Order::dcba;
    std::uint16_t high = words[low_word_first ? 1 : 0];
    std::uint16_t low = words[low_word_first ? 0 : 1];
    if (low_byte_first) high = swapped(high), low = swapped(low);
    return static_cast<std::uint32_t>(high) << 16 | low;
}

std::int64_t integer_of(Type type, Order order, std::span<std::uint16_t const> words) {
    switch (type) {
        case Type::i16: return static_cast<std::int16_t>(word_of(order, words[0]));
        case Type::u32: return double_word_of(order, words);
        case Type::i32: return static_cast<std::int32_t>(double_word_of(order, words));
        default: return word_of(order, words[0]);
    }
}

std::string decimal(std::int64_t raw, Scale const& scale) {
    std::int64_t const scaled = raw * scale.factor;
    std::string digits = std::to_string(scaled < 0 ? -scaled : scaled);
    if (scale.decimals > 0) {
        auto const decimals = static_cast<std::size_t>(scale.decimals);
        if (digits.size() <= decimals) digits.insert(0, decimals + 1 - digits.size(), '0');
        digits.insert(digits.size() - decimals, 1, '.');
    }
    return scaled < 0 ? "-" + digits : digits;
}

double number_of(std::int64_t raw, Scale const& scale) {
    return static_cast<double>(raw) * static_cast<double>(scale.factor) / std::pow(10.0, scale.decimals);
}

std::string range_of(Register const& reg) {
    std::string const unit = reg.unit.empty() ? "" : " " + reg.unit;
    if (!reg.min) return fmt::format("up to {}{}", *reg.max, unit);
    if (!reg.max) return fmt::format("from {}{} on", *reg.min, unit);
    return fmt::format("{} to {}{}", *reg.min, *reg.max, unit);
}

std::string out_of_range(Register const& reg, double number) {
    if (reg.min && number < *reg.min) return fmt::format("below the valid range {}", range_of(reg));
    if (reg.max && number > *reg.max) return fmt::format("above the valid range {}", range_of(reg));
    return {};
}

std::string joined(std::vector<std::string> const& parts) {
    std::string out;
    for (std::string const& part : parts) out += (out.empty() ? "" : ", ") + part;
    return std::string{beginning_of(out, flag_bytes_max)};
}

std::vector<std::string> set_bits(Register const& reg, std::uint16_t word) {
    std::vector<std::string> out;
    for (std::size_t i = 0; i < reg.bits.size(); ++i)
        if (word >> i & 1 && !reg.bits[i].empty()) out.push_back(reg.bits[i]);
    return out;
}

std::string letters_of(Order order, std::span<std::uint16_t const> words) {
    std::string out;
    for (std::uint16_t const word : words) {
        std::uint16_t const both = word_of(order, word);
        for (char const c : {static_cast<char>(both >> 8), static_cast<char>(both & 0xFF)})
            out += static_cast<unsigned char>(c) < ' ' ? ' ' : c;
    }
    out.erase(out.find_last_not_of(' ') + 1);
    auto const text = to_utf8(out, TextEncoding::latin_1);
    return text ? *text : std::string{};
}

// Of a number; nothing when there is none, and then `flag` says why.
std::optional<double> numeric(Register const& reg, std::span<std::uint16_t const> words, Value& out) {
    if (reg.type == Type::f32) {
        auto const number = std::bit_cast<float>(double_word_of(reg.order, words));
        if (!std::isfinite(number)) {
            out.flag = std::isnan(number) ? "no value: not a number (NaN)" : "no value: infinite";
            return std::nullopt;
        }
        out.text = fmt::format("{}", number);
        return number;
    }
    std::int64_t const raw = integer_of(reg.type, reg.order, words);
    if (reg.absent == raw) {
        out.flag = fmt::format("no value ({})", raw);
        return std::nullopt;
    }
    out.text = decimal(raw, reg.scale);
    return number_of(raw, reg.scale);
}
}  // namespace

Value value_of(Register const& reg, std::span<std::uint16_t const> words) {
    Value out;
    switch (reg.type) {
        case Type::text: out.flag = letters_of(reg.order, words); break;
        case Type::bit:
        case Type::bits:
            out.text = std::to_string(word_of(reg.order, words[0]));
            out.flag = joined(set_bits(reg, word_of(reg.order, words[0])));
            break;
        default:
            if (auto const number = numeric(reg, words, out)) out.flag = out_of_range(reg, *number);
    }
    return out;
}

std::vector<std::string> conditions_of(Register const& reg, std::span<std::uint16_t const> words) {
    if (reg.type == Type::text) return {};
    if (reg.type == Type::bit || reg.type == Type::bits) return set_bits(reg, word_of(reg.order, words[0]));
    Value const value = value_of(reg, words);
    if (value.flag.empty()) return {};
    return {reg.name + " " + value.flag};
}

std::vector<RegisterView::Interpretation> interpretations_of(Register const& reg, std::span<std::uint16_t const> words) {
    std::vector<RegisterView::Interpretation> out;
    auto const add = [&](Type type, Order order) {
        Register as = reg;
        as.type = type;
        as.order = order;
        as.absent.reset();
        as.min.reset();
        as.max.reset();
        as.bits = {};
        if (type == Type::f32) as.scale = {};
        Value const value = value_of(as, words);
        out.push_back({fmt::format("{} {}", text_of(type), text_of(order)), value.text.empty() ? value.flag : value.text});
    };
    if (reg.type == Type::bit) return {{"bit", std::to_string(words[0])}};
    if (words.size() == 1)
        for (Order const order : {Order::ab, Order::ba})
            for (Type const type : {Type::u16, Type::i16}) add(type, order);
    if (words.size() == 2)
        for (Order const order : {Order::abcd, Order::cdab, Order::badc, Order::dcba})
            for (Type const type : {Type::u32, Type::i32, Type::f32}) add(type, order);
    if (reg.type == Type::text)
        for (Order const order : {Order::ab, Order::ba}) add(Type::text, order);
    return out;
}

}  // namespace marrowlink::modbus
