#include "table_corrections.hpp"

#include <catch2/catch.hpp>
#include <map>
#include <vector>

namespace plate_test {

namespace {

using marrowlink::Reading;

bool says(std::string_view bytes, std::string_view words) { return bytes.find(words) != std::string_view::npos; }

// The cells of the only line that begins so. Without quotation marks.
std::vector<std::string> cells_of(std::string_view bytes, std::string const& beginning) {
    std::size_t const at = bytes.find("\n" + beginning);
    REQUIRE(at != std::string_view::npos);
    REQUIRE(bytes.find("\n" + beginning, at + 1) == std::string_view::npos);
    std::vector<std::string> cells(1);
    for (char const c : bytes.substr(at + 1, bytes.find_first_of("\r\n", at + 1) - at - 1))
        if (c == ',')
            cells.emplace_back();
        else
            cells.back() += c;
    return cells;
}

bool plate_of_gen5(std::string_view bytes, TableRow& row) {
    REQUIRE_FALSE(says(bytes, row["plate"]));
    REQUIRE(says(bytes, "Plate Number\tPlate 1\r"));
    row["plate"] = "Plate 1";
    return true;
}

bool wavelength_of_mars(std::string_view bytes, TableRow& row) {
    REQUIRE(says(bytes, "Raw Data (450 1)"));
    if (row["detector_nm"] == "1.0" || row["detector_nm"] == "1") row["detector_nm"] = "450";
    return true;
}

bool rows_behind_z(std::string_view, TableRow& row) {
    std::string& well = row["well"];
    if (well[0] >= 'a' && well[0] <= 'f') well.replace(0, 1, {'A', static_cast<char>(well[0] - 'a' + 'A')});
    return true;
}

bool wavelength_of_envision(std::string_view bytes, TableRow& row) {
    REQUIRE(says(bytes, "CWL=450nm"));
    if (row["detector_nm"].empty()) row["detector_nm"] = "450";
    return true;
}

bool zero_of_lunatic(std::string_view bytes, TableRow& row) {
    constexpr std::size_t absorbance = 14;
    auto const heads = cells_of("\n" + std::string{bytes}, "Plate ID,");
    REQUIRE(heads.at(absorbance) == "A260");
    std::string const cell = cells_of(bytes, row["plate"] + "," + row["well"] + ",").at(absorbance);
    if (cell != "-0.00") return true;
    REQUIRE(row["flag"] == "N/A");
    row["value"] = cell;
    row["flag"].clear();
    return true;
}

bool concentration_of_nanodrop(std::string_view bytes, TableRow& row) {
    REQUIRE(says(bytes, "conc. \tunits \t"));
    if (row["quantity"] == "processed: mass concentration") row["detector_nm"].clear();
    return true;
}

bool tube(std::string_view bytes, TableRow& row) {
    REQUIRE(row["well"].empty());
    REQUIRE(says(bytes, row["sample"] + ","));
    row["well"] = row["sample"];
    return true;
}

bool spot_of_msd(std::string_view bytes, TableRow& row) {
    for (std::string const assay : {"Spike (FL.1.5.1)", "Spike (Wuhan)"}) {
        std::string const beginning = "S001," + assay + "," + row["well"] + "," + row["index"] + ",";
        if (!says(bytes, beginning)) continue;
        row["read"] = assay + " spot " + row["index"];
        REQUIRE(cells_of(bytes, beginning).at(8) + ".0" == row["value"]);
    }
    row["index"].clear();
    return true;
}

bool events_of_xponent(std::string_view bytes, TableRow& row) {
    REQUIRE(row["quantity"] == "assay bead count");
    REQUIRE(says(bytes, "\"Total Events\""));
    row["read"] = "Total Events";
    return true;
}
bool no_events(Reading const& reading) { return reading.read != "Total Events"; }

bool plate_of_immunospot(std::string_view bytes, TableRow& row) {
    REQUIRE(bytes.find(row["plate"]) == bytes.find("\\" + row["plate"] + ".txt\r") + 1);
    REQUIRE(says(bytes, "Plate Code = \xEF\xBF\xBD\r"));
    row["plate"].clear();
    row["read"] = row["quantity"] == "Spot Count" ? "Unprocessed Data" : row["quantity"];
    std::string const setting = row["quantity"] + ": " + row["value"];
    bool const is_setting =
        row["quantity"] == "Min. SpotSize" || row["quantity"] == "Max. SpotSize" || row["quantity"] == "Spot Separation";
    if (is_setting) REQUIRE(says(bytes, setting));
    return !is_setting;
}

bool names_of_matrix(std::string_view bytes, TableRow& row) {
    static std::map<std::string, std::string> const columns{{"processed: viability (cell counter)", "Viability"},
                                                            {"processed: viable cell density (cell counter)", "Live Cells/mL"},
                                                            {"processed: total cell density (cell counter)", "Total Cells/mL"},
                                                            {"processed: dead cell density (cell counter)", "Dead Cells/mL"},
                                                            {"processed: average total cell diameter", "Total Mean Size"},
                                                            {"processed: average live cell diameter (cell counter)", "Live Mean Size"},
                                                            {"processed: average dead cell diameter (cell counter)", "Dead Mean Size"},
                                                            {"processed: total cell count", "Total Count"},
                                                            {"processed: viable cell count", "Live Count"},
                                                            {"processed: dead cell count", "Dead Count"}};
    row["read"] = columns.at(row["quantity"]);
    REQUIRE(says(bytes, "," + row["read"] + ","));
    if (row["reference_unit"] == "10^6 cells/mL") row["value"] += "E6";
    return tube(bytes, row);
}

constexpr TableCorrection corrections[] = {
    {"agilent-gen5/240411_172731_BNCH2345883_abs450_96well_non_numeric_values.txt",
     "the table's plate is out of the file's name; the file says Plate 1", plate_of_gen5},
    {"bmg-mars/BMG Labtech format.CSV", "the file says 'Raw Data (450 1)'; the table takes the 1 for the wavelength", wavelength_of_mars},
    {"bmg-mars/24-10-16 15-09-52 Luminescence 1536.csv", "rows behind Z are a to f in the file, AA to AF everywhere else", rows_behind_z},
    {"perkinelmer-envision/PE_Envision_absorbance_A450_example.csv",
     "the table has no wavelength; the file describes the label's filter, 450 nm", wavelength_of_envision},
    {"unchained-lunatic/Demo_A260_dsDNA_Data.csv", "the table takes the value -0.00 for the N/A of other wells", zero_of_lunatic},
    {"thermo-nanodrop-8000", "the table gives the concentration the absorbance's wavelength", concentration_of_nanodrop},
    {"thermo-qubit4", "a tube has no well; it is called by its test", tube},
    {"msd-workbench", "the table's index is the spot, and it does not name the assay", spot_of_msd},
    {"luminex-xponent", "the table has only the events of each well, and not the medians and counts of its analytes", events_of_xponent,
     no_events},
    {"ctl-immunospot", "the table's plate is out of a file's name; settings of the count are no readings", plate_of_immunospot},
    {"revvity-matrix-cellaca", "the table names columns in its own words, and densities in millions", names_of_matrix},
};

constexpr WalkException exceptions[] = {
    {"files/serial-byte-examples/", "wires, no files: the dialogues are held in drivers/spectramax and drivers/biotek"},
    {"cases/biotek-serpentine-reply/", "a wire, no file: the reply is held in drivers/biotek"},
    {"cases/mllp-fragments/", "a wire, no file: the fragments are held in drivers/hl7"},
    {"files/astm-e1381/", "a wire, no file: its frames are compared in drivers/astm"},
    {"cases/astm-retransmissions/", "a wire, no file: the dialogue is held in drivers/astm"},
    {"files/bmg-mars/file_with_no_delimiter_malformed.csv", "its table says to read or to hold it: it is read, in drivers/mars"},
    {"files/moldev-softmax-pro/no_measurements.txt", "it has no end, so it is shown and not taken, in drivers/softmax"},
    {"files/moldev-softmax-pro/missing_kinetic_measurement.txt", "its table allows readings that are flagged: in drivers/softmax"},
};

}  // namespace

std::span<TableCorrection const> table_corrections() { return corrections; }
std::span<WalkException const> walk_exceptions() { return exceptions; }

}  // namespace plate_test
