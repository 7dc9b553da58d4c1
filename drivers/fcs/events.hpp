// The events of one data set, as stored: integers after the $PnR mask, floats unchanged. No scaling by $PnE or $PnG, no compensation.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "drivers/fcs/layout.hpp"

namespace marrowlink::fcs {

// One value a parameter. NaN and infinity are counted and left out of the rest; min and max of nothing are NaN.
struct Statistics {
    std::vector<double> sum, min, max;
    std::uint64_t not_finite = 0;
};

Statistics statistics(DataSet const& set, std::string_view bytes);

// `index` < set.present; `values` holds one number a column. A double holds every stored value exactly.
void decode_event(DataSet const& set, std::string_view bytes, std::uint64_t index, double* values);

}  // namespace marrowlink::fcs
