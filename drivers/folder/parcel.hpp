// One export file on its way into the outbox: its records, cut into batches of about a mebibyte. The same file always gives the same
// records, so that a restart in the middle stores the rest and nothing twice.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "drivers/driver.hpp"
#include "drivers/folder/examine.hpp"

namespace marrowlink {

inline constexpr std::size_t batch_bytes_max = 1 << 20;  // data and blanked bytes of one batch; at least one record goes all the same
inline constexpr std::size_t notes_max = 20;             // of a manifest; the rest is counted

struct ParcelLabel {
    std::string instrument;
    std::string original_sha256;  // hex
    std::string name;             // stays at the site
    std::string arrived;          // our clock, RFC 3339
    std::string file_time;        // what the file system says, RFC 3339
};

class Parcel {
 public:
    // `examination` is readable or unreadable. It becomes unreadable when one reading alone is larger than a record may be.
    Parcel(ParcelLabel const& label, Examination examination);

    Batch batch();   // the next one, without a receipt; the same until `advance`
    void advance();  // it is durable
    bool delivered() const { return at_.tail == tail_.size(); }

    std::string const& run() const { return id_.run; }
    std::string const& sourcekey() const { return id_.sourcekey; }
    std::string const& name() const { return taken_.name; }
    bool readable() const { return examination_.verdict == Verdict::readable; }
    std::string const& reason() const { return examination_.reason; }  // why unreadable

 private:
    struct Place {
        bool begun = false;
        std::uint64_t offset = 0;  // of the next chunk
        std::size_t tail = 0;      // of the next record after the chunks
    };
    Batch cut(Place& place) const;
    void write_tail(ParcelLabel const& label);
    bool storable() const;  // no record of the tail is too large

    Examination examination_;
    RunIdentity id_;
    TakenFile taken_;
    Draft started_;
    std::vector<Draft> tail_;  // readings, manifest
    std::uint64_t size_ = 0;
    Place at_, after_;  // after the batch that was handed out
};

}  // namespace marrowlink
