#include "central/bundle.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "central/comparison.hpp"
#include "central/evaluation_result.hpp"
#include "central/subject_report.hpp"
#include "central/tar.hpp"
#include "central/verify.hpp"
#include "core/version.hpp"

namespace marrowlink::central {
namespace {
constexpr std::string_view readme_name = "README.txt", subject_name = "subject.json", comparison_name = "comparison.json",
                           report_name = "report.html", sums_name = "SHA256SUMS";

std::string plate_name(std::size_t plate, std::string_view file) { return fmt::format("plates/{}/{}", plate, file); }
std::string original_name(std::size_t plate, std::size_t original) { return plate_name(plate, fmt::format("original-{}", original)); }

std::string readme(Bundle const& bundle) {
    return fmt::format(
        "Subject {} (a pseudonym): which drugs still work, at diagnosis and at relapse.\n"
        "Research use only. Not for diagnosis or treatment.\n\n"
        "report.html        opens in any browser, without a network; print it for a PDF\n"
        "comparison.json    the same in numbers\n"
        "plates/N/          a plate each: original-K as the instrument gave it, with names of people blanked; layout.csv and sample.csv "
        "as\n"
        "                   the laboratory gave them; result.json with every well, control, curve and score\n"
        "subject.json       which run, instrument and site each plate is from\n\n"
        "To check that nothing was changed:     sha256sum -c SHA256SUMS\n"
        "To make every number again and compare: marrowlink-central verify FILE.tar --recompute\n\n"
        "Written by Marrowlink {}.\n",
        bundle.subject, bundle.software);
}

json::object subject_of(Bundle const& bundle) {
    json::array plates;
    for (BundlePlate const& plate : bundle.plates) {
        json::object out{{"barcode", plate.barcode}, {"site", plate.site}, {"instrument", plate.instrument}, {"run", plate.run}};
        json::put_text(out, "conflict", plate.conflict);
        json::array originals;
        for (auto const& [file, bytes] : plate.originals)
            originals.push_back(json::object{{"role", file.role},
                                             {"format", file.format},
                                             {"sha256", file.sha256},
                                             {"original_sha256", file.original_sha256},
                                             {"blanked", file.blanked}});
        out["originals"] = std::move(originals);
        for (auto const& [name, annotation] : {std::pair{"layout_version", &plate.layout}, std::pair{"sample_version", &plate.sample}})
            if (*annotation) out[name] = (*annotation)->version;
        plates.push_back(std::move(out));
    }
    return json::object{
        {"format", bundle_format}, {"software", bundle.software}, {"subject", bundle.subject}, {"plates", std::move(plates)}};
}

// The next members by the names that they must have.
class Members {
 public:
    explicit Members(std::vector<TarMember> const& members) : members_(members) {}

    Result<std::string> take(std::string const& name) {
        if (next_ == members_.size() || members_[next_].name != name)
            return fail(Fault::refused, fmt::format("File {} of the bundle is {}, expected {}.", next_ + 1,
                                                    next_ == members_.size() ? "not there" : members_[next_].name, name));
        return members_[next_++].bytes;
    }
    std::string_view next() const { return next_ == members_.size() ? std::string_view{} : members_[next_].name; }

