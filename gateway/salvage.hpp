// What still holds of a damaged outbox, sent as its own stream: same ids, same chain, never renumbered. The file is only read, and kept.
//
// First the whole file is walked, then the live stream names what is lost (`stream.closed`), and only when central has acknowledged that
// are the records sent: central passes a gap only if it was named.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "core/clock.hpp"
#include "gateway/forwarder.hpp"
#include "gateway/outbox.hpp"
#include "gateway/salvage_scan.hpp"

namespace marrowlink {

inline constexpr std::size_t lost_ranges_max =
    400;  // that one stream.closed names; more of them go into several, each within one record's data

// The records that name what is lost; at least one, also when nothing is. `reason`: why the stream ended.
std::vector<Draft> closing_records(SalvageScan const& scan, std::string const& reason);

class Salvage final : public RecordSource {
 public:
    // `known`: what an earlier start remembered. `again`: everything through `known.last` was acknowledged once, and central has forgotten
    // what lies behind `known.acknowledged`.
    Salvage(std::filesystem::path file, SalvageState known, std::string reason, bool again = false);
    ~Salvage() override;

    // Does everything by itself from here on: walks, names, adds itself to the forwarder, and leaves it when all has been acknowledged.
    void begin(Outbox& live, Forwarder& forwarder, Clock& clock, boost::asio::any_io_executor loop);
    bool finished() const { return finished_; }

    std::string const& stream() const override { return state_.stream; }
    std::uint64_t appended() const override { return state_.last; }
    std::uint64_t acknowledged() const override { return state_.acknowledged; }
    std::uint64_t first_kept() const override { return first_; }
    Task<Result<std::vector<Record>>> peek(std::uint64_t from, std::size_t records_max, std::size_t bytes_max) override;
    Task<Result<std::optional<Digest>>> chain_at(std::uint64_t seq) override;
    void confirm(std::uint64_t seq) override;

 private:
    Task<void> run();
    Task<bool> walk();
    Task<bool> name_lost();
    Task<bool> send();
    Task<void> keep();

    std::filesystem::path file_;
    SalvageState state_;
    std::string reason_;
    std::uint64_t again_through_ = 0;  // 0: sent for the first time
    std::uint64_t first_ = 1;
    std::shared_ptr<SalvageScan> scan_;  // touched on the store thread only
    std::vector<Draft> closing_;
    Outbox* live_ = nullptr;
    Forwarder* forwarder_ = nullptr;
    Clock* clock_ = nullptr;
    bool failed_ = false;  // the file has changed since it was walked
    bool finished_ = false;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace marrowlink
