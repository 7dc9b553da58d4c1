// A centre's store into which whole plates are put, and evaluated.
#pragma once

#include <catch2/catch.hpp>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "central/annotations.hpp"
#include "central/intake.hpp"
#include "sender.hpp"
#include "tests/central/screen.hpp"
#include "tests/sim/temporary_folder.hpp"

namespace marrowlink::test {

class EvaluatedStore {
 public:
    EvaluatedStore() { open(); }
    void open() {  // anew, as after a restart
        intake.reset();
        auto opened = central::Intake::open(folder_ / "central.db");
        if (!opened) FAIL(opened.error().message);
        intake = std::move(*opened);
    }
    void annotate(central::AnnotationKind kind, std::string const& barcode, std::string const& bytes) {
        auto const added = central::add_annotation(database(), kind, barcode, bytes, "file.csv", 1'000);
        if (!added) FAIL(added.error().message);
    }
    void take(std::vector<Message> messages) {
        intake->add(std::move(messages));
        auto const taken = intake->commit(1'000);
        if (!taken) FAIL(taken.error().message);
    }
    // All that is due; the answers.
    std::vector<central::Answer> evaluate() {
        std::vector<central::Answer> out;
        for (;;) {
            auto done = intake->evaluate_next(2'000);
            if (!done) FAIL(done.error().message);
            if (!*done) return out;
            out.insert(out.end(), (*done)->begin(), (*done)->end());
        }
    }
    void plate(Sender& from, std::string const& barcode, std::string const& sample, std::map<std::string, double> const& midpoints,
               std::string const& layout = screen_layout()) {
        annotate(central::AnnotationKind::layout, barcode, layout);
        annotate(central::AnnotationKind::sample, barcode, sample);
        take(from.send(screen_run(identity(barcode), barcode, midpoints)));
        evaluate();
    }
    Database& database() { return intake->database(); }

    std::unique_ptr<central::Intake> intake;

 private:
    sim::TemporaryFolder folder_;
};

}  // namespace marrowlink::test
