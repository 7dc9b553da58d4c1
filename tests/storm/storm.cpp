#include "storm.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "cabled.hpp"
#include "sampler.hpp"
#include "timeline.hpp"
#include "world.hpp"

namespace marrowlink::storm {
namespace {
using namespace std::chrono_literals;
using std::chrono::milliseconds;

constexpr auto settling_time = 6h;            // after the last fault, for everything to arrive
constexpr std::uint64_t later_salt = 101705;  // the seeds recorded before there were later faults have none of them

// Mean time between faults of one kind; zero: this storm has none of them.
struct Weather {
    milliseconds gateway_crash{}, gateway_power{}, gateway_disk{}, gateway_slow{}, gateway_network{}, wall_clock{}, older_disk{};
    milliseconds centre_crash{}, centre_power{}, centre_disk{}, centre_slow{}, centre_network{}, older_centre{};
    milliseconds broker_restart{}, broker_habits{}, broker_forbids{};
    milliseconds cable{}, share{};
    milliseconds clone{}, rehearsal{}, adapter_power{};

    template <class Each>
    void each(Each each) {
        each("gateway crashes", gateway_crash, 5h);
        each("gateway power cuts", gateway_power, 8h);
        each("gateway disk faults", gateway_disk, 8h);
        each("gateway slow disks", gateway_slow, 10h);
        each("gateway network faults", gateway_network, 4h);
        each("wall clock steps", wall_clock, 12h);
        each("older gateway disks", older_disk, 60h);
        each("centre crashes", centre_crash, 6h);
        each("centre power cuts", centre_power, 10h);
        each("centre disk faults", centre_disk, 10h);
        each("centre slow disks", centre_slow, 12h);
        each("centre network faults", centre_network, 6h);
        each("older centre disks", older_centre, 40h);
        each("broker restarts", broker_restart, 8h);
        each("broker habits", broker_habits, 12h);
        each("broker refusals", broker_forbids, 24h);
        each("cables pulled", cable, 5h);
        each("shares away", share, 10h);
    }
    // Came later, and has dice of its own: a seed from before keeps its story unless it has one of these.
    template <class Each>
    void each_later(Each each) {
        each("cloned gateways", clone, 60h);
        each("rehearsals", rehearsal, 6h);
        each("an adapter that loses power", adapter_power, 3h);
    }
};

class Storm {
 public:
    Storm(StormOptions const& options, std::filesystem::path const& folder)
        : options_(options), world_(options.seed, folder), later_dice_(options.seed ^ later_salt) {
        world_.listener = options.listener;
        auto const drawn_from = [this](sim::SeededEntropy& dice, std::uint64_t one_in) {
            return [this, &dice, one_in](char const* name, milliseconds& mean, std::chrono::hours usual) {
                if (!dice.one_in(one_in)) return;
                mean = usual / (1 + dice.below(3));
                result_.weather += (result_.weather.empty() ? "" : ", ") + std::string{name};
            };
        };
        weather_.each(drawn_from(dice(), 2));
        weather_.each_later(drawn_from(later_dice_, 3));
        build();
    }

