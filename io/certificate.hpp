// When a PEM certificate ends, read from its file each time it is asked.
#pragma once

#include <filesystem>

#include "core/clock.hpp"
#include "core/error.hpp"

namespace marrowlink {

struct CertificateValidity {
    Clock::Utc begins, ends;
};

// Of the first certificate in the file; `configuration` when there is none or it cannot be read.
Result<CertificateValidity> certificate_validity(std::filesystem::path const& file);

}  // namespace marrowlink
