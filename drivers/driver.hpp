// One instrument's language. A driver is one plain class in one folder, with its simulator and its protocol notes beside it.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/record.hpp"
#include "core/run.hpp"
#include "core/transport.hpp"

namespace marrowlink {

// Handed back to the driver once the batch is durable; means nothing to anyone else.
struct Receipt {
    std::uint64_t number = 0;
};

struct Batch {
    std::vector<Draft> records;  // appended together, in one transaction
    Receipt receipt;
    std::uint64_t consumed = 0;         // bytes of the transport, from its first, that these records account for
    std::optional<TakenFile> taken;     // with the last batch of an export file
    std::vector<BlankedBytes> blanked;  // what stood under the spaces of the run.file chunks in `records`
};

// What became of one file in an export folder.
enum class FileStanding : std::uint8_t {
    waiting,     // seen, not looked at yet: it still changes, settles or is held by another program
    incomplete,  // looked at, and its end is missing
    refused,     // of no known format, too large, or unreadable (then its bytes are kept)
    taken,
    revision,  // taken: other content of a run or a file that was taken before
};
constexpr std::string_view text_of(FileStanding standing) {
    switch (standing) {
        case FileStanding::waiting: return "waiting";
        case FileStanding::incomplete: return "incomplete";
        case FileStanding::refused: return "refused";
        case FileStanding::taken: return "taken";
        case FileStanding::revision: return "revision";
    }
    return {};
}

// For the page at the site; nothing of it leaves the site.
struct FileState {
    std::string name;
    FileStanding standing = FileStanding::waiting;
    std::string reason;    // a sentence for people; empty when there is nothing to say
    Clock::Instant since;  // in this standing without a break; growing in between is no break
};

// What a register-based instrument last said, raw and read, for comparing with its display.
struct RegisterView {
    std::string name, place, type;     // "temperature", "input 30011", "f32 ABCD"
    std::vector<std::uint16_t> words;  // as they came; empty when there is no value
    std::string value, unit, flag;
    std::optional<Clock::Instant> heard;
    struct Interpretation {
        std::string as, value;  // "f32 CDAB", "37.5"
    };
    std::vector<Interpretation> interpretations;
};

struct StartRequest {
    std::string run;                                  // the run's id, already durable as `run.started`
    std::string plate;                                // what the person typed
    std::function<void(std::string)> tell_held = {};  // nothing is begun: the transcript's SHA-256 that held() is for
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

    // For an instrument that gives its last transcript again when it is asked: the SHA-256 (hex) of the one that it holds before a run is
    // begun. When it holds that one afterwards too, the run did not take place. Nothing: it keeps none, or has none. Errors as of `start`.
    virtual Task<Result<std::optional<std::string>>> held() { co_return std::optional<std::string>{}; }

    // Begin a run now. `refused` with a sentence for the person when the instrument cannot be commanded or is not ready.
    virtual Task<Result<void>> start(StartRequest /*request*/) {
        co_return fail(Fault::refused, "This instrument cannot be started from the gateway; start it at its own panel.");
    }

    // One line for the page: what the instrument itself says it is doing ("reading, 12 s"), empty when it says nothing.
    virtual std::string activity() const { return {}; }

    // What keeps the driver from its instrument although `next` still waits and tries again by itself; a sentence that says what to do.
    virtual std::optional<Error> trouble() const { return {}; }

    // When the instrument last answered, where that is not when its last byte came.
    virtual std::optional<Clock::Instant> heard() const { return {}; }

    // For drivers that watch a folder.
    virtual std::vector<FileState> files() const { return {}; }

    // For drivers that read registers.
    virtual std::vector<RegisterView> registers() const { return {}; }

    // Called whenever what the functions above say may have changed, but for the passing of time. Not to call back from there.
    void on_change(std::function<void()> told) { told_ = std::move(told); }
    // Whether `activity` changes with time alone now: seconds are counted in it.
    virtual bool ticking() const { return false; }

 protected:
    void changed() const {
        if (told_) told_();
    }

 private:
    std::function<void()> told_;
};

}  // namespace marrowlink
