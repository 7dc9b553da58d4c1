// SHA-256 (FIPS 180-4); OpenSSL's EVP behind one door.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace marrowlink {

using Digest = std::array<std::uint8_t, 32>;

class Sha256 {
 public:
    Sha256();
    ~Sha256();
    Sha256(Sha256&&) noexcept;
    Sha256& operator=(Sha256&&) noexcept;
    Sha256& update(std::string_view bytes);
    Sha256& update(Digest const& digest);
    Digest finish();  // and starts anew, so that one object hashes many things without allocating

 private:
    void* context_;
};

Digest sha256(std::string_view bytes);

std::string hex(std::string_view bytes);  // lower case
std::string hex(Digest const& digest);
bool digest_from_hex(std::string_view text, Digest& out);  // exactly 64 lower-case hexadecimal digits

inline std::string_view as_bytes(Digest const& digest) { return {reinterpret_cast<char const*>(digest.data()), digest.size()}; }

}  // namespace marrowlink
