#include "gateway/certificate_view.hpp"

#include <fmt/format.h>

#include "io/certificate.hpp"

namespace marrowlink {

CertificateView certificate_view(TlsConfig const& tls, Clock::Utc now) {
    CertificateView view;
    for (auto const* const file : {&tls.ca, &tls.certificate}) {
        if (file->empty()) continue;
        auto const validity = certificate_validity(*file);
        if (!validity) {
            view.problem = validity.error().message;
            continue;
        }
        if (file == &tls.certificate) view.ends = validity->ends;
        if (now >= validity->ends) {
            view.expired = true;
            view.problem = fmt::format("The certificate {} ended at {}.", file->string(), rfc3339(validity->ends));
        } else if (now < validity->begins) {
            view.problem = fmt::format("The certificate {} is valid only from {}, and here it is {}.", file->string(),
                                       rfc3339(validity->begins), rfc3339(now));
        }
    }
    return view;
}

}  // namespace marrowlink
