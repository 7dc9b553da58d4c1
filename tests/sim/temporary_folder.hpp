// A folder that ends with this object; in memory where there is such a place: what a power cut leaves on a real disk is judged by none of
// its users, and disks are slow.
#pragma once

#include <stdlib.h>

#include <filesystem>
#include <stdexcept>
#include <string>
#include <string_view>

namespace marrowlink::sim {

class TemporaryFolder {
 public:
    TemporaryFolder() : TemporaryFolder(memory()) {}
    explicit TemporaryFolder(std::filesystem::path const& in) {
        std::string name = (in / "marrowlink-XXXXXX").string();
        if (!mkdtemp(name.data())) throw std::runtime_error("no temporary folder can be made: " + name);
        path_ = name;
    }
    ~TemporaryFolder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    TemporaryFolder(TemporaryFolder const&) = delete;
    TemporaryFolder& operator=(TemporaryFolder const&) = delete;
    std::filesystem::path const& path() const { return path_; }
    std::filesystem::path operator/(std::string_view name) const { return path_ / name; }

 private:
    static std::filesystem::path memory() {
        std::error_code absent;
        std::filesystem::path const shared = "/dev/shm";
        return std::filesystem::is_directory(shared, absent) ? shared : std::filesystem::temp_directory_path();
    }

    std::filesystem::path path_;
};

}  // namespace marrowlink::sim
