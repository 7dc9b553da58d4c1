// The last known state of every part, for the page, health and metrics. Plain values, on the loop only. Setters are cheap enough to be
// called for every record: without a watcher a change costs an assignment and two counters. Ages are taken from the monotonic clock when
// the JSON is made, so nothing here goes stale by being kept. What was never known is absent from the JSON, never 0 or "" in its place
// (field 51).
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/clock.hpp"
#include "core/json.hpp"
#include "drivers/driver.hpp"
#include "gateway/outbox_store.hpp"
#include "gateway/plate.hpp"

namespace marrowlink {

inline constexpr std::size_t runs_kept_max =
    200;  // older runs leave the page, finished ones first; they stay in the outbox and at the centre
inline constexpr std::size_t runs_shown_min = 50;    // this many stay whatever their date; beyond them only those begun today (UTC)
inline constexpr std::size_t plates_kept_max = 4;    // plates of runs still measuring; those of finished runs come from the outbox
inline constexpr std::size_t alarms_max = 100;       // the last place then says "alarms.more", and further ones are not listed
inline constexpr std::size_t files_shown_max = 200;  // per instrument; further ones are not listed

enum class InstrumentState : std::uint8_t {
    waiting_for_port,
    connecting,
    silent,
    idle,
    measuring,
    transferring,
    holding,
    failed,
    watching
};
enum class RunState : std::uint8_t { started, measuring, committed, acknowledged, aborted, unreadable };
enum class Station : std::uint8_t { instrument, gateway, broker, centre };
enum class DiskState : std::uint8_t { ok, low, full, failed };
enum class Severity : std::uint8_t { warn, error };
std::string_view to_string(InstrumentState state);
std::string_view to_string(RunState state);
std::string_view to_string(Station station);
std::string_view to_string(DiskState state);
std::string_view to_string(Severity severity);

struct InstrumentCard {
    std::string id, title, driver, port;  // port: "/dev/ttyUSB0 9600 8N1", "/srv/exports"
    bool tried_on_hardware = false;
    bool commandable = false;
    std::optional<std::chrono::seconds> due;  // longer without a word makes everything it said stale
    InstrumentState state = InstrumentState::connecting;
    std::string detail;                        // why, in words
    std::string activity;                      // what it says of itself: "reading, 12 s"
    std::string run;                           // of the run in progress
    std::optional<Clock::Instant> last_heard;  // nothing before first contact
    std::uint64_t messages = 0;                // since the gateway started; 0 is left out
};

struct WellValue {
    std::string well, value, flag;
};

// What a person holds against the printout. Texts are RFC 3339 or the instrument's own words; values are decimal text as written.
struct RunCard {
    std::string run, instrument, plate;
    bool labelled = false;  // by a person, whose word counts more than what the instrument's records say
    std::string title;      // of what came, when it has no plate name: an export file's name
    RunState state = RunState::started;
    std::string reason;  // of aborted, unreadable
    std::string started, finished;
    std::optional<Clock::Instant> begun;    // for elapsed time while it measures
    Station reached = Station::instrument;  // of its way; set by the board
    std::string at_instrument, at_gateway, at_broker,
        at_centre;                                        // when, as far as known: an earlier gateway process may have seen it arrive
    std::optional<std::uint64_t> count, flagged, events;  // events: cytometry
    std::optional<WellValue> first, last;
    std::string min, max, unit;
    std::vector<std::string> files;
    std::string answer_state, answer_verdict, answer_reason;  // the centre's; empty: none yet
    std::string plate_verdict, plate_reason;                  // of the centre's evaluation; empty: none yet
    std::uint64_t plate_change = 0;                           // grows with every plate(); the page then asks for the plate again

    std::string noted;           // when the card was made; its day decides how long it stays
    std::uint64_t last_seq = 0;  // kept by the board
    std::uint64_t change = 0;
};

// A run that was durable before this start.
struct KeptRun {
    RunCard card;
    std::uint64_t first_seq = 0;
    Clock::Utc first;  // when its first record was appended
};

struct FileNotice {
    std::string name;
    FileStanding state = FileStanding::waiting;
    std::string reason;
    std::optional<Clock::Instant> since;

    friend bool operator==(FileNotice const&, FileNotice const&) = default;
};

// `id` is a stable name ("link.refused"); with `subject` (an instrument, a file, empty) it is the alarm's identity. The page has sentences
// for the ids it knows, filled with `parameters`, in English and French; `what` and `todo` are the English ones for all others.
struct Alarm {
    std::string id, subject;
    Severity severity = Severity::warn;
    std::string what, todo;
    std::map<std::string, std::string> parameters;
};

struct DiskView {
    DiskState state = DiskState::ok;
    std::uint64_t budget_bytes = 0;
    std::uint64_t free_bytes = 0;      // of the file system
    std::optional<double> room_hours;  // at the present rate; nothing when no rate is known
    std::string detail;
};

class StatusBoard {
 public:
    StatusBoard(Clock& clock, std::string site, std::string gateway);
    StatusBoard(StatusBoard const&) = delete;
    StatusBoard& operator=(StatusBoard const&) = delete;

