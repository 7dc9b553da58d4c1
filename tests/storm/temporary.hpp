// A folder of its own for one world, in memory where there is such a place; it ends with this object.
#pragma once

#include <stdlib.h>

#include <filesystem>
#include <stdexcept>
#include <string>

namespace marrowlink::storm {

class TemporaryFolder {
 public:
    TemporaryFolder()
        : TemporaryFolder(std::filesystem::is_directory("/dev/shm") ? std::filesystem::path{"/dev/shm"}
                                                                    : std::filesystem::temp_directory_path()) {}
    explicit TemporaryFolder(std::filesystem::path const& in) {
        std::string name = (in / "storm-XXXXXX").string();
        if (!mkdtemp(name.data())) throw std::runtime_error("no temporary folder can be made: " + name);
        path_ = name;
    }
    ~TemporaryFolder() {
        std::error_code ignored;
        std::filesystem::current_path("/", ignored);
        std::filesystem::remove_all(path_, ignored);
    }
    TemporaryFolder(TemporaryFolder const&) = delete;
    TemporaryFolder& operator=(TemporaryFolder const&) = delete;
    std::filesystem::path const& path() const { return path_; }

 private:
    std::filesystem::path path_;
};

}  // namespace marrowlink::storm