 private:
    std::vector<TarMember> const& members_;
    std::size_t next_ = 0;
};

Result<std::optional<Annotation>> annotation_in(Members& members, json::object const& plate, std::string_view member, std::string name) {
    std::int64_t const number = json::integer_of(plate, member);
    if (number == 0) return std::nullopt;
    auto bytes = members.take(name);
    if (!bytes) return fail(bytes.error());
    return Annotation{0, number, *bytes, sha256(*bytes)};
}

Result<BundlePlate> plate_in(Members& members, json::value const& value, std::size_t number) {
    auto const wrong = [&](std::string_view what) {
        return fail(Fault::refused, fmt::format("{}: plate {} has {}.", subject_name, number, what));
    };
    json::object const* const plate = value.if_object();
    if (!plate) return wrong("no members");
    auto const text = [&](std::string_view member) { return std::string{json::string_of(*plate, member)}; };
    BundlePlate out{text("site"), text("instrument"), text("run"), text("barcode"), text("conflict"), {}, {}, {}};
    auto const* const listed = plate->if_contains("originals");
    if (!listed || !listed->is_array()) return wrong("no list of originals");
    for (auto const& one : listed->get_array()) {
        json::object const* const file = one.if_object();
        if (!file) return wrong("an original without members");
        std::string const name = original_name(number, out.originals.size() + 1);
        auto bytes = members.take(name);
        if (!bytes) return fail(bytes.error());
        auto const of = [&](std::string_view member) { return std::string{json::string_of(*file, member)}; };
        RunFile const said{of("role"),    of("format"),
                           of("sha256"),  of("original_sha256"),
                           bytes->size(), static_cast<std::uint64_t>(json::integer_of(*file, "blanked"))};
        if (std::string const found = hex(sha256(*bytes)); found != said.sha256)
            return fail(Fault::refused, fmt::format("{} has the SHA-256 {}, by {} it was {}.", name, found, subject_name, said.sha256));
        out.originals.push_back({said, std::move(*bytes)});
    }
    for (auto const& [kind, into] : {std::pair{"layout", &out.layout}, std::pair{"sample", &out.sample}}) {
        auto annotation = annotation_in(members, *plate, fmt::format("{}_version", kind), plate_name(number, fmt::format("{}.csv", kind)));
        if (!annotation) return fail(annotation.error());
        *into = std::move(*annotation);
    }
    auto const result = members.take(plate_name(number, "result.json"));
    return result ? Result<BundlePlate>{std::move(out)} : fail(result.error());
}

// What the members say of themselves; what was made of it is left for the comparison.
Result<Bundle> bundle_in(std::vector<TarMember> const& found) {
    Members members{found};
    if (auto const readme = members.take(std::string{readme_name}); !readme) return fail(readme.error());
    auto const text = members.take(std::string{subject_name});
    if (!text) return fail(text.error());
    if (text->size() > subject_bytes_max)
        return fail(Fault::refused, fmt::format("{} has {} bytes, expected at most {}.", subject_name, text->size(), subject_bytes_max));
    auto const parsed = json::parse_object(*text, subject_name);
    if (!parsed) return fail(Fault::refused, parsed.error().message);
    Bundle out{std::string{json::string_of(*parsed, "software")}, std::string{json::string_of(*parsed, "subject")}, {}};
    // They are printed, and name the bundle.
    for (auto const& [member, value] : {std::pair{"format", std::string{json::string_of(*parsed, "format")}},
                                        std::pair{"software", out.software}, std::pair{"subject", out.subject}})
        if (value.empty() || value.size() > 64 || !std::all_of(value.begin(), value.end(), [](char c) { return c > ' ' && c <= '~'; }))
            return fail(Fault::refused, fmt::format("{}: {} is not 1 to 64 printable characters.", subject_name, member));
    if (json::string_of(*parsed, "format") != bundle_format)
        return fail(Fault::refused, fmt::format("{}: the format is \"{}\", expected \"{}\".", subject_name,
                                                json::string_of(*parsed, "format"), bundle_format));
    auto const* const plates = parsed->if_contains("plates");
    if (!plates || !plates->is_array()) return fail(Fault::refused, fmt::format("{}: there is no list of plates.", subject_name));
    for (auto const& one : plates->get_array()) {
        auto plate = plate_in(members, one, out.plates.size() + 1);
        if (!plate) return fail(plate.error());
        out.plates.push_back(std::move(*plate));
    }
    for (std::string_view const name : {comparison_name, report_name})
        if (auto const made = members.take(std::string{name}); !made) return fail(made.error());
    if (auto const stray = members.next(); !stray.empty())
        return fail(Fault::refused, fmt::format("{} stands in the bundle and has no place there.", stray));
    return out;
}

Result<json::object> result_of(BundlePlate const& plate, std::string const& software) {
    PlateEvidence evidence{software, plate.barcode, {}, plate.layout, plate.sample, plate.conflict, {}};
    for (Original const& original : plate.originals) evidence.files.push_back(original.file);
    auto readings = readings_in(plate.originals);
    if (!readings) return fail(readings.error());
    evidence.readings = std::move(*readings);
    return evaluation_result(evidence);
}

// Without the sums.
Result<std::vector<TarMember>> members_of(Bundle const& bundle) {
    std::vector<TarMember> out{{std::string{readme_name}, readme(bundle)},
                               {std::string{subject_name}, json::serialize(subject_of(bundle)) + "\n"}};
    std::vector<SubjectPlate> plates;
    std::vector<json::object> results;
    for (BundlePlate const& plate : bundle.plates) {
        std::size_t const number = plates.size() + 1;
        for (std::size_t i = 0; i < plate.originals.size(); ++i) out.push_back({original_name(number, i + 1), plate.originals[i].bytes});
        if (plate.layout) out.push_back({plate_name(number, "layout.csv"), plate.layout->bytes});
        if (plate.sample) out.push_back({plate_name(number, "sample.csv"), plate.sample->bytes});
        auto const result = result_of(plate, bundle.software);
        if (!result) return fail(Fault::refused, fmt::format("Plate {}: {}", plate.barcode, result.error().message));
        if (json::string_of(*result, "subject") != bundle.subject)
            return fail(Fault::refused, fmt::format("Plate {}: by its sample sheet the subject is \"{}\", the bundle is of {}.",
                                                    plate.barcode, json::string_of(*result, "subject"), bundle.subject));
        std::string const text = json::serialize(*result);
        out.push_back({plate_name(number, "result.json"), text + "\n"});
        // From the text, as the store's are: what was written and read again is what both compare.
        auto read = json::parse_object(text, "result");
        if (!read) return fail(read.error());
        results.push_back(std::move(*read));
        plates.push_back({static_cast<std::int64_t>(number), plate.site, plate.instrument, plate.run, results.back()});
    }
    json::object const compared = comparison(bundle.subject, plates);
    out.push_back({std::string{comparison_name}, json::serialize(compared) + "\n"});
    out.push_back({std::string{report_name}, subject_report(compared, results)});
    return out;
}

std::string sums_of(std::vector<TarMember> const& members) {
    std::string out;
    for (TarMember const& member : members) out += fmt::format("{}  {}\n", hex(sha256(member.bytes)), member.name);
    return out;
}

// Some bytes around a place, on one line.
std::string excerpt(std::string_view text, std::size_t at) {
    constexpr std::size_t around = 24;
    std::string out{text.substr(std::min(text.size(), at - std::min(at, around)), 2 * around)};
    std::replace_if(
        out.begin(), out.end(), [](unsigned char c) { return c < ' ' || c == 0x7F; }, ' ');
    return out;
}

class Findings {
 public:
    explicit Findings(std::vector<std::string>& into) : into_(into) {}
    void add(std::string sentence) {
        if (into_.size() < findings_max)
            into_.push_back(std::move(sentence));
        else if (into_.size() == findings_max)
            into_.emplace_back("There is more.");
    }