    StormResult run() {
        world_.centre->start();
        for (auto const& gateway : world_.gateways) gateway->start_after(milliseconds(dice().below(60'000)));
        schedule_load();
        schedule_faults();
        end_ = world_.now() + std::chrono::hours(options_.hours);
        world_.run_until(end_);
        calm_down();
        Clock::Instant const limit = world_.now() + settling_time;
        bool const drained = world_.run_until_true(
            [this] {
                return std::all_of(world_.gateways.begin(), world_.gateways.end(), [](auto const& gateway) {
                    return gateway->drained() && std::none_of(gateway->instruments.begin(), gateway->instruments.end(),
                                                              [](auto const& instrument) { return instrument->measuring(); });
                });
            },
            limit);
        world_.run_until(world_.now() + 1h);  // what is on its way arrives; folders are looked at once more
        conclude(drained);
        return std::move(result_);
    }

 private:
    sim::SeededEntropy& dice() { return world_.dice; }
    // From a minute to four times the mean, as likely as not below it.
    milliseconds gap(milliseconds mean) { return mean / 10 + milliseconds(dice().below(static_cast<std::uint64_t>(2 * mean.count()))); }
    milliseconds from_to(milliseconds least, milliseconds most) {
        // Short ones more often than long ones.
        auto const span = static_cast<std::uint64_t>((most - least).count());
        return least + milliseconds(std::min(dice().below(span + 1), dice().below(span + 1)));
    }
    bool stormy() const { return world_.now() < end_; }

    void build() {
        constexpr char const* sites[] = {"paris", "lyon", "marseille", "london", "leeds"};
        std::size_t const count = 3 + dice().below(3);
        for (std::size_t i = 0; i < count; ++i) {
            auto& gateway = *world_.gateways.emplace_back(std::make_unique<GatewayMachine>(world_, sites[i], "gw1", dice().next()));
            add_instruments(gateway, "");
            auto const kind = (options_.seed + i) % Cabled::kinds;
            constexpr char const* names[] = {"analyser-a", "analyser-h", "reader-b", "reader-m"};
            gateway.instruments.push_back(
                std::make_unique<Cabled>(gateway.bench, names[kind], static_cast<Cabled::Kind>(kind), later_dice_.next()));
            ++result_.instruments;
            if (i == 0 && weather_.adapter_power != 0ms) {
                gateway.instruments.push_back(std::make_unique<AdaptedLine>(gateway.bench, "analyser", later_dice_.next()));
                ++result_.instruments;
            }
        }
        auto& one = *world_.gateways[options_.seed % count];
        one.instruments.push_back(std::make_unique<Sampler>(one.bench, "sampler", later_dice_.next()));
        ++result_.instruments;
        result_.gateways = count;
    }

    void add_instruments(GatewayMachine& gateway, std::string const& suffix) {
        auto& all = gateway.instruments;
        all.push_back(std::make_unique<AnsweredLine>(gateway.bench, "counter" + suffix));
        all.push_back(std::make_unique<UnansweredLine>(gateway.bench, "printer" + suffix));
        all.push_back(std::make_unique<ExportFolder>(gateway.bench, "exports" + suffix));
        all.push_back(std::make_unique<PlateReader>(gateway.bench, "reader" + suffix, dice().next()));
        result_.instruments += all.size();
    }

    // Again and again, each time after a gap of its own, while the storm lasts.
    void repeat(milliseconds mean, std::function<void()> what) {
        if (mean == 0ms) return;
        world_.timeline->after(gap(mean), [this, mean, what = std::move(what)] {
            if (!stormy()) return;
            what();
            repeat(mean, what);
        });
    }
    void later(milliseconds span, std::function<void()> what) { world_.timeline->after(span, std::move(what)); }

    void schedule_load() {
        for (auto const& gateway : world_.gateways) load(*gateway);
    }
    void load(GatewayMachine& machine) {
        for (auto const& instrument : machine.instruments) {
            bool const lines = !dynamic_cast<ExportFolder*>(instrument.get()) && !instrument->startable();
            repeat(lines ? 90min : 4h, [one = instrument.get()] { one->measure(); });
        }
        repeat(6h, [&machine] { machine.press_start(); });
    }

    void schedule_faults() {
        for (auto const& gateway : world_.gateways) {
            GatewayMachine* const machine = gateway.get();
            repeat(weather_.gateway_crash, [=, this] { crash(*machine); });
            repeat(weather_.gateway_power, [=, this] { cut_power(*machine); });
            repeat(weather_.gateway_disk, [=, this] { spoil_disk(*machine); });
            repeat(weather_.gateway_slow, [=, this] { slow_disk(*machine, world_.now() + from_to(1s, 1h)); });
            repeat(weather_.gateway_network, [=, this] { spoil_network(machine->client_id()); });
            repeat(weather_.wall_clock, [=, this] { step_wall_clock(*machine); });
            repeat(weather_.older_disk, [=, this] { older_disk(*machine, 8h, [=, this] { gateway_restored(*machine); }); });
            for (auto const& instrument : machine->instruments) {
                Instrument* const one = instrument.get();
                if (auto* const adapted = dynamic_cast<AdaptedLine*>(one))
                    repeat(weather_.adapter_power, [=, this] {
                        world_.mark(machine->name(), 'A');
                        adapted->cut_power(from_to(1s, 2h));
                    });
                if (auto* const exports = dynamic_cast<ExportFolder*>(one))
                    repeat(weather_.share, [=, this] {
                        exports->hide(true);
                        later(from_to(1s, 2h), [=] { exports->hide(false); });
                    });
                else
                    repeat(weather_.cable, [=, this] {
                        ++machine->troubles;
                        world_.announce_broken_reads();
                        world_.mark(machine->name(), 'C');
                        one->set_away(true);
                        later(from_to(1s, 2h), [=] { one->set_away(false); });
                    });
            }
        }
        Machine& centre = *world_.centre;
        repeat(weather_.centre_crash, [&centre, this] { crash(centre); });
        repeat(weather_.centre_power, [&centre, this] { cut_power(centre); });
        repeat(weather_.centre_disk, [&centre, this] { spoil_disk(centre); });
        repeat(weather_.centre_slow, [&centre, this] { slow_disk(centre, world_.now() + from_to(1s, 1h)); });
        repeat(weather_.centre_network, [this] { spoil_network(CentreMachine::client_id); });
        repeat(weather_.older_centre, [&centre, this] { older_disk(centre, 12h, [] {}); });
        repeat(weather_.broker_restart, [this] { restart_broker(); });
        repeat(weather_.broker_habits, [this] { change_habits(); });
        repeat(weather_.broker_forbids, [this] {
            milliseconds const span = from_to(1s, 30min);
            world_.tell("broker: refuses all records");
            world_.mark("broker", 'R');
            world_.announce("link.state_changed state=not_authorised", world_.now() + span + 1min);
            world_.announce("link.publish_forbidden", world_.now() + span + 1min);
            world_.broker.forbids = true;
            later(span, [this] { world_.broker.forbids = false; });
        });
        for (auto const& gateway : world_.gateways) {
            GatewayMachine* const machine = gateway.get();
            repeat(weather_.clone, [=, this] { clone(*machine); });
            repeat(weather_.rehearsal, [=, this] { rehearse(*machine); });
        }
    }

    // At any turn of its loop from now on, soon.
    void crash(Machine& machine) {
        if (sim::Process* const process = machine.process()) process->kill_after = 1 + dice().below(dice().one_in(2) ? 20 : 400);
    }
    void cut_power(Machine& machine) {
        if (dice().one_in(3))
            machine.die(Death::power, from_to(5s, 3h));
        else
            machine.disk.arm(1 + dice().below(30), sim::Disk::How::power_cut);  // in the middle of a write or before a sync
    }
    void spoil_disk(Machine& machine) {
        if (machine.disk.misbehaves()) return;
        ++machine.troubles;
        std::uint64_t const kind = dice().below(4);
        world_.mark(machine.name(), 'D');
        world_.tell(fmt::format("{}: {}", machine.name(),
                                kind == 0   ? "the disk is full"
                                : kind == 1 ? "another process holds the database"
                                : kind == 2 ? "the disk gives errors"
                                            : "the disk fails altogether"));
        if (kind == 0) machine.disk.set_full(true);
        if (kind == 1) machine.disk.set_locked(true);
        if (kind == 2) machine.disk.set_errors_one_in(2 + dice().below(20));
        if (kind == 3) machine.disk.set_errors_one_in(1);
        milliseconds const span = from_to(1s, 10min);
        world_.announce(&machine == world_.centre.get() ? "store.failed" : "outbox.not_writable", world_.now() + span + 10s);
        world_.announce("outbox.lost", world_.now() + span + 10s);  // another outbox could not be put in place of the forked one
        later(span, [&machine, this] {
            ++machine.troubles;
            machine.disk.set_full(false);
            machine.disk.set_locked(false);
            machine.disk.set_errors_one_in(0);
            world_.tell(machine.name() + ": the disk is well again");
        });
    }
    void slow_disk(Machine& machine, Clock::Instant until) {
        ++machine.troubles;
        if (world_.now() >= until || !stormy()) return;
        milliseconds const pause = from_to(1ms, 8s);
        if (sim::Process* const process = machine.process()) process->store_free = world_.now() + pause;
        later(pause + milliseconds(dice().below(1'000)), [&machine, until, this] { slow_disk(machine, until); });
    }
    void spoil_network(std::string const& client) {
        world_.mark(client, 'N');
        switch (dice().below(3)) {
            case 0: world_.tell(client + ": its connection was reset"); return world_.broker.drop(client);
            case 1: world_.tell(client + ": its connection is dead without a word"); return world_.broker.blackhole(client);
            default:
                world_.tell(client + ": has no network");
                world_.broker.isolate(client, true);
                later(from_to(1s, 4h), [client, this] {
                    world_.broker.isolate(client, false);
                    world_.tell(client + ": has a network again");
                });
        }
    }
    void step_wall_clock(GatewayMachine& machine) {
        milliseconds const step = (dice().one_in(2) ? 1 : -1) * from_to(1s, 40h);
        machine.wall_offset += step;
        if (sim::Process* const process = machine.process()) process->clock.step_utc(step);
        world_.mark(machine.name(), 'T');
        world_.tell(fmt::format("{}: its wall clock stepped by {} s", machine.name(), step / 1s));
    }
    // A person restores a machine from an image made within `longest` before.
    void older_disk(Machine& machine, milliseconds longest, std::function<void()> restored) {
        if (machine.disk.misbehaves()) return;
        machine.keep_copy();
        later(from_to(1min, longest), [&machine, restored = std::move(restored), this] {
            if (!stormy()) return;
            machine.die(Death::crash, 1h);
            if (!machine.put_copy_back()) return;
            restored();
            machine.start_after(from_to(1s, 10min));
        });
    }
    // What the gateway took since is gone, and what it sent since was never sent by it.
    void gateway_restored(GatewayMachine const& machine) {
        world_.truth.doubt(machine.bench.site, machine.bench.gateway, machine.copied());
        for (char const* const event : {"link.state_changed state=centre_disagrees", "link.centre_disagrees", "outbox.forked",
                                        "stream.forked", "stream.chain_broken"})
            world_.announce(event, Clock::Instant::max());
    }
    // A second machine is set up from this one's disk, with instruments of its own, and nobody gives it an id of its own for a while.
    void clone(GatewayMachine& original) {
        if (original.disk.misbehaves() || clones_.contains(original.name())) return;
        std::string const name = original.name() + "-clone";
        clones_.insert(name);
        clones_.insert(original.name());
        auto& twin = *world_.gateways.emplace_back(
            std::make_unique<GatewayMachine>(world_, original.bench.site, original.bench.gateway, dice().next(), name));
        std::filesystem::remove_all(name);
        twin.clone_disk_of(original);
        world_.mark(original.name(), 'W');
        for (char const* const event : {"link.state_changed state=taken_over", "link.state_changed state=centre_disagrees",
                                        "link.centre_disagrees", "outbox.forked", "stream.forked", "stream.chain_broken"})
            world_.announce(event, Clock::Instant::max());
        add_instruments(twin, "-clone");
        load(twin);
        twin.start_after(from_to(1s, 10min));
        later(from_to(10min, 12h), [&twin, this] { give_own_id(twin); });
    }
    void give_own_id(GatewayMachine& twin) {
        if (twin.client_id() != original_id(twin)) return;
        if (dice().one_in(2))
            twin.give_name("gw2");
        else
            twin.give_client_id(twin.name());
        world_.tell(twin.name() + ": its client id is now " + twin.client_id());
        twin.die(Death::crash, 1s);
    }
    static std::string original_id(GatewayMachine const& twin) { return twin.bench.site + '-' + twin.bench.gateway; }
    void rehearse(GatewayMachine& machine) {
        Gateway* const gateway = machine.gateway();
        if (!gateway) return;
        milliseconds const length = from_to(rehearsal_min, rehearsal_max);
        auto const begun = gateway->rehearse(length, "storm");
        if (!begun) return world_.tell(machine.name() + ": no rehearsal: " + begun.error().message);
        world_.mark(machine.name(), 'U');
        if (dice().one_in(3))
            later(from_to(1s, length), [&machine] {
                if (Gateway* const still = machine.gateway()) still->end_rehearsal("storm");
            });
    }
    void restart_broker() {
        if (!world_.broker.up()) return;
        world_.tell("broker: stopped");
        world_.mark("broker", 'K');
        world_.broker.stop();
        later(from_to(100ms, 3h), [this] {
            if (world_.broker.up()) return;  // the storm was over before
            world_.broker.start(dice().one_in(2));
            world_.tell("broker: started");
        });
    }
    void change_habits() {
        sim::Broker::Habits habits;
        if (dice().one_in(2)) habits.forgets_one_in = 5 + dice().below(100);
        if (dice().one_in(2)) habits.repeats_one_in = 2 + dice().below(50);
        if (dice().one_in(2)) habits.keeps_puback_one_in = 10 + dice().below(200);
        world_.broker.habits = habits;
        world_.mark("broker", 'H');
        later(from_to(1min, 2h), [this] { world_.broker.habits = {}; });
    }

    void calm_down() {
        world_.tell("the storm is over");
        world_.broker.habits = {};
        world_.broker.forbids = false;
        if (!world_.broker.up()) world_.broker.start(false);
        world_.broker.isolate(CentreMachine::client_id, false);
        calm(*world_.centre);
        for (auto const& gateway : world_.gateways) {
            world_.broker.isolate(gateway->client_id(), false);
            if (clones_.contains(gateway->name()) && gateway->name().ends_with("-clone")) give_own_id(*gateway);
            calm(*gateway);
            for (auto const& instrument : gateway->instruments) {
                instrument->set_away(false);
                instrument->calm();
            }
        }
    }
    static void calm(Machine& machine) {
        machine.disk.disarm();
        machine.disk.set_full(false);
        machine.disk.set_locked(false);
        machine.disk.set_errors_one_in(0);
        if (!machine.process()) machine.start_after(1s);
    }

    void conclude(bool drained) {
        result_.seed = options_.seed;
        result_.turns = world_.turns();
        result_.timeline = timeline_of(world_.marks(), std::chrono::hours(options_.hours));
        for (auto const& gateway : world_.gateways) {
            result_.deaths += gateway->boots - 1;
            result_.sectors_lost += gateway->disk.sectors_lost();
            if (Gateway const* const running = gateway->gateway(); running && json::string_of(running->rehearsal(), "phase") == "away")
                result_.faults.push_back(gateway->name() + ": a rehearsal has not ended");
            if (!drained && !gateway->drained()) {
                std::string waiting;
                for (auto const& instrument : gateway->instruments)
                    if (!instrument->done()) waiting += ' ' + instrument->id();
                result_.faults.push_back(fmt::format(
                    "{}: not empty {} h after the last fault: {} records wait, instruments that wait:{}", gateway->name(),
                    settling_time / 1h, gateway->gateway() ? gateway->gateway()->waiting() : 0, waiting.empty() ? " none" : waiting));
            }
        }
        result_.deaths += world_.centre->boots - 1;
        result_.sectors_lost += world_.centre->disk.sectors_lost();
        for (std::string& line : world_.faults()) result_.faults.push_back(std::move(line));
        world_.centre->end(Death::crash);
        Verdict const verdict = judge(world_.truth, world_.now() - world_.age(), world_.centre->database());
        result_.faults.insert(result_.faults.end(), verdict.faults.begin(), verdict.faults.end());
        result_.records = verdict.records;
        result_.measured = verdict.compared;
        result_.owed = verdict.owed;
        result_.absent = verdict.absent;
        result_.events.assign(world_.events().begin(), world_.events().end());
    }

    StormOptions options_;
    StormResult result_;
    World world_;
    Weather weather_;
    sim::SeededEntropy later_dice_;
    std::set<std::string> clones_;  // and those that have one
    Clock::Instant end_{};
};
}  // namespace

StormResult run_storm(StormOptions const& options, std::filesystem::path const& folder) { return Storm{options, folder}.run(); }

}  // namespace marrowlink::storm
