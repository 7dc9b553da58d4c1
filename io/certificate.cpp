#include "io/certificate.hpp"

#include <fmt/format.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <cstdio>
#include <ctime>
#include <memory>

namespace marrowlink {
namespace {

struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
    void operator()(X509* certificate) const { X509_free(certificate); }
};

bool to_utc(ASN1_TIME const* from, Clock::Utc& to) {
    std::tm parts{};
    if (ASN1_TIME_to_tm(from, &parts) != 1) return false;
    to = Clock::Utc{std::chrono::seconds{timegm(&parts)}};
    return true;
}
}  // namespace

Result<CertificateValidity> certificate_validity(std::filesystem::path const& file) {
    std::unique_ptr<std::FILE, Close> const opened{std::fopen(file.c_str(), "re")};
    if (!opened) return fail(Fault::configuration, fmt::format("The certificate {} cannot be read.", file.string()));
    std::unique_ptr<X509, Close> const certificate{PEM_read_X509(opened.get(), nullptr, nullptr, nullptr)};
    CertificateValidity validity{};
    if (!certificate || !to_utc(X509_get0_notBefore(certificate.get()), validity.begins) ||
        !to_utc(X509_get0_notAfter(certificate.get()), validity.ends))
        return fail(Fault::configuration, fmt::format("{} holds no PEM certificate.", file.string()));
    return validity;
}

}  // namespace marrowlink
