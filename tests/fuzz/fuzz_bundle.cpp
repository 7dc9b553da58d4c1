// A bundle from anyone: the archive itself, or its subject.json among members that fit.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "central/bundle.hpp"
#include "central/tar.hpp"

using namespace marrowlink;
using namespace marrowlink::central;

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    std::string_view const input{reinterpret_cast<char const*>(data), size};
    // What is read is what would have been written, to the bit.
    if (auto const members = members_in(input); members && tar_of(*members) != input) std::abort();
    (void)check_bundle(input, true);
    std::vector<TarMember> members{{"README.txt", ""},
                                   {"subject.json", std::string{input}},
                                   {"plates/1/original-1", "BIO-RAD"},
                                   {"plates/1/layout.csv", "well"},
                                   {"plates/1/result.json", "{}"},
                                   {"SHA256SUMS", ""}};
    (void)check_bundle(tar_of(members), true);
    return 0;
}
