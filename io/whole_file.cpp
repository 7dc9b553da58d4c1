#include "io/whole_file.hpp"

#include <fmt/format.h>

#include <fstream>
#include <iterator>
#include <system_error>

namespace marrowlink {

Result<std::string> whole_file(std::filesystem::path const& file, std::uint64_t bytes_max) {
    std::ifstream in{file, std::ios::binary};
    if (!in) return fail(Fault::unavailable, fmt::format("{} cannot be opened; check the name and the right to read it.", file.string()));
    std::error_code unknown;  // of a pipe, whose size is told only by reading
    auto const size = std::filesystem::file_size(file, unknown);
    if (!unknown && size > bytes_max)
        return fail(Fault::refused, fmt::format("{} has {} bytes; at most {} are read.", file.string(), size, bytes_max));
    std::string bytes{std::istreambuf_iterator<char>{in}, {}};
    if (in.bad() || std::filesystem::is_directory(file, unknown))
        return fail(Fault::unavailable, fmt::format("{} cannot be read to its end.", file.string()));
    if (bytes.size() > bytes_max)
        return fail(Fault::refused, fmt::format("{} has {} bytes; at most {} are read.", file.string(), bytes.size(), bytes_max));
    return bytes;
}

Result<void> write_whole_file(std::filesystem::path const& file, std::string_view bytes) {
    std::filesystem::path const unfinished = file.string() + ".part";
    std::ofstream out{unfinished, std::ios::binary | std::ios::trunc};
    out << bytes;
    out.close();
    std::error_code error;
    if (!out) return fail(Fault::unavailable, file.string() + " cannot be written.");
    std::filesystem::rename(unfinished, file, error);
    if (error) return fail(Fault::unavailable, fmt::format("{} cannot be written: {}.", file.string(), error.message()));
    return {};
}

}  // namespace marrowlink
