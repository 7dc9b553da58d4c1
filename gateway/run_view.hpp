// From records to what the page shows: run cards, plates and instrument cards.
#pragma once

#include <string_view>
#include <vector>

#include "core/reading.hpp"
#include "core/record.hpp"
#include "gateway/instrument.hpp"
#include "gateway/status.hpp"

namespace marrowlink {

// The readings of one run.readings record, at the end of `out`.
void append_readings(std::vector<Reading>& out, std::string_view data);

// Updates the run's card (and plate) with a record that is durable at or before `through`.
void show_draft(StatusBoard& board, Draft const& draft, std::uint64_t through);

// The runs of which something was told last, as far as the outbox still keeps them; in the order in which they began, newest first. Reads:
// on the store's thread.
Result<std::vector<KeptRun>> latest_runs(OutboxStore& store, std::size_t limit);

void show_connection(InstrumentCard& card, ConnectionStatus const& status, std::string activity);

}  // namespace marrowlink
