// The simulated instruments of a storm: each measures, says so to the Truth, and speaks with whatever gateway its cable leads to.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "core/wake.hpp"
#include "drivers/spectramax/simulator.hpp"
#include "gateway/config.hpp"
#include "tests/sim/adapter_box.hpp"
#include "tests/sim/memory_folder.hpp"
#include "tests/sim/memory_transport.hpp"
#include "tests/sim/process.hpp"
#include "truth.hpp"

namespace marrowlink::storm {

// Where an instrument stands, and what it shares with the others there.
struct Bench {
    std::string site, gateway;
    sim::Process& outside;  // the loop and clock of everything that is not ours
    std::shared_ptr<sim::Timeline> timeline;
    sim::SeededEntropy& dice;
    Truth& truth;
    // How often this gateway was in a state in which an instrument that cannot repeat itself may lose what it sends: off, or its disk
    // failing.
    std::function<std::uint64_t()> troubles;
};

constexpr std::chrono::seconds swallow_time{10};  // by then a healthy gateway has made durable what it was sent

class Instrument {
 public:
    Instrument(Bench& bench, std::string id) : bench_(bench), id_(std::move(id)) {}
    virtual ~Instrument() = default;
    Instrument(Instrument const&) = delete;

    virtual InstrumentConfig config() const = 0;
    virtual void measure() = 0;                       // something, now
    virtual bool done() const = 0;                    // nothing of it waits for the gateway
    virtual bool measuring() const { return false; }  // what it began to measure comes later by itself
    virtual bool startable() const { return false; }  // a person can start it through its gateway
    // The cable, for those that have one.
    virtual void plugged(std::unique_ptr<sim::MemoryTransport>) {}
    virtual void unplug() {}
    void set_away(bool yes) {
        away_ = yes;
        if (yes) unplug();
    }
    bool away() const { return away_; }
    virtual void calm() {}  // whatever spoiled it has ended
    virtual std::shared_ptr<Folder> folder() { return nullptr; }
    virtual sim::ModbusLine* bus() { return nullptr; }
    std::string const& id() const { return id_; }

 protected:
    InstrumentConfig named(InstrumentDriver driver) const;
    sim::ModbusLine::Trouble bus_trouble(sim::SeededEntropy& dice, bool stormy) const;  // of the next question
    Measured measured(Measured::Kind kind, std::string key, std::string text) const;
    // It was said once, now, and is owed when the gateway stays well long enough to make it durable.
    void said_once(Measured& what);

    Bench& bench_;
    std::string id_;
    bool away_ = false;
};

// Repeats each line until it is acknowledged, and now and then one that was.
class AnsweredLine final : public Instrument {
 public:
    using Instrument::Instrument;
    InstrumentConfig config() const override;
    void measure() override;
    bool done() const override { return waiting_.empty(); }
    void plugged(std::unique_ptr<sim::MemoryTransport> far) override;
    void unplug() override;

 private:
    Task<void> talk(std::shared_ptr<sim::MemoryTransport> line);
    std::string due();
    void hear(std::string_view answer);

    struct Waiting {
        Measured* what;
        bool said = false;
    };
    std::deque<Waiting> waiting_;
    std::shared_ptr<sim::MemoryTransport> line_;
    Wake more_;
    std::uint64_t count_ = 0;
    std::string repeated_;
};

// Says each line once and forgets it.
class UnansweredLine final : public Instrument {
 public:
    using Instrument::Instrument;
    InstrumentConfig config() const override;
    void measure() override;
    bool done() const override { return true; }
    void plugged(std::unique_ptr<sim::MemoryTransport> far) override { line_ = std::move(far); }
    void unplug() override { line_.reset(); }

 private:
    std::unique_ptr<sim::MemoryTransport> line_;
    std::uint64_t count_ = 0;
};

// Behind an adapter, which says ACK to its ASTM frames. Repeats each frame until it is acknowledged, and then has forgotten it: from there
// on only the adapter has it, until the gateway has made it durable.
class AdaptedLine final : public Instrument {
 public:
    AdaptedLine(Bench& bench, std::string id, std::uint64_t seed);
    InstrumentConfig config() const override;
    void measure() override;
    bool done() const override { return waiting_.empty() && kept_.empty(); }
    sim::ModbusLine* bus() override { return &box_; }
    void cut_power(std::chrono::milliseconds off_for);  // now, or in the middle of what it writes next
    void calm() override;

 private:
    void say();
    void hear(bool again);
    void note_freed();
    void restore_power();

    struct Kept {
        Measured* what;
        std::optional<std::uint64_t> end;  // position in the adapter's log behind it
    };
    sim::SeededEntropy dice_;
    sim::AdapterBox box_;
    std::deque<Measured*> waiting_;
    std::deque<Kept> kept_;
    std::uint64_t count_ = 0;
    std::string repeated_;
    bool talking_ = false, stormy_ = true;
};

// Drops export files: some half-written for a while, some written again with other values.
class ExportFolder final : public Instrument {
 public:
    ExportFolder(Bench& bench, std::string id);
    InstrumentConfig config() const override;
    void measure() override;
    bool done() const override { return true; }
    bool measuring() const override { return unwritten_ > 0; }
    std::shared_ptr<Folder> folder() override { return folder_; }
    void hide(bool yes) { folder_->set_away(yes); }
    void calm() override { hide(false); }

 private:
    std::string gen5(std::uint64_t number);
    std::string fcs(std::uint64_t number);
    void write_after(std::chrono::seconds span, std::string const& name, std::string bytes);
    void write(std::string const& name, std::string bytes);

    std::shared_ptr<sim::MemoryFolder> folder_;
    std::map<std::string, Measured*> latest_;
    std::uint64_t count_ = 0;
    std::size_t unwritten_ = 0;  // files that are still to be written
};

class PlateReader final : public Instrument {
 public:
    PlateReader(Bench& bench, std::string id, std::uint64_t seed);
    InstrumentConfig config() const override;
    void measure() override;  // somebody presses the button on the reader itself
    bool done() const override { return !reader_->measuring() && !reader_->holds_data(); }
    bool startable() const override { return true; }
    void plugged(std::unique_ptr<sim::MemoryTransport> far) override;
    void unplug() override;

 private:
    void note(spectramax::SpectraMaxSimulator::Event const& event);

    std::shared_ptr<spectramax::SpectraMaxSimulator> reader_;
    std::shared_ptr<sim::MemoryTransport> line_;
    Measured* held_ = nullptr;
};

}  // namespace marrowlink::storm
