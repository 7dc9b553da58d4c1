#include "central/analysis/table.hpp"

#include <catch2/catch.hpp>
#include <cmath>

#include "central/analyse/analysis.hpp"
#include "central/analysis/expression.hpp"

using namespace marrowlink;
using analysis::Table;

namespace {
std::string refusal(std::string_view bytes) {
    auto const table = Table::read(bytes, "t.csv");
    return table ? "" : table.error().message;
}

Result<std::vector<analyse::Output>> analysed(std::string_view what, std::string bytes) {
    for (auto const& one : analyse::analyses())
        if (one.name == what) {
            analyse::Request request;
            request.inputs.push_back({"in.csv", "in", std::move(bytes)});
            request.progress = [](std::size_t, std::size_t) {};
            return one.run(request);
        }
    return fail(Fault::usage, "no such analysis");
}

std::string said(std::string_view what, std::string bytes) {
    auto const out = analysed(what, std::move(bytes));
    return out ? out->front().table.csv() : out.error().message;
}
}  // namespace

TEST_CASE("tables are read with their quotations and refused by line") {
    auto const table = Table::read("\xef\xbb\xbf\"a\";b\r\n\"1;\"\"2\"\"\";3.50\r\n\r\nNA;-Inf\r\n", "t.csv");
    REQUIRE(table);
    CHECK(table->rows() == 2);
    CHECK(table->text(0, 0) == "1;\"2\"");
    CHECK(table->raw(0, 0) == "\"1;\"\"2\"\"\"");
    CHECK(table->raw(0, 1) == "3.50");
    CHECK(*table->number(0, 1) == 3.5);
    CHECK(std::isnan(*table->number(1, 0)));
    CHECK(std::isinf(*table->number(1, 1)));
    CHECK(refusal("").find("is empty") != std::string::npos);
    CHECK(refusal("a,a\n1,2\n").find("two columns are called \"a\"") != std::string::npos);
    CHECK(refusal("a,b\n1,2\n1\n") == "t.csv, line 3 has 1 cells; the heading has 2.");
    CHECK(refusal("a,b\n\"1,2\n") == "t.csv, line 2: a quotation mark is not closed.");
    CHECK(Table::read("a,b\n1,2\n", "t.csv")->column("c").error().message == "t.csv has no column \"c\"; it has: a, b.");
    CHECK(Table::read("a;b\n1,5;2\n", "t.csv")->number(0, 0).error().message ==
          "t.csv, line 2, column a: \"1,5\" is no number with a decimal point.");
}

TEST_CASE("a number that is written reads as the same number") {
    for (double const value : {0.1, 1.0 / 3.0, 1e300, -2.5e-17, 100.0}) CHECK(std::stod(analysis::shortest(value)) == value);
    CHECK(analysis::shortest(std::nan("")).empty());
    CHECK(analysis::shortest(-0.0) == "0");
    CHECK(analysis::shortest(-INFINITY) == "-Inf");
}

TEST_CASE("formulas are read as R and NIST write them, with exact derivatives") {
    auto const model = analysis::Expression::parse("b1*exp[-b2*x**2]/(1 + b3^2) - sin(b4*pi)");
    REQUIRE(model);
    REQUIRE(model->parameters() == 4);
    std::vector<double> const at{2.0, 0.3, 0.7, 0.2};
    auto const value = [&](std::vector<double> const& b) {
        std::vector<analysis::Jet> jets;
        for (std::size_t i = 0; i < b.size(); ++i) jets.push_back(analysis::Jet::parameter(b[i], i));
        return (*model)(1.5, jets);
    };
    auto const here = value(at);
    CHECK(here.v == Approx(2.0 * std::exp(-0.3 * 2.25) / 1.49 - std::sin(0.2 * 3.14159265358979)));
    for (std::size_t i = 0; i < 4; ++i) {
        auto up = at, down = at;
        up[i] += 1e-6;
        down[i] -= 1e-6;
        CHECK(here.d[i] == Approx((value(up).v - value(down).v) / 2e-6).epsilon(1e-7).margin(1e-9));
        for (std::size_t j = 0; j < 4; ++j)
            CHECK(here.second(i, j) == Approx((value(up).d[j] - value(down).d[j]) / 2e-6).epsilon(1e-6).margin(1e-8));
    }
    CHECK(analysis::Expression::parse("b1 * (x").error().message.find("expected \")\"") != std::string::npos);
    CHECK(analysis::Expression::parse("b1 + foo").error().message.find("found \"foo\"") != std::string::npos);
    CHECK_FALSE(analysis::Expression::parse(std::string(200, '(') + "x"));
    CHECK_FALSE(analysis::Expression::parse(std::string(200, '-') + "x"));
    CHECK_FALSE(analysis::Expression::parse(""));
}

