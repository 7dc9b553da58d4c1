// An outage on purpose, to learn how long a real one may last. The gateway closes its own link and opens it again; whoever asked for it may
// go away. Safe in production:
//   - only the link is touched: instruments are acknowledged after the commit as ever, and nothing is dropped or taken back;
//   - it begins only when the link is up, the disk takes records and the room lasts `rehearsal_margin` times the rehearsal;
//   - it ends by itself at its deadline, and before it when the room falls below that margin or to half of what it was, or when the disk
//     fails;
//   - nothing of it is kept on disk, so a gateway that starts again has no rehearsal.
// On the loop only.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <functional>
#include <memory>
#include <string>

#include "core/clock.hpp"
#include "core/json.hpp"
#include "gateway/forwarder.hpp"
#include "gateway/outbox.hpp"
#include "gateway/room.hpp"
#include "gateway/status.hpp"

namespace marrowlink {

inline constexpr std::chrono::milliseconds rehearsal_min{6'000};
inline constexpr std::chrono::milliseconds rehearsal_max{60 * 60'000};
inline constexpr double rehearsal_margin = 10;                         // the room lasts at least this many times its length
inline constexpr std::uint64_t rehearsal_room_share = 2;               // it ends when less than one part in so many is left of the room
inline constexpr std::chrono::milliseconds rehearsal_look{1'000};      // how often room and deadline are looked at
inline constexpr std::chrono::milliseconds catch_up_max{30 * 60'000};  // after the restore; then it is over and says that it is behind

enum class RehearsalPhase : std::uint8_t {
    none,         // since this gateway started
    away,         // the link is closed
    catching_up,  // the link may open, and what waits is being sent
    over
};
enum class RehearsalEnd : std::uint8_t { deadline, asked, room, store, stopping };
std::string_view to_string(RehearsalPhase phase);
std::string_view to_string(RehearsalEnd end);

struct RehearsalParts {
    Clock& clock;
    boost::asio::any_io_executor loop;
    Forwarder& forwarder;
    Outbox const& outbox;
    StatusBoard& board;
    std::function<Room()> room;
    std::function<void(std::string action, std::string who, std::string detail)> audit;  // writes the record without waiting
};

class Rehearsal {
 public:
    explicit Rehearsal(RehearsalParts parts) : parts_(std::move(parts)) {}
    ~Rehearsal() { *alive_ = false; }
    Rehearsal(Rehearsal const&) = delete;
    Rehearsal& operator=(Rehearsal const&) = delete;

    // `refused` with a sentence when it would not be safe or would teach nothing now. `length` from rehearsal_min to rehearsal_max.
    Result<json::object> begin(std::chrono::milliseconds length, std::string who);
    Result<json::object> end_early(std::string who);  // `refused` when the link is not closed for a rehearsal
    void end(RehearsalEnd why);                       // nothing when the link is not closed for a rehearsal
    void on_position();                               // the outbox changed

    // The present or last one; members in docs/gateway-api.md.
    json::object json() const;

 private:
    Task<void> watch();
    Result<void> safe(std::chrono::milliseconds length) const;
    bool roomy(Room const& room) const;
    void look_at_room();
    void look_at_backlog();
    void over(bool caught_up);
    std::uint64_t waiting() const;

    RehearsalParts parts_;
    RehearsalPhase phase_ = RehearsalPhase::none;
    RehearsalEnd ended_ = RehearsalEnd::deadline;
    std::uint64_t number_ = 0;  // of this rehearsal; the watch of an earlier one ends itself
    std::chrono::milliseconds length_{0};
    std::string who_, began_, until_;  // RFC 3339
    Clock::Instant began_at_{}, restored_at_{}, over_at_{};
    Room first_, least_;
    std::uint64_t appended_ = 0;        // when it began…
    std::uint64_t appended_bytes_ = 0;  // the same in bytes
    std::uint64_t acknowledged_ = 0;    // …and when the link was restored
    std::uint64_t kept_records_ = 0, kept_bytes_ = 0, caught_up_records_ = 0;
    double bytes_per_hour_ = 0;          // on disk, while the link was closed
    std::uint64_t appended_before_ = 0;  // at the last look
    bool caught_up_ = false;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace marrowlink
