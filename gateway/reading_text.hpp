// Readings for a person or a script, a line each: what `read` and `replay` print.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <string>
#include <string_view>
#include <vector>

#include "core/reading.hpp"

namespace marrowlink {

enum class ReadFormat : std::uint8_t { csv, json, allotrope };  // allotrope: whole documents, which `read` prints

class ReadingPrinter {
 public:
    ReadingPrinter(ReadFormat format, std::ostream& out) : format_(format), out_(out) {}

    // csv: the header once, before the first reading; `file` in the first column or member.
    void print(std::string_view file, std::vector<Reading> const& readings);
    // A run that is one message: columns or members `file` and `message`.
    void print_message(std::string_view file, std::string_view message);

 private:
    ReadFormat format_;
    std::ostream& out_;
    bool header_printed_ = false;
};

}  // namespace marrowlink
