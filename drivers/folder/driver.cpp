#include "drivers/folder/driver.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "core/log.hpp"
#include "core/sha256.hpp"

namespace marrowlink {
namespace {
using std::chrono::milliseconds;

// Runs `call` on the worker and comes back with its result. It owns all it touches: nobody waits for it when the loop ends. Not to be
// cancelled: what the worker has begun it ends, and whoever waits here is cancelled at the next thing that it awaits. A cancellation that
// reached over to the worker's thread could come to a coroutine that had just ended there.
template <class Call>
Task<std::invoke_result_t<Call&>> on(boost::asio::any_io_executor worker, Call call) {
    using Value = std::invoke_result_t<Call&>;
    return boost::asio::async_initiate<boost::asio::use_awaitable_t<> const, void(Value)>(
        [worker = std::move(worker), call = std::move(call)](auto handler) mutable {
            auto loop = boost::asio::make_work_guard(boost::asio::get_associated_executor(handler));
            auto kept = std::make_shared<decltype(handler)>(std::move(handler));
            boost::asio::post(worker, [call = std::move(call), loop = std::move(loop), kept = std::move(kept)]() mutable {
                auto value = std::make_shared<Value>(call());
                auto const executor = loop.get_executor();
                boost::asio::post(executor, [kept = std::move(kept), value = std::move(value), loop = std::move(loop)]() mutable {
                    std::move (*kept)(std::move(*value));
                });
            });
        },
        boost::asio::use_awaitable);
}

milliseconds doubled(milliseconds first, unsigned times, milliseconds most) {
    milliseconds pause = first;
    for (unsigned i = 0; i < times && pause < most; ++i) pause *= 2;
    return std::max(first, std::min(pause, most));
}

struct ReadFile {
    std::shared_ptr<std::string> bytes;
    std::string sha256;
};

struct Weighed {
    Verdict verdict = Verdict::unknown;
    std::string reason;
    std::string sourcekey;
    std::unique_ptr<Parcel> parcel;  // when it is to be taken
};

Weighed weigh_bytes(std::string bytes, ParcelLabel const& label, Recognise recognise, bool taken) {
    Examination examination = examine(std::move(bytes), label.original_sha256, recognise);
    Weighed out;
    out.verdict = examination.verdict;
    out.reason = examination.reason;
    if (out.verdict != Verdict::readable && out.verdict != Verdict::unreadable) return out;
    auto parcel = std::make_unique<Parcel>(label, std::move(examination));
    if (!parcel->readable()) out.verdict = Verdict::unreadable, out.reason = parcel->reason();
    out.sourcekey = parcel->sourcekey();
    if (!taken) out.parcel = std::move(parcel);
    return out;
}

std::string file_time(std::int64_t modified_ns) {
    auto const since_epoch = std::chrono::floor<milliseconds>(std::chrono::nanoseconds{modified_ns});
    return modified_ns > 0 ? rfc3339(Clock::Utc{since_epoch}) : std::string{};
}

std::string kept_as_unreadable(std::string const& reason) {
    return "Its bytes are kept as an unreadable run, and the file stays where it is: " + reason;
}
}  // namespace

FolderDriver::FolderDriver(std::shared_ptr<Folder> folder, FolderOptions options, Clock& clock, boost::asio::any_io_executor worker,
                           RunOfTaken run_of_taken)
    : folder_(std::move(folder)),
      options_(std::move(options)),
      clock_(clock),
      worker_(std::move(worker)),
      run_of_taken_(std::move(run_of_taken)),
      next_scan_(clock.now()),
      scanned_(clock.now() - scan_spacing) {}

Task<Result<std::string>> FolderDriver::identify() {
    co_await scan();
    if (scans_in_vain_ > 0) co_return fail(*trouble_);  // which is told by whoever tries again, with another driver
    was_there_ = true;
    co_return "Export folder";
}

Task<Result<Batch>> FolderDriver::next() {
    for (;;) {
        if (parcel_ || closing_) ++receipts_;
        if (parcel_) {
            Batch batch = parcel_->batch();
            batch.receipt.number = receipts_;
            co_return batch;
        }
        if (auto closing = closing_batch()) co_return std::move(*closing);
        if (due_.empty() || clock_.now() >= next_scan_) {
            co_await rest();
            co_await scan();
            continue;
        }
        std::string name = std::move(due_.front());
        due_.pop_front();
        auto const looked = co_await look(std::move(name));
        if (!looked) co_return fail(looked.error());
    }
}

// The run that a stop interrupted is resumed by taking its file again. When every file was looked at and none was it, it will not come.
std::optional<Batch> FolderDriver::closing_batch() {
    if (!closing_) {
        if (!options_.open_run || scans_ == 0 || scans_in_vain_ > 0) return {};
        auto const undecided = [](auto const& file) { return !file.second.looked && !file.second.taken_before; };
        if (std::any_of(files_.begin(), files_.end(), undecided)) return {};
        closing_ = true;
        ++receipts_;
    }
    Batch batch;
    batch.records.push_back(
        run_aborted(*options_.open_run, "The gateway stopped while it took this file, and the file is no longer there as it was."));
    batch.receipt.number = receipts_;
    return batch;
}

Task<Result<void>> FolderDriver::acknowledge(Receipt receipt) {
    if (receipt.number != receipts_) co_return Result<void>{};
    if (closing_) {
        closing_ = false;
        options_.open_run.reset();
    } else if (parcel_) {
        parcel_->advance();
        if (parcel_->delivered()) co_await conclude();
    }
    co_return Result<void>{};
}

Task<void> FolderDriver::conclude() {
    auto const parcel = std::move(parcel_);
    if (options_.open_run && options_.open_run->run == parcel->run()) options_.open_run.reset();
    bool const key_known = !keys_.insert(parcel->sourcekey()).second;
    if (keys_.size() > keys_known_max) keys_.erase(parcel->sourcekey());
    log::info("folder.file_taken", {{"instrument", options_.instrument}, {"run", parcel->run()}, {"file", parcel->name()}});
    auto const found = files_.find(parcel->name());
    if (found == files_.end()) co_return;
    Known& known = found->second;
    bool const revision = known.taken_before || key_known;
    known.taken_before = true;
    known.vain = 0;
    if (!parcel->readable()) {
        stand(known, FileStanding::refused, kept_as_unreadable(parcel->reason()));
        log::warn("folder.file_unreadable",
                  {{"instrument", options_.instrument}, {"run", parcel->run()}, {"file", parcel->name()}, {"reason", parcel->reason()}});
        co_return;
    }
    stand(known, revision ? FileStanding::revision : FileStanding::taken, "");
    co_await dispose(parcel->name());
}

// A file that another program holds just now is looked at, found taken and disposed of again later.
Task<void> FolderDriver::dispose(std::string name) {
    auto done = [folder = folder_, name] { return folder->taken(name); };
    auto const disposed = co_await on(worker_, std::move(done));
    auto const found = files_.find(name);
    if (disposed || found == files_.end()) co_return;
    Known& known = found->second;
    known.looked = false;
    known.reason = "It is taken, but not yet out of the folder: " + disposed.error().message;
    in_vain(known, refused_pause_max);
    log::warn("folder.file_not_disposed", {{"instrument", options_.instrument}, {"file", name}, {"reason", disposed.error().message}});
}

Task<void> FolderDriver::rest() {
    if (next_scan_ > clock_.now()) co_await folder_->wait_for_change(next_scan_);
    // While the folder is away an announcement says nothing new about it.
    auto const earliest = scans_in_vain_ > 0 ? next_scan_ : std::min(next_scan_, scanned_ + scan_spacing);
    if (earliest > clock_.now()) co_await clock_.sleep_until(earliest);
}

Task<void> FolderDriver::scan() {
    auto list = [folder = folder_] { return folder->list(); };
    auto listed = co_await on(worker_, std::move(list));
    scanned_ = clock_.now();
    ++scans_;
    if (!listed) {
        lost(std::move(listed.error()));
        changed();
        co_return;
    }
    heard_ = scanned_;
    merge(*listed);
    if (scans_in_vain_ > 0) {
        scans_in_vain_ = 0;
        auto const away = std::chrono::duration_cast<std::chrono::seconds>(scanned_ - trouble_since_);
        log::info("folder.available", {{"instrument", options_.instrument}, {"away_s", away.count()}});
    }
    if (files_turned_away_ > 0) {
        bool const known = trouble_ && trouble_->fault == Fault::full;
        trouble_ = Error{Fault::full, fmt::format("The folder holds {} more files than the {} that are watched; move old ones elsewhere.",
                                                  files_turned_away_, folder_files_max)};
        if (!known) log::error("folder.too_many_files", {{"instrument", options_.instrument}, {"reason", trouble_->message}});
    } else {
        trouble_.reset();
    }
    plan();
    changed();
}

void FolderDriver::lost(Error error) {
    due_.clear();
    if (scans_in_vain_ == 0) {
        trouble_since_ = scanned_;
        if (was_there_) log::warn("folder.unavailable", {{"instrument", options_.instrument}, {"reason", error.message}});
    }
    trouble_ = std::move(error);
    next_scan_ = scanned_ + doubled(options_.poll, scans_in_vain_++, std::max(absent_pause_max, options_.poll));
}

void FolderDriver::merge(std::vector<FolderEntry> const& entries) {
    files_turned_away_ = 0;
    for (FolderEntry const& entry : entries) {
        auto found = files_.find(entry.name);
        if (found == files_.end()) {
            if (files_.size() >= folder_files_max) {
                ++files_turned_away_;
                continue;
            }
            found = files_.emplace(entry.name, Known{}).first;
            found->second.since = found->second.not_before = scanned_;
            found->second.size = entry.size + 1;  // differs, so that `see` takes it as changed
        }
        see(found->second, entry);
    }
    forget_missing();
}

void FolderDriver::see(Known& known, FolderEntry const& entry) {
    known.seen_in = scans_;
    known.seen = scanned_;
    if (known.size == entry.size && known.modified_ns == entry.modified_ns) return;
    known.size = entry.size;
    known.modified_ns = entry.modified_ns;
    known.changed = scanned_;
    known.looked = false;
    if (known.standing == FileStanding::taken || known.standing == FileStanding::revision) stand(known, FileStanding::waiting, "");
}

void FolderDriver::forget_missing() {
    std::erase_if(files_, [&](auto const& file) {
        Known const& known = file.second;
        if (known.seen_in == scans_) return false;
        // What was never taken has nothing worth remembering, and as a missing file it would keep the page and the open run waiting.
        bool const taken = known.looked && (known.standing == FileStanding::taken || known.standing == FileStanding::revision);
        return !taken || scanned_ - known.seen >= file_forgotten_after;
    });
}

void FolderDriver::plan() {
    due_.clear();
    next_scan_ = scanned_ + options_.poll;
    for (auto& [name, known] : files_) {
        if (known.looked || known.seen_in != scans_) continue;
        auto const when = std::max(known.changed + options_.settle, known.not_before);
        if (when > scanned_)
            next_scan_ = std::min(next_scan_, when);
        else if (known.size == 0) {
            known.looked = true;
            stand(known, FileStanding::incomplete, "The file is empty.");
        } else if (known.size > file_bytes_max) {
            known.looked = true;
            refuse(name, known, fmt::format("It has {} bytes; files of at most {} are read.", known.size, file_bytes_max));
        } else {
            due_.push_back(name);
        }
    }
}

Task<Result<void>> FolderDriver::look(std::string name) {
    auto const found = files_.find(name);
    if (found == files_.end()) co_return Result<void>{};
    Known& known = found->second;  // only a scan removes it, and none runs while this does
    auto load = [folder = folder_, name]() -> Result<ReadFile> {
        auto bytes = folder->read(name, file_bytes_max);
        if (!bytes) return fail(bytes.error());
        ReadFile out;
        out.sha256 = hex(sha256(*bytes));
        out.bytes = std::make_shared<std::string>(std::move(*bytes));
        return out;
    };
    auto const read = co_await on(worker_, std::move(load));
    if (!read) {
        known.reason = read.error().message;
        in_vain(known, incomplete_pause_max);
        if (read.error().fault == Fault::refused) {
            known.looked = true;
            refuse(name, known, read.error().message);
        }
        co_return Result<void>{};
    }
    if (read->bytes->size() != known.size) {
        known.changed = clock_.now();  // it grew since the folder was listed
        co_return Result<void>{};
    }
    co_return co_await weigh(name, read->bytes, read->sha256);
}

Task<Result<void>> FolderDriver::weigh(std::string const& name, std::shared_ptr<std::string> bytes, std::string sha256) {
    Known& known = files_.at(name);
    auto question = run_of_taken_(sha256);
    auto const run = co_await std::move(question);
    if (!run) co_return fail(run.error());
    bool const taken = !run->empty();
    ParcelLabel label;
    label.instrument = options_.instrument;
    label.original_sha256 = std::move(sha256);
    label.name = name;
    label.arrived = rfc3339(clock_.utc());
    label.file_time = file_time(known.modified_ns);
    auto work = [bytes = std::move(bytes), label = std::move(label), recognise = options_.recognise, taken] {
        return weigh_bytes(std::move(*bytes), label, recognise, taken);
    };
    auto weighed = co_await on(worker_, std::move(work));
    known.looked = true;
    if (taken) {
        // Looked at all the same: after a restart the page must know which are unreadable and which keys are here.
        known.taken_before = true;
        if (!weighed.sourcekey.empty() && keys_.size() < keys_known_max) keys_.insert(weighed.sourcekey);
        if (weighed.verdict == Verdict::unreadable) {
            stand(known, FileStanding::refused, kept_as_unreadable(weighed.reason));
        } else {
            stand(known, known.standing == FileStanding::revision ? FileStanding::revision : FileStanding::taken, "");
            co_await dispose(name);
        }
        co_return Result<void>{};
    }
    if (weighed.parcel) {
        parcel_ = std::move(weighed.parcel);
    } else if (weighed.verdict == Verdict::incomplete) {
        stand(known, FileStanding::incomplete, std::move(weighed.reason));
        in_vain(known, incomplete_pause_max);
    } else {
        refuse(name, known, std::move(weighed.reason));
        in_vain(known, refused_pause_max);
    }
    co_return Result<void>{};
}

void FolderDriver::stand(Known& known, FileStanding standing, std::string reason) {
    if (known.standing != standing) known.since = clock_.now();
    known.standing = standing;
    known.reason = std::move(reason);
    changed();
}

void FolderDriver::in_vain(Known& known, milliseconds pause_max) {
    known.not_before = clock_.now() + doubled(options_.settle, known.vain++, pause_max);
}

void FolderDriver::refuse(std::string const& name, Known& known, std::string reason) {
    stand(known, FileStanding::refused, std::move(reason));
    if (std::exchange(known.reported, true)) return;
    log::warn("folder.file_refused", {{"instrument", options_.instrument}, {"file", name}, {"reason", known.reason}});
}

std::string FolderDriver::activity() const {
    if (trouble_) return trouble_->message;
    if (parcel_) return "A file is being taken.";
    auto const waiting = std::count_if(files_.begin(), files_.end(), [](auto const& file) { return !file.second.looked; });
    return waiting == 0 ? std::string{} : fmt::format("Files that still settle or wait their turn: {}.", waiting);
}

std::vector<FileState> FolderDriver::files() const {
    auto const rank = [](FileStanding standing) {
        switch (standing) {
            case FileStanding::refused: return 0;
            case FileStanding::incomplete: return 1;
            case FileStanding::waiting: return 2;
            case FileStanding::taken:
            case FileStanding::revision: return 3;
        }
        return 3;
    };
    std::vector<Files::const_pointer> order;
    for (auto const& file : files_)
        if (file.second.seen_in == scans_ || scans_in_vain_ > 0) order.push_back(&file);
    auto const before = [&](auto const* a, auto const* b) {
        int const rank_a = rank(a->second.standing);
        int const rank_b = rank(b->second.standing);
        if (rank_a != rank_b) return rank_a < rank_b;
        if (a->second.since != b->second.since) return a->second.since > b->second.since;
        return a->first < b->first;
    };
    auto const shown = order.begin() + static_cast<std::ptrdiff_t>(std::min(order.size(), files_listed_max));
    std::partial_sort(order.begin(), shown, order.end(), before);
    std::vector<FileState> out;
    std::for_each(order.begin(), shown, [&](auto const* file) {
        Known const& known = file->second;
        out.push_back({file->first, known.standing, known.reason, known.since});
    });
    return out;
}

}  // namespace marrowlink