 private:
    std::vector<std::string>& into_;
};

void compare_sums(std::vector<TarMember> const& members, std::string const& found, Findings& findings) {
    std::string const wanted = sums_of(members);
    if (found == wanted) return;
    std::map<std::string_view, std::string_view> said;
    for (std::string_view rest = found; !rest.empty();) {
        auto const line = rest.substr(0, rest.find('\n'));
        rest.remove_prefix(std::min(line.size() + 1, rest.size()));
        if (line.size() > 66) said[line.substr(66)] = line.substr(0, 64);
    }
    for (TarMember const& member : members) {
        std::string const sum = hex(sha256(member.bytes));
        auto const line = said.find(member.name);
        if (line == said.end())
            findings.add(fmt::format("{} is not in {}.", member.name, sums_name));
        else if (line->second != sum)
            findings.add(fmt::format("{} has the SHA-256 {}, by {} it was {}.", member.name, sum, sums_name, line->second));
    }
    findings.add(fmt::format("{} differs at byte {} from what its files give.", sums_name, first_difference(found, wanted)));
}

void compare(TarMember const& found, TarMember const& made, Findings& findings) {
    if (found.name != made.name) {
        findings.add(fmt::format("{} stands where {} was made again.", found.name, made.name));
        return;
    }
    if (found.bytes == made.bytes) return;
    std::size_t const at = first_difference(found.bytes, made.bytes);
    findings.add(fmt::format("{} at byte {}: it says «{}», and made again it says «{}».", found.name, at, excerpt(found.bytes, at),
                             excerpt(made.bytes, at)));
}
}  // namespace

Result<std::string> bundle_file(Bundle const& bundle) {
    auto members = members_of(bundle);
    if (!members) return fail(members.error());
    std::string sums = sums_of(*members);
    members->push_back({std::string{sums_name}, std::move(sums)});
    std::string tar = tar_of(*members);
    if (tar.size() > bundle_bytes_max)
        return fail(Fault::refused, fmt::format("The bundle would have {} bytes; at most {} are written.", tar.size(), bundle_bytes_max));
    return tar;
}

Result<BundleProof> check_bundle(std::string_view tar, bool recompute) {
    auto members = members_in(tar);
    if (!members) return fail(members.error());
    if (members->empty() || members->back().name != sums_name)
        return fail(Fault::refused,
                    fmt::format("The last file is {}, expected {}.", members->empty() ? "not there" : members->back().name, sums_name));
    std::string const sums = std::move(members->back().bytes);
    members->pop_back();
    BundleProof out;
    out.files = members->size();
    Findings findings{out.findings};
    compare_sums(*members, sums, findings);
    auto const bundle = bundle_in(*members);
    if (!bundle) {
        if (out.findings.empty()) return fail(bundle.error());
        findings.add(bundle.error().message);
        return out;
    }
    out.subject = bundle->subject;
    out.software = bundle->software;
    out.plates = bundle->plates.size();
    if (!recompute || out.software != version) return out;
    out.recomputed = true;
    auto const made = members_of(*bundle);
    if (!made) {
        findings.add(made.error().message);
        return out;
    }
    if (made->size() != members->size())
        findings.add(fmt::format("{} files stand where {} were made again.", members->size(), made->size()));
    for (std::size_t i = 0; i < std::min(made->size(), members->size()); ++i) {
        compare((*members)[i], (*made)[i], findings);
        if ((*made)[i].name != comparison_name) continue;
        auto const compared = json::parse_object((*made)[i].bytes, comparison_name);
        if (!compared) return fail(compared.error());
        for (auto const& drug : compared->at("drugs").as_array()) out.drugs += drug.as_object().contains("delta");
    }
    return out;
}

}  // namespace marrowlink::central
