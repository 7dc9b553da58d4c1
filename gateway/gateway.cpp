#include "gateway/gateway.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/multiple_exceptions.hpp>
#include <boost/asio/post.hpp>

#include "core/log.hpp"
#include "gateway/alarms.hpp"
#include "gateway/certificate_view.hpp"
#include "gateway/run_view.hpp"

namespace marrowlink {
namespace {
namespace asio = boost::asio;
constexpr std::chrono::minutes housekeeping_period{1};
constexpr std::size_t prune_batch = 2'000;
constexpr std::chrono::seconds follow_period{1};

// Cancellation is how an instrument ends; anything else is a broken invariant and must not pass unseen.
void rethrow_unless_cancelled(std::exception_ptr const& failure) {
    try {
        std::rethrow_exception(failure);
    } catch (boost::system::system_error const& error) {
        if (error.code() != asio::error::operation_aborted) throw;
    } catch (asio::multiple_exceptions const& several) {  // of two things awaited at once
        rethrow_unless_cancelled(several.first_exception());
    }
}

ForwarderLimits forwarder_limits(Config const& config) {
    ForwarderLimits limits;
    limits.records = config.window.records;
    limits.bytes = config.window.bytes;
    return limits;
}
}  // namespace

Gateway::Gateway(GatewayParts parts, Config config, OpenedOutbox opened)
    : parts_(std::move(parts)), config_(std::move(config)), board_(parts_.clock, config_.site, config_.gateway) {
    outbox_ = std::make_unique<Outbox>(std::move(opened.store), parts_.clock, parts_.boot_id, parts_.loop, parts_.store);
    forwarder_ = std::make_unique<Forwarder>(parts_.uplink, parts_.clock, parts_.entropy, parts_.loop, config_.site, config_.gateway,
                                             forwarder_limits(config_), *this);
    auto const room = [this] {
        std::uint64_t free_bytes = 0;
        return this->room(free_bytes);
    };
    auto const audit = [this](std::string action, std::string who, std::string detail) {
        note("gateway", type::audit, {{"action", std::move(action)}, {"who", std::move(who)}, {"detail", std::move(detail)}});
    };
    rehearsal_ = std::make_unique<Rehearsal>(RehearsalParts{parts_.clock, parts_.loop, *forwarder_, *outbox_, board_, room, audit});
    board_.stream(outbox_->stream());
    board_.broker(fmt::format("{}:{}", config_.broker.host, config_.broker.port));
    board_.position(outbox_->position());
    outbox_->listen(this);
    forwarder_->add(*outbox_, true);
    adopt(std::move(opened));
}

Gateway::~Gateway() = default;

// Takes over what opening the outbox brought besides the outbox itself.
void Gateway::adopt(OpenedOutbox opened) {
    if (opened.directory) directory_ = std::move(opened.directory);
    for (SalvageState const& ended : opened.ended) forwarder_->remember(ended.stream, ended.last);
    for (std::unique_ptr<Salvage>& salvage : opened.salvages) {
        salvage->begin(*outbox_, *forwarder_, parts_.clock, parts_.loop);
        salvages_.push_back(std::move(salvage));
    }
    if (!opened.set_aside.empty() && board_.raise(alarms::outbox_set_aside(opened.set_aside)))
        log::error("outbox.set_aside", {{"reason", opened.set_aside}, {"stream", outbox_->stream()}});
}

void Gateway::start() {
    show_disk();
    // The store answers in the order in which it is asked, so nothing of an instrument is shown before this.
    asio::co_spawn(parts_.loop, start_link(), asio::detached);
    for (InstrumentConfig const& instrument : config_.instruments) run_instrument(instrument);
    asio::co_spawn(parts_.loop, housekeeping(), asio::bind_cancellation_slot(stop_housekeeping_.slot(), asio::detached));
    asio::co_spawn(parts_.loop, follow_drivers(), asio::bind_cancellation_slot(stop_following_.slot(), asio::detached));
    log::info("gateway.started", {{"site", config_.site},
                                  {"gateway", config_.gateway},
                                  {"stream", outbox_->stream()},
                                  {"appended", outbox_->position().appended},
                                  {"acknowledged", outbox_->position().acknowledged}});
}

// The centre repeats its answers when it hears of this gateway, and an answer finds only a run that is shown.
Task<void> Gateway::start_link() {
    co_await show_kept_runs();
    forwarder_->start();
}

// What the page showed before this start.
Task<void> Gateway::show_kept_runs() {
    std::function<Result<std::vector<KeptRun>>(OutboxStore&)> read = [](OutboxStore& store) { return latest_runs(store, runs_kept_max); };
    auto kept = co_await outbox_->ask(std::move(read));
    if (!kept) {
        log::warn("page.runs_not_read", {{"reason", kept.error().message}});
        co_return;
    }
    for (KeptRun& run : *kept) board_.restore(std::move(run));
}

void Gateway::stop_instruments() {
    rehearsal_->end(RehearsalEnd::stopping);
    for (Running& running : running_) running.cancel.emit(asio::cancellation_type::terminal);
    stop_housekeeping_.emit(asio::cancellation_type::terminal);
    stop_following_.emit(asio::cancellation_type::terminal);
}

bool Gateway::draining() const { return waiting() > 0 && forwarder_->status().state == LinkState::connected; }

void Gateway::stop_link() {
    forwarder_->stop();
    log::info("gateway.stopped", {{"appended", outbox_->position().appended}, {"acknowledged", outbox_->acknowledged()}});
}

void Gateway::run_instrument(InstrumentConfig const& config) {
    Running& running = running_.emplace_back();
    running.config = config;
    InstrumentPlan plan = parts_.plan(config);
    InstrumentCard& card = board_.instrument(config.id);
    card.title = config.title;
    card.driver = config.driver_name();
    card.port = plan.port;
    card.tried_on_hardware = plan.tried_on_hardware;
    card.commandable = plan.commandable;
    card.due = config.silent_after;
    running.followed = plan.followed;
    card.state = plan.transport || plan.on_bus ? InstrumentState::waiting_for_port : InstrumentState::watching;
    running.instrument = std::make_shared<Instrument>(std::move(plan), *outbox_, parts_.clock, parts_.entropy, *this);
    auto const over = [this, &running, alive = std::weak_ptr(alive_)](std::exception_ptr failure) {
        if (failure) rethrow_unless_cancelled(failure);
        if (!alive.expired())
            asio::post(parts_.loop, [this, &running, alive] {
                if (!alive.expired()) ended_.remove_if([&](Running const& one) { return &one == &running; });
            });
    };
    asio::co_spawn(parts_.loop, running.instrument->run(), asio::bind_cancellation_slot(running.cancel.slot(), over));
}

void Gateway::reload(Config config) {
    std::vector<std::string> needs_restart;
    if (!(config.site == config_.site && config.gateway == config_.gateway)) needs_restart.push_back("site or gateway");
    if (!(config.outbox == config_.outbox)) needs_restart.push_back("[outbox]");
    if (!(config.broker == config_.broker)) needs_restart.push_back("[broker]");
    if (!(config.window == config_.window)) needs_restart.push_back("[window]");
    if (!(config.page == config_.page)) needs_restart.push_back("[page]");
    std::size_t changed = 0;
    for (auto running = running_.begin(); running != running_.end();) {
        auto const wanted = std::find(config.instruments.begin(), config.instruments.end(), running->config);
        if (wanted != config.instruments.end()) {
            ++running;
            continue;
        }
        ++changed;
        running->cancel.emit(asio::cancellation_type::terminal);
        board_.forget_instrument(running->config.id);
        ended_.splice(ended_.end(), running_, running++);
    }
    for (InstrumentConfig const& instrument : config.instruments) {
        if (find(instrument.id)) continue;
        ++changed;
        run_instrument(instrument);
    }
    config_.instruments = std::move(config.instruments);
    board_.clear("configuration.refused");
    if (needs_restart.empty())
        board_.clear("configuration.restart_needed");
    else
        board_.raise(alarms::restart_needed(fmt::format("{}", fmt::join(needs_restart, ", "))));
    log::info("configuration.reloaded",
              {{"instruments_changed", changed}, {"needs_restart", fmt::format("{}", fmt::join(needs_restart, ", "))}});
    note("gateway", type::audit, {{"action", "configuration.reloaded"}, {"detail", fmt::format("{} instruments changed", changed)}});
    forwarder_->reconnect_now();
}

void Gateway::reload_failed(Error const& error) {
    log::error("configuration.refused", {{"reason", error.message}, {"in_force", "the last good one"}});
    board_.raise(alarms::configuration_refused(error.message));
}

Task<Result<std::string>> Gateway::start(std::string instrument, std::string plate) {
    Running* const running = find(instrument);
    if (!running) co_return fail(Fault::usage, fmt::format("There is no instrument \"{}\" in the configuration.", instrument));
    auto const kept = running->instrument;  // a new configuration may take it away meanwhile
    auto run = co_await kept->start(plate, "page");
    if (run) note(instrument, type::audit, {{"action", "run.started"}, {"who", "page"}, {"detail", *run}});
    co_return run;
}

Task<Result<void>> Gateway::label(std::string run, std::string plate, std::string who, std::string why) {
    RunCard const* const known = board_.find_run(run);
    if (!known) co_return fail(Fault::usage, fmt::format("There is no run {} on this gateway's page.", run));
    Running* const running = find(known->instrument);
    std::function<Result<std::string>(OutboxStore&)> look_up = [run](OutboxStore& store) { return store.sourcekey_of_run(run); };
    auto const found = co_await outbox_->ask(std::move(look_up));
    if (!found) co_return fail(found.error());
    std::string const sourcekey = *found;
    RunIdentity const id{known->instrument, running ? running->config.driver_name() : "unknown", run, sourcekey};
    Draft const label = run_labelled(id, plate, who, why, random_uuid(parts_.entropy));
    Append append;
    append.drafts.push_back(label);
    auto const kept = co_await outbox_->append(std::move(append));
    if (!kept) co_return fail(kept.error());
    show_draft(board_, label, *kept);
    co_return Result<void>{};
}

Task<Result<std::vector<Reading>>> Gateway::readings(std::string run) {
    std::function<Result<std::vector<Record>>(OutboxStore&)> read = [run](OutboxStore& store) {
        return store.records_of_run(run, type::run_readings);
    };
    auto const records = co_await outbox_->ask(std::move(read));
    if (!records) co_return fail(records.error());
    if (records->empty())
        co_return fail(Fault::unavailable, fmt::format("The readings of run {} are no longer kept on this gateway.", run));
    std::vector<Reading> out;
    for (Record const& record : *records) append_readings(out, record.data);
    co_return out;
}

Task<Result<std::string>> Gateway::run_of_taken(std::string instrument, std::string sha256) {
    std::function<Result<std::string>(OutboxStore&)> look_up = [=](OutboxStore& store) { return store.run_of_taken(instrument, sha256); };
    return outbox_->ask(std::move(look_up));
}

void Gateway::on_position(OutboxPosition const& position) {
    board_.position(position);
    forwarder_->appended();
    rehearsal_->on_position();
}

void Gateway::on_trouble(Error const& error) {
    rehearsal_->end(RehearsalEnd::store);
    Alarm alarm = error.fault == Fault::full ? alarms::outbox_full(error.message) : alarms::outbox_cannot_write(error.message);
    DiskView disk;
    disk.state = error.fault == Fault::full ? DiskState::full : DiskState::failed;
    disk.detail = error.message;
    disk.budget_bytes = config_.outbox.budget_bytes;
    std::string const id = alarm.id;
    if (!board_.raise(std::move(alarm))) return;
    board_.disk(std::move(disk));
    log::error("outbox.not_writable", {{"reason", error.message}, {"consequence", "instruments are not acknowledged until this ends"}});
}

void Gateway::on_trouble_over() {
    bool const was = board_.clear("outbox.full");
    if (board_.clear("outbox.cannot_write") || was) log::info("outbox.writable_again", {});
    show_disk();
}

void Gateway::on_damaged(Error const& error) {
    rehearsal_->end(RehearsalEnd::store);
    asio::co_spawn(parts_.loop, begin_new_stream(std::nullopt, error), asio::detached);
}

Task<void> Gateway::begin_new_stream(std::optional<std::uint64_t> common, Error why) {
    if (std::exchange(renewing_, true)) co_return;
    std::string const before = outbox_->stream();
    forwarder_->remove(*outbox_);
    co_await outbox_->retire();
    auto opened = common ? directory_->fork(before, *common, why) : directory_->set_aside(before, why);
    if (!opened) {
        log::error("outbox.lost", {{"stream", before}, {"reason", opened.error().message}});
        parts_.give_up();
        co_return;
    }
    outbox_->replace(std::move(opened->store));
    renewing_ = false;
    board_.stream(outbox_->stream());
    forwarder_->add(*outbox_, true);
    // One that proved damaged on the way was set aside instead, and is salvaged.
    if (common && opened->salvages.empty()) {
        opened->set_aside.clear();
        if (board_.raise(alarms::outbox_forked(why.message)))
            log::error("outbox.forked", {{"stream", before}, {"common", *common}, {"continues", outbox_->stream()}});
    }
    adopt(std::move(*opened));
}

void Gateway::on_link(LinkStatus const& status) {
    board_.pubacked(status.pubacked);
    board_.counted(status.published, status.repeated);
    alarms::follow_link(board_, status);
    bool const was_up = std::exchange(link_up_, status.state == LinkState::connected);
    if (!was_up || !link_up_) show_link();  // while all is well this is called for every acknowledgement
}

// Certificates are looked at whenever the link changes and once a minute. A link that was made before one ended goes on.
void Gateway::show_link() {
    LinkStatus const& status = forwarder_->status();
    CertificateView certificate;
    if (config_.broker.tls) certificate = certificate_view(*config_.broker.tls, parts_.clock.utc());
    board_.certificate_ends(certificate.ends);
    alarms::follow_certificate(board_, certificate, parts_.clock.utc());
    bool const unreached = status.state == LinkState::refused || status.state == LinkState::not_authorised;
    if (unreached && !certificate.problem.empty())
        board_.link(certificate.expired ? "certificate_expired" : to_string(status.state), certificate.problem + ' ' + status.detail);
    else
        board_.link(to_string(status.state), status.detail);
}

void Gateway::on_answer(json::object const& answer) {
    board_.answer(json::string_of(answer, "run"), json::string_of(answer, "state"), json::string_of(answer, "verdict"),
                  json::string_of(answer, "reason"));
    auto const* const quality = answer.if_contains("plate_quality");
    if (quality && quality->is_object())
        board_.plate_quality(json::string_of(answer, "run"), json::string_of(quality->get_object(), "verdict"),
                             json::string_of(quality->get_object(), "reason"));
}

void Gateway::on_disagreement(std::string const& stream, std::uint64_t through) {
    log::error("link.centre_disagrees", {{"stream", stream}, {"through", through}});
    // What the centre forgot and is no longer kept here cannot be helped by a new stream; records of its own under our ids can.
    if (stream != outbox_->stream() || forwarder_->status().forgotten > 0) return;
    std::uint64_t const common = std::min(outbox_->acknowledged(), through - std::min<std::uint64_t>(through, 1));
    Error const why{
        Fault::broken,
        fmt::format("Central holds other records than this gateway behind record {}: the outbox was cloned or restored.", common)};
    asio::co_spawn(parts_.loop, begin_new_stream(common, why), asio::detached);
}

void Gateway::on_forgotten(std::string const& stream, std::uint64_t through) {
    asio::co_spawn(parts_.loop, send_again(stream, through), asio::detached);
}

Task<void> Gateway::send_again(std::string stream, std::uint64_t through) {
    auto const under_way = [&] {
        return std::any_of(salvages_.begin(), salvages_.end(),
                           [&](auto const& one) { return one->stream() == stream && !one->finished(); });
    };
    if (under_way()) co_return;
    std::function<Result<std::vector<SalvageState>>(OutboxStore&)> look_up = [](OutboxStore& store) { return store.salvages(); };
    auto const known = co_await outbox_->ask(std::move(look_up));
    if (!known || under_way()) co_return;  // asked again at the next connection
    auto const ended = std::find_if(known->begin(), known->end(), [&](SalvageState const& one) { return one.stream == stream; });
    if (ended == known->end() || through >= ended->last) co_return;
    log::warn("link.centre_behind", {{"stream", stream}, {"central_has", through}, {"had", ended->last}});
    std::erase_if(salvages_, [&](auto const& one) { return one->stream() == stream; });
    salvages_.push_back(directory_->send_again(*ended, through));
    salvages_.back()->begin(*outbox_, *forwarder_, parts_.clock, parts_.loop);
}

void Gateway::on_instrument(std::string const& id, ConnectionStatus const& status) {
    Running* const running = find(id);
    if (!running) return;
    InstrumentCard& card = board_.instrument(id);
    InstrumentState const before = card.state;
    show_connection(card, status, running->instrument && running->instrument->driver() ? running->instrument->driver()->activity() : "");
    alarms::follow_instrument(board_, id, status);
    if (card.state != before) note(id, type::instrument_state, {{"state", to_string(card.state)}, {"detail", status.detail}});
}

void Gateway::on_heard(std::string const& id, Clock::Instant) { board_.heard(id); }

void Gateway::on_taken(TakenFile const& file) {
    RunCard& card = board_.run(file.run);
    card.title = file.name;
    card.files = {file.name};
}

void Gateway::on_stored(std::string const& id, std::vector<Draft> const& drafts, std::size_t messages, std::uint64_t through) {
    if (messages > 0) board_.instrument(id).messages += messages;
    for (Draft const& draft : drafts) show_draft(board_, draft, through);
}

// A fact about an instrument or the gateway itself, written down without waiting.
void Gateway::note(std::string instrument, std::string_view type, json::object data) {
    Append append;
    Draft& draft = append.drafts.emplace_back();
    draft.type = type;
    draft.part = random_uuid(parts_.entropy);
    draft.instrument = instrument;
    data["instrument"] = std::move(instrument);
    draft.data = json::serialize(data);
    asio::co_spawn(
        parts_.loop, [this, append = std::move(append)]() mutable -> Task<void> { co_await outbox_->append(std::move(append)); },
        asio::detached);
}

void Gateway::on_changed(std::string const& id) {
    if (Running* const running = find(id)) running->files_due = true;
    noticed_.announce();
}

// What a driver says of itself between its batches: doing, trouble, files it could not take. At most once a second, and only when there is
// news or seconds are counted in it.
Task<void> Gateway::follow_drivers() {
    for (;;) {
        auto const seen = noticed_.count();
        bool ticking = false;
        for (Running& running : running_) {
            Driver const* const driver = running.instrument->driver();
            if (!driver || !running.followed) continue;
            follow(running);
            ticking = ticking || driver->ticking();
        }
        if (!ticking) co_await noticed_.beyond(seen);
        co_await parts_.clock.sleep_for(follow_period);
    }
}

void Gateway::follow(Running& running) {
    Driver const& driver = *running.instrument->driver();
    std::string const& id = running.config.id;
    if (auto const heard = driver.heard()) board_.instrument(id).last_heard = heard;
    std::string activity = driver.activity();
    auto const trouble = driver.trouble();
    ConnectionStatus status = running.instrument->status();
    if (trouble) status.detail = trouble->message;
    if (activity != running.activity || status.detail != running.trouble) {
        running.activity = std::move(activity);
        running.trouble = status.detail;
        on_instrument(id, status);
    }
    if (std::exchange(running.files_due, false)) show_files(id, driver);
}

void Gateway::show_files(std::string const& id, Driver const& driver) {
    std::vector<FileNotice> notices;
    for (FileState& file : driver.files()) {
        Alarm const refused = alarms::file_not_taken(file, parts_.clock.now());
        if (refused.id.empty())
            board_.clear("file.not_taken", file.name);
        else
            board_.raise(refused);
        notices.push_back({std::move(file.name), file.standing, std::move(file.reason), file.since});
    }
    if (notices.empty() && files_shown_.erase(id) == 0) return;
    if (!notices.empty()) files_shown_.insert(id);
    board_.files(id, std::move(notices));
}

Task<void> Gateway::housekeeping() {
    for (;;) {
        co_await parts_.clock.sleep_for(housekeeping_period);
        for (Running& running : running_) {
            running.files_due = true;  // those that could not be taken become alarms by their age
            std::uint64_t const heard = board_.instrument(running.config.id).messages;
            if (heard == running.reported) continue;
            running.reported = heard;
            note(running.config.id, type::telemetry, {{"messages", heard}});
        }
        noticed_.announce();
        std::int64_t const now_ms = parts_.clock.utc().time_since_epoch().count();
        std::function<Result<std::uint64_t>(OutboxStore&)> prune = [now_ms](OutboxStore& store) {
            return store.prune(now_ms, prune_batch);
        };
        auto const pruned = co_await outbox_->ask(std::move(prune));
        if (pruned && *pruned > 0) log::info("outbox.pruned", {{"records", *pruned}});
        show_disk();
        show_link();
    }
}

void Gateway::show_disk() {
    usage_.note(parts_.clock.now(), outbox_->position());
    DiskView disk;
    Room const room = this->room(disk.free_bytes);
    disk.budget_bytes = room.budget_bytes;
    disk.room_hours = room.hours;
    disk.state = disk.room_hours && *disk.room_hours < 24 ? DiskState::low : DiskState::ok;
    alarms::follow_room(board_, disk);
    board_.disk(std::move(disk));
}

Room Gateway::room(std::uint64_t& free_bytes) const {
    std::error_code unknown;
    auto const space = std::filesystem::space(config_.outbox.directory, unknown);
    std::optional<std::uint64_t> free;
    if (!unknown) free = free_bytes = space.available;
    Room room{room_bytes(outbox_->position(), config_.outbox.budget_bytes, free), config_.outbox.budget_bytes, {}};
    room.hours = usage_.hours_for(room.bytes);
    return room;
}

Result<std::vector<RegisterView>> Gateway::registers(std::string const& instrument) {
    Running const* const running = find(instrument);
    if (!running) return fail(Fault::usage, fmt::format("There is no instrument \"{}\" in the configuration.", instrument));
    Driver const* const driver = running->instrument->driver();
    if (running->config.driver_name() != "modbus")
        return fail(Fault::usage, fmt::format("{} has no registers: its driver is \"{}\".", instrument, running->config.driver_name()));
    if (!driver) return fail(Fault::unavailable, fmt::format("{} is not connected: {}", instrument, running->instrument->status().detail));
    return driver->registers();
}

Gateway::Running* Gateway::find(std::string_view id) {
    auto const found = std::find_if(running_.begin(), running_.end(), [&](Running const& running) { return running.config.id == id; });
    return found == running_.end() ? nullptr : &*found;
}

}  // namespace marrowlink
