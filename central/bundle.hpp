// A bundle: all that one subject's comparison rests on, and all that was made of it, in one tar (tar.hpp) that is checked offline.
//   README.txt          what this is, for people
//   subject.json        whose plates, and of which run, instrument and site each is
//   plates/<n>/…        original-<k>: the instrument's bytes as they left the site; layout.csv, sample.csv: as given; result.json
//   comparison.json, report.html
//   SHA256SUMS          of every other file, as sha256sum(1) reads it
// Everything but originals, sheets and subject.json is a function of these and of this software, so that a bundle is checked by making it
// again: the same bytes, or the place where they differ. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "central/annotations.hpp"
#include "central/original.hpp"
#include "core/json.hpp"

namespace marrowlink::central {

inline constexpr std::uint64_t bundle_bytes_max = 1ull << 30;  // of a bundle; a larger one is neither written nor read
inline constexpr std::size_t subject_bytes_max = 1u << 20;     // of its subject.json; a larger one is refused
inline constexpr std::string_view bundle_format = "marrowlink-bundle/1";

struct BundlePlate {
    std::string site, instrument, run, barcode;
    std::string conflict;  // as PlateEvidence
    std::vector<Original> originals;
    std::optional<Annotation> layout, sample;
};

struct Bundle {
    std::string software;  // the version that evaluated
    std::string subject;
    std::vector<BundlePlate> plates;
};

// Refused: originals that give no readings, a plate of another subject.
Result<std::string> bundle_file(Bundle const& bundle);

struct BundleProof {
    std::string subject, software;
    std::size_t files = 0, plates = 0;
    std::size_t drugs = 0;              // that are compared
    std::vector<std::string> findings;  // a sentence each, at most findings_max and then one that says so
    bool recomputed = false;            // not where another version of this software wrote the bundle
};

// `recompute`: besides the sums, everything is made again, which only the version that wrote it can do. Refused: no whole bundle, with the
// byte at which it ceases to be one.
Result<BundleProof> check_bundle(std::string_view tar, bool recompute);

}  // namespace marrowlink::central
