// A folder in which vendor software drops export files, as a port: the file system in production, a simulated one in tests.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "core/clock.hpp"
#include "core/error.hpp"

namespace marrowlink {

struct FolderEntry {
    std::string name;  // relative to the folder, UTF-8
    std::uint64_t size = 0;
    std::int64_t modified_ns = 0;  // as the file system says; compared for equality, shown to people, trusted for nothing else
};

class Folder {
 public:
    virtual ~Folder() = default;

    // Regular files whose names match the configured pattern, sorted by name. `unavailable` when the folder cannot be read (share away, no
    // right).
    virtual Result<std::vector<FolderEntry>> list() = 0;

    // The whole file; `refused` above `bytes_max`, `unavailable` when another program holds it or it is gone.
    virtual Result<std::string> read(std::string const& name, std::uint64_t bytes_max) = 0;

    // What the configuration asks for once a file is taken: nothing, move, delete.
    virtual Result<void> taken(std::string const& name) = 0;

    // Returns at the deadline, or early when the operating system announces a change. Announcements are a favour, never relied on.
    virtual Task<void> wait_for_change(Clock::Instant deadline) = 0;
};

}  // namespace marrowlink
