// What the benchmark programs share: the time, percentiles, and the draft that a line instrument of that many bytes would make.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "core/run.hpp"

namespace marrowlink::bench {

using Span = std::chrono::steady_clock::duration;
inline std::chrono::steady_clock::time_point now() { return std::chrono::steady_clock::now(); }
inline double seconds(Span span) { return std::chrono::duration<double>(span).count(); }
inline double milliseconds(Span span) { return seconds(span) * 1e3; }

// `share` 0.99 is p99; 0 where nothing was measured.
inline double percentile(std::vector<double> values, double share) {
    if (values.empty()) return 0;
    auto const at = values.begin() + static_cast<std::ptrdiff_t>(share * static_cast<double>(values.size() - 1));
    std::nth_element(values.begin(), at, values.end());
    return *at;
}

// `bytes` of data, told from all others by `n`.
inline Draft draft(std::uint64_t n, std::size_t bytes) {
    Draft draft;
    draft.type = type::run_readings;
    draft.instrument = "source";
    draft.sourcekey = fmt::format("k-{:09}", n);
    draft.run = run_id_of(draft.instrument, draft.sourcekey, draft.sourcekey);
    draft.part = "0";
    draft.data.assign(bytes, 'x');
    fmt::format_to(draft.data.begin(), "{:09}", n);
    return draft;
}

}  // namespace marrowlink::bench
