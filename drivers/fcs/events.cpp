#include "drivers/fcs/events.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

namespace marrowlink::fcs {

namespace {

static_assert(std::endian::native == std::endian::little, "loads below swap for big-endian files only");

template <class T, bool swap>
T load(char const* from) {
    T bits;
    std::memcpy(&bits, from, sizeof bits);
    if constexpr (swap && sizeof(T) == 2) return static_cast<T>(__builtin_bswap16(bits));
    if constexpr (swap && sizeof(T) == 4) return static_cast<T>(__builtin_bswap32(bits));
    if constexpr (swap && sizeof(T) == 8) return static_cast<T>(__builtin_bswap64(bits));
    return bits;
}

// Three bytes, as Cytek stores integers.
template <bool swap>
std::uint32_t load24(char const* from) {
    auto const byte = [&](int i) { return static_cast<std::uint32_t>(static_cast<unsigned char>(from[i])); };
    return swap ? byte(0) << 16 | byte(1) << 8 | byte(2) : byte(2) << 16 | byte(1) << 8 | byte(0);
}

double decode(Column const& column, bool big_endian, char const* from) {
    switch (column.bytes) {
        case 1: return static_cast<double>(load<std::uint8_t, false>(from) & column.mask);
        case 2: return static_cast<double>((big_endian ? load<std::uint16_t, true>(from) : load<std::uint16_t, false>(from)) & column.mask);
        case 3: return static_cast<double>((big_endian ? load24<true>(from) : load24<false>(from)) & column.mask);
        case 4: {
            std::uint32_t const bits = big_endian ? load<std::uint32_t, true>(from) : load<std::uint32_t, false>(from);
            return column.kind == Kind::integer ? static_cast<double>(bits & column.mask) : static_cast<double>(std::bit_cast<float>(bits));
        }
        default: return std::bit_cast<double>(big_endian ? load<std::uint64_t, true>(from) : load<std::uint64_t, false>(from));
    }
}

// Any width, any mixture, and floats among which some are not finite.
Statistics by_column(DataSet const& set, std::string_view bytes) {
    constexpr double inf = std::numeric_limits<double>::infinity();
    std::size_t const columns = set.columns.size();
    Statistics result{std::vector<double>(columns, 0.0), std::vector<double>(columns, inf), std::vector<double>(columns, -inf)};
    char const* event = bytes.data() + set.data;
    for (std::uint64_t i = 0; i < set.present; ++i, event += set.event_bytes)
        for (std::size_t c = 0; c < columns; ++c) {
            double const value = decode(set.columns[c], set.big_endian, event + set.columns[c].offset);
            if (!std::isfinite(value)) {
                ++result.not_finite;
                continue;
            }
            result.sum[c] += value;
            result.min[c] = std::min(result.min[c], value);
            result.max[c] = std::max(result.max[c], value);
        }
    return result;
}

// All columns of one integer width. The arrays are locals of the loop so that the compiler knows nothing else writes to them.
template <class T, bool swap, std::size_t width = sizeof(T)>
Statistics integers(DataSet const& set, std::string_view bytes) {
    std::size_t const columns = set.columns.size();
    std::vector<std::uint64_t> sums(columns, 0);
    std::vector<T> least(columns, std::numeric_limits<T>::max()), most(columns, 0), masks(columns);
    for (std::size_t c = 0; c < columns; ++c) masks[c] = static_cast<T>(set.columns[c].mask);
    std::uint64_t* __restrict const sum = sums.data();
    T* __restrict const min = least.data();
    T* __restrict const max = most.data();
    T const* __restrict const mask = masks.data();
    char const* __restrict event = bytes.data() + set.data;
    for (std::uint64_t i = 0; i < set.present; ++i, event += columns * width)
        for (std::size_t c = 0; c < columns; ++c) {
            T value;
            if constexpr (width == 3)
                value = load24<swap>(event + c * width) & mask[c];
            else
                value = load<T, swap>(event + c * width) & mask[c];
            sum[c] += value;
            min[c] = value < min[c] ? value : min[c];
            max[c] = value > max[c] ? value : max[c];
        }
    return {{sums.begin(), sums.end()}, {least.begin(), least.end()}, {most.begin(), most.end()}};
}

// All columns of one float width. Sums are taken in file order, so that they do not depend on how the loop is compiled.
template <class Bits, class T, bool swap>
Statistics floats(DataSet const& set, std::string_view bytes) {
    constexpr Bits exponent = sizeof(T) == 4 ? static_cast<Bits>(0x7F800000U) : static_cast<Bits>(0x7FF0000000000000ULL);
    std::size_t const columns = set.columns.size();
    std::vector<double> sums(columns, 0.0);
    std::vector<T> least(columns, std::numeric_limits<T>::infinity()), most(columns, -std::numeric_limits<T>::infinity());
    double* __restrict const sum = sums.data();
    T* __restrict const min = least.data();
    T* __restrict const max = most.data();
    Bits not_finite = 0;
    char const* __restrict event = bytes.data() + set.data;
    for (std::uint64_t i = 0; i < set.present; ++i, event += columns * sizeof(T))
        for (std::size_t c = 0; c < columns; ++c) {
            Bits const bits = load<Bits, swap>(event + c * sizeof(T));
            T const value = std::bit_cast<T>(bits);
            not_finite |= (bits & exponent) == exponent;
            sum[c] += static_cast<double>(value);
            min[c] = value < min[c] ? value : min[c];
            max[c] = value > max[c] ? value : max[c];
        }
    if (not_finite) return by_column(set, bytes);
    return {std::move(sums), {least.begin(), least.end()}, {most.begin(), most.end()}};
}

Statistics by_type(DataSet const& set, std::string_view bytes) {
    Column const& first = set.columns.front();
    bool const alike = std::all_of(set.columns.begin(), set.columns.end(),
                                   [&](Column const& column) { return column.kind == first.kind && column.bytes == first.bytes; });
    if (!alike) return by_column(set, bytes);
    bool const swap = set.big_endian;
    switch (first.kind) {
        case Kind::float32: return swap ? floats<std::uint32_t, float, true>(set, bytes) : floats<std::uint32_t, float, false>(set, bytes);
        case Kind::float64:
            return swap ? floats<std::uint64_t, double, true>(set, bytes) : floats<std::uint64_t, double, false>(set, bytes);
        case Kind::integer: break;
    }
    if (first.bytes == 1) return integers<std::uint8_t, false>(set, bytes);
    if (first.bytes == 2) return swap ? integers<std::uint16_t, true>(set, bytes) : integers<std::uint16_t, false>(set, bytes);
    if (first.bytes == 3) return swap ? integers<std::uint32_t, true, 3>(set, bytes) : integers<std::uint32_t, false, 3>(set, bytes);
    return swap ? integers<std::uint32_t, true>(set, bytes) : integers<std::uint32_t, false>(set, bytes);
}

}  // namespace

Statistics statistics(DataSet const& set, std::string_view bytes) {
    constexpr double nan = std::numeric_limits<double>::quiet_NaN();
    std::size_t const columns = set.columns.size();
    if (set.present == 0) return {std::vector<double>(columns, 0.0), std::vector<double>(columns, nan), std::vector<double>(columns, nan)};
    Statistics result = by_type(set, bytes);
    for (std::size_t c = 0; c < columns; ++c)
        if (result.min[c] > result.max[c]) result.min[c] = result.max[c] = nan;  // nothing finite in this column
    return result;
}

void decode_event(DataSet const& set, std::string_view bytes, std::uint64_t index, double* values) {
    char const* const event = bytes.data() + set.data + index * set.event_bytes;
    for (std::size_t c = 0; c < set.columns.size(); ++c) values[c] = decode(set.columns[c], set.big_endian, event + set.columns[c].offset);
}

}  // namespace marrowlink::fcs
