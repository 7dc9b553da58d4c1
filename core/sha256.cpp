#include "core/sha256.hpp"

#include <openssl/evp.h>

#include <cstdlib>
#include <utility>

namespace marrowlink {
namespace {
EVP_MD_CTX* as_evp(void* context) { return static_cast<EVP_MD_CTX*>(context); }

EVP_MD const* algorithm() {
    // Fetched once: OpenSSL 3 otherwise looks the algorithm up again at every use, which costs more than hashing 1 KiB.
    static EVP_MD const* const fetched = EVP_MD_fetch(nullptr, "SHA256", nullptr);
    return fetched;
}

void start(EVP_MD_CTX* context) {
    if (EVP_DigestInit_ex(context, algorithm(), nullptr) != 1) std::abort();
}
}  // namespace

Sha256::Sha256() : context_(EVP_MD_CTX_new()) { start(as_evp(context_)); }
Sha256::~Sha256() { EVP_MD_CTX_free(as_evp(context_)); }
Sha256::Sha256(Sha256&& other) noexcept : context_(std::exchange(other.context_, nullptr)) {}
Sha256& Sha256::operator=(Sha256&& other) noexcept {
    std::swap(context_, other.context_);
    return *this;
}

Sha256& Sha256::update(std::string_view bytes) {
    if (EVP_DigestUpdate(as_evp(context_), bytes.data(), bytes.size()) != 1) std::abort();
    return *this;
}
Sha256& Sha256::update(Digest const& digest) { return update(as_bytes(digest)); }

Digest Sha256::finish() {
    Digest out{};
    if (EVP_DigestFinal_ex(as_evp(context_), out.data(), nullptr) != 1) std::abort();
    start(as_evp(context_));
    return out;
}

Digest sha256(std::string_view bytes) { return Sha256{}.update(bytes).finish(); }

std::string hex(std::string_view bytes) {
    static constexpr char digits[] = "0123456789abcdef";
    std::string out;
    out.reserve(bytes.size() * 2);
    for (unsigned char const c : bytes) {
        out += digits[c >> 4];
        out += digits[c & 15];
    }
    return out;
}
std::string hex(Digest const& digest) { return hex(as_bytes(digest)); }

bool digest_from_hex(std::string_view text, Digest& out) {
    if (text.size() != out.size() * 2) return false;
    auto const nibble = [](char c) { return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1; };
    for (std::size_t i = 0; i < out.size(); ++i) {
        int const high = nibble(text[2 * i]);
        int const low = nibble(text[2 * i + 1]);
        if (high < 0 || low < 0) return false;
        out[i] = static_cast<std::uint8_t>(high << 4 | low);
    }
    return true;
}

}  // namespace marrowlink