TEST_CASE("bad input is a named verdict or a named refusal") {
    CHECK(said("dose-response", "curve,log10_conc_nM,inhibition_pct\nC,0,1\nC,1,20\nC,2,70\n").find("not evaluable: 3 of 4 doses") !=
          std::string::npos);
    CHECK(said("dose-response", "curve,log10_conc_nM,inhibition_pct\nC,0,5\nC,1,5\nC,2,5\nC,3,5\n")
              .find("not evaluable: all responses are equal") != std::string::npos);
    CHECK(
        said("dose-response", "drug,conc_nM,sample,viability\nD,0,S,0.5\n").find("in.csv, line 2, column conc_nM: a concentration of 0") !=
        std::string::npos);
    CHECK(said("dose-response", "drug,conc_nM,sample,viability\nD,1,S,NaN\n").find("where a finite number is needed") != std::string::npos);
    CHECK(said("dose-response", "drug,conc_nM,sample\nD,1,S\n").find("has no column \"curve\"") != std::string::npos);
    CHECK(said("normalise", "WELL,PLATE,DRUG_NAME,SCREEN_NAME,WELL_SIGNAL\nA1,1,dmso,s,5\nA1,1,dmso,s,6\n")
              .find("well A1 of this plate occurs twice") != std::string::npos);
    CHECK(said("normalise", "WELL,PLATE,DRUG_NAME,SCREEN_NAME,WELL_SIGNAL\nA99x,1,dmso,s,5\n").find("is no well") != std::string::npos);
    CHECK(said("normalise", "WELL,PLATE,DRUG_NAME,SCREEN_NAME,WELL_SIGNAL\nA1,1,dmso,s,5\n")
              .find("not evaluable: 1 negative and 0 positive controls") != std::string::npos);
    CHECK(said("plate-qc", "Plate,Row,Column,WellType,Readout\n1,A,1,neg,5\n").find("not evaluable") != std::string::npos);
    CHECK(said("gr", "curve,conc_uM,cell_count,cell_count_time0,cell_count_ctrl\nG,1,1000,1000,1100\n").find("not_evaluable") !=
          std::string::npos);
    CHECK(said("gr", "curve,conc_uM,cell_count,cell_count_time0,cell_count_ctrl\nG,1,0,1000,1100\n").find("must be above 0") !=
          std::string::npos);
    CHECK(said("paired", "patient,drug,dss2_first,dss2_last\nP,D,1,2\nP,D,1,2\n").find("patient P occurs twice for D") !=
          std::string::npos);
    CHECK(said("paired", "patient,drug,dss2_first,dss2_last\nP,D,1,2\n").find("not evaluable: 1 pairs") != std::string::npos);
    CHECK(said("multicentre", "sample,D\nX1,2\n").find("belongs to no cohort") != std::string::npos);
    CHECK(said("stats", "q\n1\n").find("neither the columns") != std::string::npos);
    CHECK(said("stats", "p\n1.5\n").find("a probability lies between 0 and 1") != std::string::npos);
    CHECK(said("stats", "a,b,c,d\n1,2,3,4.5\n").find("a count from 0") != std::string::npos);
    CHECK(said("drc", "dose,y\n0,1\n1,2\n").find("not evaluable") != std::string::npos);
    CHECK(said("synergy", "c1,c2,response\n0,0,1\n").find("not evaluable") != std::string::npos);
    CHECK(said("nist", "no file of NIST").find("a model") != std::string::npos);
}

TEST_CASE("input columns are echoed byte for byte and results replace what has their name") {
    std::string const out = said("dss", "\"id\",ic50,slope,max,cmin,cmax,DSS1\n\"x\",\"1e2\",1.0,80,1,10000,99\n");
    CHECK(out.starts_with("\"id\",ic50,slope,max,cmin,cmax,DSS1,DSS2,DSS3,DSS2_cont,definition,verdict\n\"x\",\"1e2\",1.0,80,1,10000,"));
    CHECK(out.find(",99") == std::string::npos);
    CHECK(out.find("dss2/fimm-v1") != std::string::npos);
}
