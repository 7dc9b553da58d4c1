#include "world.hpp"

#include <fmt/format.h>
#include <sqlite3.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "core/log.hpp"
#include "gateway/ports.hpp"
#include "io/adapter_transport.hpp"

namespace marrowlink::storm {
namespace {
namespace asio = boost::asio;
using namespace std::chrono_literals;
constexpr std::size_t events_kept = 200;
constexpr auto restart_time = 2s;  // the service manager's

// The near end of an instrument's cable.
class Socket final : public TransportFactory {
 public:
    Socket(Clock& clock, Instrument& instrument) : clock_(clock), instrument_(instrument) {}
    Task<Result<std::unique_ptr<Transport>>> open() override {
        if (instrument_.away()) co_return fail(Fault::unavailable, "Nothing is plugged in there.");
        auto ends = sim::MemoryTransport::connect(clock_);
        std::unique_ptr<Transport> near = std::move(ends.near);
        instrument_.plugged(std::move(ends.far));
        co_return near;
    }
    std::string name() const override { return instrument_.id(); }

 private:
    Clock& clock_;
    Instrument& instrument_;
};

sim::SimulatedUplink::Options gateway_link(std::string const& site, std::string const& gateway, std::string const& client_id) {
    sim::SimulatedUplink::Options options;
    options.client_id = client_id;
    options.subscriptions = gateway_subscriptions(site, gateway);
    options.will = gateway_will(site, gateway);
    return options;
}

sim::SimulatedUplink::Options centre_link() {
    sim::SimulatedUplink::Options options;
    options.client_id = CentreMachine::client_id;
    options.subscriptions = central::subscriptions();
    options.will = central::centre_will();
    return options;
}
}  // namespace

Machine::Machine(World& world, std::string name, std::uint64_t seed) : disk(name, seed), world_(world), name_(std::move(name)) {
    std::filesystem::create_directory(name_);
}

Clock::Utc Machine::utc() const { return sim::default_utc + world_.age() + wall_offset; }

void Machine::start_after(std::chrono::milliseconds span) {
    world_.timeline->after(span, [this, asked = ++start_asked_] {
        if (asked != start_asked_ || process()) return;
        if (!start()) start_after(restart_time);
    });
}

void Machine::die(Death death, std::chrono::milliseconds off_for) {
    ++troubles;
    world_.announce_broken_reads();
    if (process()) {
        disk.kill();
        end(death);
        disk.revive(death == Death::power);
        world_.mark(name_, death == Death::power ? 'P' : 'K');
        world_.tell(fmt::format("{}: {}; starts again in {:.1f} s", name_, death == Death::power ? "the power went" : "was killed",
                                std::chrono::duration<double>(off_for).count()));
    }
    start_after(off_for);
}

void Machine::keep_copy() {
    std::filesystem::remove_all(name_ + ".copy");
    std::filesystem::copy(name_, name_ + ".copy", std::filesystem::copy_options::recursive);
    copied_ = world_.now();
    world_.tell(name_ + ": its disk was copied");
}

bool Machine::put_copy_back() {
    if (copied_ == Clock::Instant{}) return false;
    std::filesystem::remove_all(name_);
    std::filesystem::copy(name_ + ".copy", name_, std::filesystem::copy_options::recursive);
    disk.revive(false);
    world_.mark(name_, 'O');
    world_.tell(name_ + ": an older copy of its disk was put back");
    return true;
}

void Machine::clone_disk_of(Machine const& other) {
    std::filesystem::copy(other.name_, name_, std::filesystem::copy_options::recursive);
    world_.tell(fmt::format("{}: made from a copy of the disk of {}", name_, other.name_));
}

GatewayMachine::GatewayMachine(World& world, std::string site, std::string gateway, std::uint64_t seed, std::string name)
    : Machine(world, name.empty() ? site + '-' + gateway : std::move(name), seed),
      bench{site,
            gateway,
            world.outside,
            world.timeline,
            world.dice,
            world.truth,
            [this] {
                if (disk.misbehaves() || (life_ && life_->process.store_free > world_.now())) ++troubles;
                return troubles;
            }},
      site_(std::move(site)),
      gateway_(std::move(gateway)),
      client_id_(site_ + '-' + gateway_) {}

Instrument* GatewayMachine::find(std::string const& id) const {
    for (auto const& instrument : instruments)
        if (instrument->id() == id) return instrument.get();
    return nullptr;
}

Config GatewayMachine::config() const {
    Config config;
    config.site = site_;
    config.gateway = gateway_;
    config.outbox.directory = name_;
    config.outbox.budget_bytes = budget_bytes;
    config.broker.host = "broker";
    for (auto const& instrument : instruments) config.instruments.push_back(instrument->config());
    return config;
}

GatewayMachine::Life::Life(World& world, GatewayMachine& machine)
    : process(machine.name_, world.timeline, machine.utc()),
      entropy(world.dice.next()),
      uplink(world.broker, process, gateway_link(machine.site_, machine.gateway_, machine.client_id_)),
      plans{process.loop.get_executor(),
            process.clock,
            [this](std::string instrument, std::string sha256) { return gateway->run_of_taken(std::move(instrument), std::move(sha256)); },
            [this, &machine](InstrumentLine const& line) -> std::unique_ptr<TransportFactory> {
                Instrument* const instrument = machine.find(line.instrument);
                if (sim::ModbusLine* const bus = instrument->bus())
                    return std::make_unique<AdapterLine>(std::make_shared<sim::ModbusLineEnd>(*bus, process.clock),
                                                         adapter_place(line, machine.site_, machine.gateway_), process.clock, entropy);
                return std::make_unique<Socket>(process.clock, *instrument);
            },
            [&machine](FolderConfig const& config) { return machine.find(config.path.string())->folder(); },
            [this, &machine](ModbusPlace const& place) {
                Instrument* const instrument = machine.find(std::get<ModbusSerial>(place).path);
                return std::make_shared<sim::ModbusLineEnd>(*instrument->bus(), process.clock);
            }} {}

bool GatewayMachine::start() {
    ++boots;
    ++troubles;
    life_ = std::make_unique<Life>(world_, *this);
    Life& life = *life_;
    OutboxPlace place;
    place.directory = name_;
    place.site = site_;
    place.gateway = gateway_;
    place.limits.budget_bytes = budget_bytes;
    place.boot_id = fmt::format("{}-{}", name_, boots);
    place.vfs = disk.name();
    auto opened = OutboxDirectory::open(place, life.entropy, life.process.clock);
    if (!opened) {
        world_.tell(fmt::format("{}: could not start: {}", name_, opened.error().message));
        bool const power = disk.dead();
        end(Death::crash);
        disk.revive(power);
        return false;
    }
    GatewayParts parts{life.process.clock,
                       life.entropy,
                       life.process.loop.get_executor(),
                       life.process.store.get_executor(),
                       life.uplink,
                       [&life](InstrumentConfig const& instrument) { return plan_for(instrument, life.plans); },
                       place.boot_id,
                       [&life] { life.process.gave_up = true; }};
    life.gateway = std::make_unique<Gateway>(std::move(parts), config(), std::move(*opened));
    life.gateway->start();
    return true;
}

void GatewayMachine::end(Death death) {
    if (!life_) return;
    disk.kill();
    for (auto const& instrument : instruments) instrument->unplug();
    life_->uplink.kill(death == Death::power);
    life_->process.end();
    life_.reset();
}

bool GatewayMachine::drained() const {
    if (!life_ || !life_->gateway || life_->gateway->waiting() > 0) return false;
    for (auto const& instrument : instruments)
        if (!instrument->done()) return false;
    return true;
}

void GatewayMachine::press_start() {
    if (!life_) return;
    std::vector<Instrument*> readers;
    for (auto const& instrument : instruments)
        if (instrument->startable()) readers.push_back(instrument.get());
    if (readers.empty()) return;
    std::string const reader = readers[world_.dice.below(readers.size())]->id();
    std::string const plate = fmt::format("{}-P{}", name_, ++plates_);
    asio::co_spawn(
        life_->process.loop,
        [this, reader, plate]() -> Task<void> {
            Gateway& gateway = *life_->gateway;
            auto const run = co_await gateway.start(reader, plate);
            if (!run) co_return;
            world_.truth.plate(*run, plate);
            world_.tell(fmt::format("{}: plate {} was started on {}", name_, plate, reader));
            if (!world_.dice.one_in(4)) co_return;
            std::string const other = plate + "-corrected";
            world_.truth.plate(*run, other);
            co_await gateway.label(*run, other, "somebody", "typed wrongly");
        },
        asio::detached);
}

CentreMachine::CentreMachine(World& world, std::uint64_t seed) : Machine(world, "centre", seed) {}

CentreMachine::Life::Life(World& world, CentreMachine& machine)
    : process("centre", world.timeline, machine.utc()), uplink(world.broker, process, centre_link()) {}

bool CentreMachine::start() {
    ++boots;
    life_ = std::make_unique<Life>(world_, *this);
    auto opened = central::Intake::open(database(), disk.name());
    if (!opened) {
        world_.tell(fmt::format("centre: could not start: {}", opened.error().message));
        bool const power = disk.dead();
        end(Death::crash);
        disk.revive(power);
        return false;
    }
    life_->intake = std::move(*opened);
    central::IngestLimits limits;
    limits.evaluation_look = 1min;  // no command works beside it here, and each second these looks were a tenth of a storm
    life_->ingest = std::make_unique<central::Ingest>(life_->uplink, life_->process.loop.get_executor(),
                                                      life_->process.store.get_executor(), life_->process.clock, *life_->intake, limits);
    life_->ingest->start();
    return true;
}

void CentreMachine::end(Death death) {
    if (!life_) return;
    disk.kill();
    life_->uplink.kill(death == Death::power);
    life_->process.end();
    life_.reset();
}

World* World::current_ = nullptr;

World::World(std::uint64_t seed, std::filesystem::path const& folder)
    : dice(seed), outside("outside", timeline, sim::default_utc), broker(*timeline, dice), began_(timeline->now()) {
    std::filesystem::remove_all(folder);
    std::filesystem::create_directories(folder);
    std::filesystem::current_path(folder);
    sqlite3_test_control(SQLITE_TESTCTRL_PRNG_SEED, static_cast<int>(seed & 0x7FFFFFFF) | 1, nullptr);
    current_ = this;
    log::set_sink([](log::Level level, std::string_view line) { current_->hear(level, line); });
    centre = std::make_unique<CentreMachine>(*this, dice.next());
}

std::vector<std::string> World::faults() const {
    std::vector<std::string> out;
    for (std::string const& line : surprises_) out.push_back("an error nobody announced: " + line);
    for (std::string const& line : broker.violations()) out.push_back("protocol: " + line);
    return out;
}

World::~World() {
    for (auto const& gateway : gateways) gateway->end(Death::crash);
    centre->end(Death::crash);
    outside.end();
    current_ = nullptr;
    log::set_sink(nullptr);
    std::error_code ignored;
    std::filesystem::current_path("/", ignored);  // its folder may be removed now
}

void World::tell(std::string text) {
    std::string line = clock_text(age()) + ' ' + text;
    if (listener) listener(line);
    events_.push_back(std::move(line));
    if (events_.size() > events_kept) events_.pop_front();
}

void World::mark(std::string const& who, char what) { marks_.push_back({age(), who, what}); }

void World::announce_broken_reads() {
    for (char const* const event : {"spectramax.run.aborted", "biorad.run.aborted", "biotek.plate.unreadable"}) announce(event, now() + 8h);
}

void World::announce(std::string beginning, Clock::Instant until) {
    auto& known = announced_[std::move(beginning)];
    known = std::max(known, until);
}

void World::hear(log::Level level, std::string_view line) {
    std::string const who = running_ ? running_->name() : "outside";
    tell(fmt::format("{}: {}", who, line));
    // Without power nobody reads what a program would still have said.
    if (level != log::Level::error || (running_ && running_->disk.dead())) return;
    auto const at = line.find("event=") + 6;
    std::string_view const event = line.substr(at);
    for (auto const& [beginning, until] : announced_)
        if (event.starts_with(beginning) && now() <= until) return;
    surprises_.push_back(events_.back());
}

bool World::turn(Machine& machine) {
    sim::Process* const process = machine.process();
    if (!process) return false;
    running_ = &machine;
    bool ran = process->loop.turn();
    // The store is a thread of its own: how far it has got beside the loop is chance.
    if (process->store_free <= now() && (!ran || dice.one_in(2))) ran = process->store.turn() || ran;
    running_ = nullptr;
    if (!ran) return false;
    ++turns_;
    if (machine.disk.dead())
        machine.die(Death::power, restart_time + std::chrono::milliseconds(dice.below(60'000)));
    else if (process->gave_up)
        machine.die(Death::crash, restart_time);
    else if (process->kill_after != 0 && --process->kill_after == 0)
        machine.die(Death::crash, restart_time);
    return true;
}

bool World::turn() {
    bool any = outside.loop.turn();
    std::size_t const first = dice.below(gateways.size() + 1);
    for (std::size_t i = 0; i <= gateways.size(); ++i) {
        std::size_t const which = (first + i) % (gateways.size() + 1);
        Machine& machine = which == gateways.size() ? static_cast<Machine&>(*centre) : *gateways[which];
        any = turn(machine) || any;
    }
    return any;
}

void World::run_until(Clock::Instant limit) {
    do {
        while (turn()) {
        }
    } while (timeline->jump(limit));
    timeline->pass(limit);
}

bool World::run_until_true(std::function<bool()> const& done, Clock::Instant limit) {
    for (;;) {
        if (done()) return true;
        if (now() >= limit) return false;
        run_until(std::min(limit, now() + 10s));
    }
}

}  // namespace marrowlink::storm
