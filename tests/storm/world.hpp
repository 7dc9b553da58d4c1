// The whole product in one thread under one virtual time: gateways with their instruments, a broker, a centre, each on a machine of its own
// with a disk that may fail. Every program may end between any two turns of its loop and be started again.
#pragma once

#include <deque>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "central/ingest.hpp"
#include "core/log.hpp"
#include "gateway/gateway.hpp"
#include "gateway/plan.hpp"
#include "instruments.hpp"
#include "tests/sim/broker.hpp"
#include "tests/sim/disk.hpp"
#include "tests/sim/process.hpp"
#include "truth.hpp"

namespace marrowlink::storm {

class World;

enum class Death : std::uint8_t {
    crash,  // SIGKILL: what was written is there
    power,  // what was not synced is gone, wholly or in part
};

// A computer that runs one program of ours; the service manager starts it again.
class Machine {
 public:
    Machine(World& world, std::string name, std::uint64_t seed);
    virtual ~Machine() = default;
    Machine(Machine const&) = delete;

    virtual bool start() = 0;  // false: it ended at once
    virtual void end(Death death) = 0;
    virtual sim::Process* process() = 0;  // null while it is off
    void start_after(std::chrono::milliseconds span);
    void die(Death death, std::chrono::milliseconds off_for);

    void keep_copy();      // of its disk, as it is now
    bool put_copy_back();  // false: there is none. The program must be off
    Clock::Instant copied() const { return copied_; }
    void clone_disk_of(Machine const& other);  // before the first start

    std::string const& name() const { return name_; }
    sim::Disk disk;
    std::chrono::milliseconds wall_offset{0};
    std::uint64_t boots = 0, troubles = 0;

 protected:
    Clock::Utc utc() const;

    World& world_;
    std::string name_;
    Clock::Instant copied_{};
    std::uint64_t start_asked_ = 0;
};

class GatewayMachine final : public Machine {
 public:
    // `name`: of the machine; "<site>-<gateway>" unless it is a clone.
    GatewayMachine(World& world, std::string site, std::string gateway, std::uint64_t seed, std::string name = {});
    ~GatewayMachine() override { end(Death::crash); }

    bool start() override;
    void end(Death death) override;
    sim::Process* process() override { return life_ ? &life_->process : nullptr; }
    Gateway* gateway() { return life_ ? life_->gateway.get() : nullptr; }
    std::string const& client_id() const { return client_id_; }
    // From its next start on.
    void give_client_id(std::string id) { client_id_ = std::move(id); }
    void give_name(std::string gateway) {
        gateway_ = std::move(gateway);
        client_id_ = site_ + '-' + gateway_;
    }
    void press_start();  // somebody starts a plate, or corrects one's name, on the page
    bool drained() const;

    Bench bench;
    std::vector<std::unique_ptr<Instrument>> instruments;
    std::uint64_t budget_bytes = 64u << 20;

 private:
    struct Life {
        Life(World& world, GatewayMachine& machine);
        sim::Process process;
        sim::SeededEntropy entropy;
        sim::SimulatedUplink uplink;
        PlanWorld plans;
        std::unique_ptr<Gateway> gateway;
    };
    Config config() const;
    Instrument* find(std::string const& id) const;

    std::string site_, gateway_, client_id_;
    std::unique_ptr<Life> life_;
    std::vector<std::string> runs_;
    std::uint64_t plates_ = 0;
};

class CentreMachine final : public Machine {
 public:
    CentreMachine(World& world, std::uint64_t seed);
    ~CentreMachine() override { end(Death::crash); }

    bool start() override;
    void end(Death death) override;
    sim::Process* process() override { return life_ ? &life_->process : nullptr; }
    std::filesystem::path database() const { return name_ + "/central.db"; }
    static constexpr char const* client_id = "centre";

 private:
    struct Life {
        Life(World& world, CentreMachine& machine);
        sim::Process process;
        sim::SimulatedUplink uplink;
        std::unique_ptr<central::Intake> intake;
        std::unique_ptr<central::Ingest> ingest;
    };
    std::unique_ptr<Life> life_;
};

class World {
 public:
    // Works in `folder`, which is the current one from then on: names in it are relative, so that a world repeats itself anywhere.
    World(std::uint64_t seed, std::filesystem::path const& folder);
    ~World();

    void run_until(Clock::Instant limit);
    bool run_until_true(std::function<bool()> const& done, Clock::Instant limit);
    Clock::Instant now() const { return timeline->now(); }
    std::chrono::milliseconds age() const { return std::chrono::duration_cast<std::chrono::milliseconds>(now() - began_); }

    void tell(std::string text);                   // an event of the world itself
    void mark(std::string const& who, char what);  // the same, for the timeline
    struct Mark {
        std::chrono::milliseconds at;
        std::string who;
        char what;
    };
    std::vector<Mark> const& marks() const { return marks_; }
    std::deque<std::string> const& events() const { return events_; }
    std::function<void(std::string const&)> listener;  // hears every event as it is told
    // Error-level lines that begin so ("outbox.not_writable …") belong to this scenario until then.
    void announce(std::string beginning, Clock::Instant until);
    void announce_broken_reads();             // of plates that were announced and not begun, or sent in part
    std::vector<std::string> faults() const;  // error-level lines that nobody announced, and what clients did against the protocol
    std::uint64_t turns() const { return turns_; }

    std::shared_ptr<sim::Timeline> timeline = std::make_shared<sim::Timeline>();
    sim::SeededEntropy dice;
    sim::Process outside;
    sim::Broker broker;
    Truth truth;
    std::unique_ptr<CentreMachine> centre;
    std::vector<std::unique_ptr<GatewayMachine>> gateways;

 private:
    bool turn();
    bool turn(Machine& machine);
    void hear(log::Level level, std::string_view line);
    static World* current_;

    Clock::Instant began_;
    Machine* running_ = nullptr;
    std::deque<std::string> events_;
    std::map<std::string, Clock::Instant, std::less<>> announced_;
    std::vector<std::string> surprises_;
    std::vector<Mark> marks_;
    std::uint64_t turns_ = 0;
};

}  // namespace marrowlink::storm
