// A file of lines that are on disk when `append` returns: what a simulated instrument swears to have done.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "core/error.hpp"

namespace marrowlink {

class SyncedLog {
 public:
    static Result<SyncedLog> open(std::filesystem::path const& path);  // made when absent, else continued
    SyncedLog() = default;
    ~SyncedLog();
    SyncedLog(SyncedLog&& other) noexcept;
    SyncedLog& operator=(SyncedLog&& other) noexcept;

    // Blocks for one write and one fdatasync.
    Result<void> append(std::string_view line);

 private:
    int fd_ = -1;
    std::filesystem::path path_;
};

}  // namespace marrowlink
