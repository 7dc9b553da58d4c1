// What a directory of ours promises: one program at a time, and names that survive a power cut.
#pragma once

#include <filesystem>
#include <string>

#include "core/error.hpp"

namespace marrowlink {

// Held as long as the object lives, and freed by the kernel when the process ends in any way. The file stays.
class DirectoryLock {
 public:
    // `unavailable` when another process holds it; the message says which. The directory is made when absent.
    static Result<DirectoryLock> take(std::filesystem::path const& directory, std::string const& name = "lock");

    DirectoryLock(DirectoryLock&& other) noexcept;
    DirectoryLock& operator=(DirectoryLock&&) = delete;
    ~DirectoryLock();

 private:
    explicit DirectoryLock(int file) : file_(file) {}
    int file_;
};

// rename(2) within one file system; `to`'s directory is made when absent, and the new name is durable on return. An existing `to` is
// refused.
Result<void> move_durably(std::filesystem::path const& from, std::filesystem::path const& to);

}  // namespace marrowlink