    // Gateway and link.
    void stream(std::string uuid);
    void broker(std::string name);                               // "broker.lab:8883"
    void link(std::string_view state, std::string_view detail);  // to_string(LinkState), or "certificate_expired"
    void certificate_ends(std::optional<Clock::Utc> when);
    void position(OutboxPosition const& position);                  // hot
    void pubacked(std::uint64_t seq);                               // hot; highest of the live stream
    void counted(std::uint64_t published, std::uint64_t repeated);  // hot; for /metrics
    void disk(DiskView disk);

    // True when the alarm begins: the moment for one log line and one record, however often it is raised again.
    bool raise(Alarm alarm);
    bool clear(std::string_view id, std::string_view subject = {});  // true when it was raised

    // The reference is good until the next call that adds or forgets; taking it counts as a change. An unknown id makes a new card.
    InstrumentCard& instrument(std::string_view id);
    bool has_instrument(std::string_view id) const;
    void forget_instrument(std::string_view id);
    void heard(std::string_view instrument);  // hot; any word from it, now
    RunCard& run(std::string_view id);
    RunCard const* find_run(std::string_view id) const;
    // Its records are durable up to last_seq; one that is `started` begins now.
    void committed(std::string_view run, std::uint64_t last_seq, RunState state = RunState::committed);
    // Behind those already there. One that is known, or too old for the page, is passed over.
    void restore(KeptRun kept);
    void answer(std::string_view run, std::string_view state, std::string_view verdict, std::string_view reason);
    void plate_quality(std::string_view run, std::string_view verdict, std::string_view reason);  // as the centre evaluated it
    void files(std::string const& instrument, std::vector<FileNotice> files);  // all of this instrument's, in place of the last ones
    void plate(std::string_view run, Plate plate);                             // as far as measured
    Plate const* find_plate(std::string_view run) const;

    // Grows with every change.
    std::uint64_t change() const { return change_; }
    // Calls back once, inside the next change: post from there, do no work.
    void watch_once(std::function<void()> watcher) { watchers_.push_back(std::move(watcher)); }

    // Everything; or only the members that changed after change number `since`, and of the runs only those that did ("delta": true).
    json::object json(std::uint64_t since = 0) const;
    std::string metrics() const;                     // Prometheus text
    std::vector<std::string> why_not_ready() const;  // empty: it takes and keeps records. A missing link is no reason (field 13)

 private:
    enum Section : std::uint8_t { gateway_, link_, backlog_, disk_, alarms_, instruments_, runs_, files_, sections };
    struct Raised {
        Alarm alarm;
        std::string since;
        Clock::Instant at;
    };

    void changed(Section section);
    void stamp_broker();
    void stamp_centre();
    void drop_old_runs();
    InstrumentCard* find_instrument(std::string_view id);
    RunCard* find_card(std::string_view id);
    std::string now_text() const;
    double age_s(Clock::Instant when) const;
    json::object gateway_json() const;
    json::object link_json() const;
    json::object backlog_json() const;
    json::object disk_json() const;
    json::array alarms_json() const;
    json::array instruments_json() const;
    json::array files_json() const;
    json::object run_json(RunCard const& card) const;

    Clock& clock_;
    std::string site_, gateway_id_, stream_, started_;
    Clock::Instant started_at_;
    std::string link_state_ = "connecting", link_detail_, link_since_, broker_;
    std::optional<Clock::Utc> certificate_ends_;
    OutboxPosition position_;
    std::optional<Clock::Instant> oldest_;  // when the oldest waiting record was appended
    std::optional<Clock::Instant> acknowledged_at_;
    std::uint64_t pubacked_ = 0, published_ = 0, repeated_ = 0;
    std::optional<DiskView> disk_view_;
    std::vector<Raised> alarms_raised_;
    std::vector<InstrumentCard> instrument_cards_;
    std::deque<RunCard> run_cards_;                          // newest first
    std::uint64_t next_at_broker_ = 0, next_at_centre_ = 0;  // smallest last_seq of a card still waiting for that stamp; 0: none
    std::map<std::string, std::vector<FileNotice>> file_notices_;
    std::deque<std::pair<std::string, Plate>> plates_;  // newest first

    std::uint64_t change_ = 1;
    std::array<std::uint64_t, sections> section_change_;
    std::vector<std::function<void()>> watchers_;
};

}  // namespace marrowlink
