// What central says about a stream, judged against what this gateway holds.
#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "core/log.hpp"
#include "gateway/forwarder.hpp"

namespace marrowlink {
namespace asio = boost::asio;

void Forwarder::acknowledge(LanePtr const& pointer, std::uint64_t through, Digest const& chain, bool retained) {
    Lane& lane = *pointer;
    std::uint64_t const word = ++lane.words;
    auto const sent = std::find_if(lane.unacknowledged.begin(), lane.unacknowledged.end(), [&](Sent const& s) { return s.seq == through; });
    if (sent != lane.unacknowledged.end()) {
        window_time_ = std::chrono::duration_cast<std::chrono::milliseconds>(clock_.now() - sent->at);
        return judge(lane, word, through, chain, retained, sent->chain);
    }
    if (through > lane.source->appended()) return judge(lane, word, through, chain, retained, std::nullopt);
    asio::co_spawn(
        loop_,
        [this, alive = alive_, lane = pointer, source = pointer->source, word, through, chain, retained]() -> Task<void> {
            auto const own = co_await source->chain_at(through);
            if (!*alive || !lane->source) co_return;
            if (own) judge(*lane, word, through, chain, retained, *own);
        },
        asio::detached);
}

void Forwarder::judge(Lane& lane, std::uint64_t word, std::uint64_t through, Digest const& chain, bool retained,
                      std::optional<Digest> own) {
    // Looking up our own chain takes time; a later word of central's may have been judged meanwhile.
    if (word < lane.judged) return;
    lane.judged = word;
    if (!own && !lane.live && through > lane.source->appended()) {
        // Central has more of a salvaged stream than can still be read of it here.
        if (lane.source->appended() > lane.floor) confirm(lane, lane.source->appended());
        return;
    }
    bool const differs = own ? *own != chain : through > lane.source->appended();
    // What the broker kept may be the word of a centre that was restored since; the living one is asked at each connection.
    if (retained && differs) return;
    if (!own) {
        if (through > lane.source->appended())
            return disagree(
                lane, through,
                fmt::format("central has {} records of this stream, this gateway has written {}", through, lane.source->appended()));
        if (retained || through >= lane.floor) return;
        // A centre restored from an older backup asks for what is no longer kept.
        status_.forgotten = lane.source->first_kept() - through - 1;
        log::error("link.records_forgotten", {{"stream", lane.source->stream()},
                                              {"central_has", through},
                                              {"kept_from", lane.source->first_kept()},
                                              {"count", status_.forgotten}});
        return disagree(
            lane, through,
            fmt::format("central has records through {} only; this gateway keeps them from {} on", through, lane.source->first_kept()));
    }
    if (differs) return disagree(lane, through, fmt::format("central holds another record as number {}", through));
    bool const agreed_again = !std::exchange(lane.disagreement, "").empty();
    if (agreed_again) status_.forgotten = 0;
    if (through > lane.floor) return confirm(lane, through);
    // A retained acknowledgement may be old; a live one below what central had means that the centre forgot, and it is sent again.
    if (!retained && through < lane.floor) {
        log::warn("link.centre_behind", {{"stream", lane.source->stream()}, {"central_has", through}, {"had", lane.floor}});
        lane.floor = through;
        go_back(lane, through);
    }
    // Nothing waits, so nothing can be stalled any more.
    if (!retained && through == lane.source->appended()) stalling_ = false;
    if (agreed_again && connected_ && centre_online_ && !stalling_) set_state(LinkState::connected, "");
    pump();
}

void Forwarder::disagree(Lane& lane, std::uint64_t through, std::string why) {
    bool const known = !lane.disagreement.empty();
    lane.disagreement = std::move(why);
    if (known) return;
    go_back(lane, lane.floor);
    set_state(LinkState::centre_disagrees, lane.disagreement);
    listener_.on_disagreement(lane.source->stream(), through);
}

void Forwarder::confirm(Lane& lane, std::uint64_t through) {
    while (!lane.unacknowledged.empty() && lane.unacknowledged.front().seq <= through) {
        --unacknowledged_records_;
        unacknowledged_bytes_ -= lane.unacknowledged.front().bytes;
        lane.unacknowledged.pop_front();
    }
    while (!lane.ready.empty() && lane.ready.front().seq <= through) lane.ready.pop_front();
    if (lane.cursor <= through) {
        lane.cursor = through + 1;
        ++lane.epoch;
    }
    lane.floor = through;
    lane.source->confirm(through);
    backoff_ = {};
    stalling_ = false;
    if (centre_online_ && status_.state != LinkState::connected) set_state(LinkState::connected, "");
    progress();
    listener_.on_link(status_);
    pump();
}

}  // namespace marrowlink
