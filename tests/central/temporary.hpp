// A folder that ends with the test.
#pragma once

#include <stdlib.h>

#include <filesystem>
#include <string>

namespace marrowlink::test {

class Folder {
 public:
    Folder() {
        std::string name = (std::filesystem::temp_directory_path() / "marrowlink-central-XXXXXX").string();
        path_ = mkdtemp(name.data());
    }
    ~Folder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    Folder(Folder const&) = delete;
    Folder& operator=(Folder const&) = delete;
    std::filesystem::path operator/(std::string_view name) const { return path_ / name; }

 private:
    std::filesystem::path path_;
};

}  // namespace marrowlink::test
