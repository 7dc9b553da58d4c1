// What came over a wire by itself becomes a run: its bytes as a transcript, its readings, its manifest, in one batch.
#pragma once

#include <string>

#include "core/run.hpp"
#include "drivers/document.hpp"
#include "drivers/driver.hpp"

namespace marrowlink {

// `bytes`: as they came. Name-bearing fields leave the site as spaces. `arrived`: RFC 3339. The batch has no receipt and has consumed
// nothing.
Batch transcript_run(RunIdentity const& id, std::string bytes, Document const& document, std::string arrived);

// Bytes that no parser could read, counted by their SHA-256.
enum class Names : std::uint8_t {
    possible,  // nobody knows where: as many spaces leave the site in their place
    none,      // the instrument knows of no people
};
Batch unreadable_run(std::string instrument, std::string driver, std::string bytes, Names names, std::string reason, std::string arrived);

}  // namespace marrowlink
