// Where an FCS file keeps what: HEADER and TEXT of each data set, reconciled with one another and with the bytes that are there.
// Nothing here allocates by a number that the file states before that number has been checked against a limit or the file's size.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"
#include "drivers/document.hpp"
#include "drivers/fcs/text.hpp"

namespace marrowlink::fcs {

inline constexpr std::uint64_t header_bytes = 58;
// Beyond either the file is refused by name. Spectral cytometers have about 200 parameters; a Guava file holds one data set a well.
inline constexpr std::uint64_t parameters_max = 4096;
inline constexpr std::size_t datasets_max = 1536;
inline constexpr std::size_t file_keywords_max = std::size_t{1} << 19;
// Segments overlap by a byte in real files, never by more: claiming the file's bytes this many times over is a loop, not a file.
inline constexpr std::uint64_t overlap_max = 2;

enum class Kind : std::uint8_t { integer, float32, float64 };

struct Column {
    Kind kind = Kind::integer;
    std::uint32_t bytes = 0;   // 1, 2, 3, 4 or 8
    std::uint32_t offset = 0;  // in the event
    std::uint32_t mask = ~0U;  // integers: the bits that $PnR leaves; makers keep other data above
};

struct DataSet {
    std::string version;   // "FCS3.0"
    std::uint64_t at = 0;  // the data set's first byte in the file
    Text text;
    std::vector<CytometryParameter> parameters;
    std::vector<Column> columns;
    bool big_endian = false;
    std::uint64_t event_bytes = 0;
    std::uint64_t promised = 0;  // $TOT
    std::uint64_t present = 0;   // whole events in the file, ≤ promised
    std::uint64_t claimed = 0;   // bytes of TEXT, supplemental TEXT and DATA that were read or will be
    std::uint64_t data = 0;      // first byte of the first event in the file; data + present × event_bytes ≤ file size
};

struct Layout {
    std::vector<DataSet> sets;
    std::string missing;  // what the file still lacks, in words; the sets before, and the events present, are valid
    std::vector<std::string> notes;
};

bool has_magic(std::string_view bytes);  // "FCS" and a version

// Refusals: not FCS, a version, type, width or order that is not read, offsets that contradict $TOT, a limit.
Result<Layout> read_layout(std::string_view bytes);

}  // namespace marrowlink::fcs
