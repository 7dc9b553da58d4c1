// What this product connects, as a laboratory asks for it: which instrument, by which way, what is read, what is refused, how sure we are.
// docs/instruments.md is this table.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace marrowlink {

struct InstrumentEntry {
    std::string_view driver;  // in a configuration; of export files: "folder"
    std::string_view format;  // the export format's name; empty on a wire
    std::string_view title;
    std::string_view transports;
    std::string_view reads;
    std::string_view refuses;  // by name, with the reason
    std::string_view sure;     // what our knowledge stands on
    bool tried_on_hardware;    // by us, on a real instrument or an installation of its software
};

std::span<InstrumentEntry const> instruments();

// A line each, for a terminal.
std::string instruments_text();
// docs/instruments.md, whole.
std::string instruments_page();

}  // namespace marrowlink
