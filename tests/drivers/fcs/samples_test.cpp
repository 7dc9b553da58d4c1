// The FCS files of the shared samples once names are blanked; their values are compared in catalog/.
#include <algorithm>
#include <catch2/catch.hpp>
#include <iostream>

#include "drivers/fcs/parse.hpp"
#include "tests/drivers/plate_samples.hpp"

using namespace marrowlink;
namespace fs = std::filesystem;

namespace {

std::vector<fs::path> sample_files() {
    std::vector<fs::path> found;
    fs::path const files = plate_test::shared_folder() / "instruments/files";
    if (!fs::is_directory(files)) return found;
    for (auto const& entry : fs::recursive_directory_iterator{files}) {
        std::string extension = entry.path().extension().string();
        for (char& c : extension) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
        if (extension == ".fcs" || extension == ".lmd") found.push_back(entry.path());
    }
    std::sort(found.begin(), found.end());
    return found;
}

}  // namespace

TEST_CASE("every FCS sample reads the same once its names are blanked") {
    std::size_t blanked = 0;
    for (fs::path const& file : sample_files()) {
        INFO(file);
        std::string bytes = plate_test::slurp(file);
        auto const document = fcs_format().present(bytes);
        if (!document) continue;
        for (auto const& range : document->name_bearing) bytes.replace(range.offset, range.length, std::string(range.length, ' '));
        auto const again = fcs_format().present(bytes);
        REQUIRE(again);
        CHECK(again->name_bearing.empty());
        REQUIRE(again->datasets.size() == document->datasets.size());
        for (std::size_t d = 0; d < again->datasets.size(); ++d) {
            CHECK(again->datasets[d].events == document->datasets[d].events);
            CHECK(again->datasets[d].sum == document->datasets[d].sum);
        }
        ++blanked;
    }
    std::cout << blanked << " FCS samples read again with their names blanked\n";
}
