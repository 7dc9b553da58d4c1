// One instrument's language. A driver is one plain class in one folder, with its simulator and its protocol notes beside it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/record.hpp"
#include "core/transport.hpp"

namespace marrowlink {

// Handed back to the driver once the batch is durable; means nothing to anyone else.
struct Receipt {
    std::uint64_t number = 0;
};

struct Batch {
    std::vector<Draft> records;       // appended together, in one transaction
    Receipt receipt;
    std::uint64_t consumed = 0;       // bytes of the transport, from its first, that these records account for
};

struct StartRequest {
    std::string run;    // the run's id, already durable as `run.started`
    std::string plate;  // what the person typed
};

class Driver {
   public:
    virtual ~Driver() = default;

    // Asks the instrument who it is and what state it is in; changes nothing there. Returns words for people: "SpectraMax ROM v2.11".
    virtual Task<Result<std::string>> identify() = 0;

    // The next batch, waiting as long as it takes. `closed` and other errors end this connection; its owner opens a new one.
    virtual Task<Result<Batch>> next() = 0;

    // The batch is committed: only now may the instrument forget.
    virtual Task<Result<void>> acknowledge(Receipt receipt) = 0;

    // Begin a run now. `refused` with a sentence for the person when the instrument cannot be commanded or is not ready.
    virtual Task<Result<void>> start(StartRequest /*request*/) {
        co_return fail(Fault::refused, "This instrument cannot be started from the gateway; start it at its own panel.");
    }

    // One line for the page: what the instrument itself says it is doing ("reading, 12 s"), empty when it says nothing.
    virtual std::string activity() const { return {}; }
};

}  // namespace marrowlink
