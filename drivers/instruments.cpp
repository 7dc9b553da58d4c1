#include "drivers/instruments.hpp"

#include <fmt/format.h>

namespace marrowlink {

namespace {

constexpr std::string_view export_folder = "export folder, local or shared";

constexpr InstrumentEntry entries[] = {
    {"spectramax", "", "Molecular Devices SpectraMax (Plus 384, M2 to M5, Gemini)", "serial port; adapter",
     "endpoint absorbance of 96 or 384 wells, started here or at the reader", "kinetics, spectra, several wavelengths",
     "a driver that others run, and its tests", false},
    {"line", "", "Any instrument that speaks in lines", "serial port; adapter; TCP, either side",
     "each line as one message, with the instrument's own key where it has one", "lines that are too long or no text: kept as bytes",
     "its own protocol is the laboratory's", false},
    {"modbus", "", "Hettich incubator, Julabo bath, Thermo TDE freezer, PMS MiniCapt, and any other by a register map", "Modbus RTU or TCP",
     "registers as readings, on change or by time; results that are queued and advanced", "what a map does not describe",
     "the makers' manuals; several contradict themselves, so compare with the display", false},
    {"astm", "", "Analysers on an ASTM link (E1381/LIS1-A, E1394/LIS2-A2): Roche cobas c111, Sysmex XP, Horiba Yumizen, Abbott Afinion",
     "serial port; adapter; TCP, either side", "each message as one run, without what names a patient",
     "links that only look like it (mini VIDAS, Spotchem EL): their bytes are kept; orders to the instrument",
     "4 captures and a case; the standard as commonly described", false},
    {"biorad", "", "Bio-Rad Model 550 (Ultramark, Benchmark) and 680", "serial port; adapter; TCP, either side",
     "endpoint plates of 96 wells, one filter or two, started here; sent again when they did not arrive whole",
     "kinetics, stored plates, single wells; what is started at the reader's keys goes to its printer", "the makers' manuals", false},
    {"biotek", "", "Agilent BioTek readers on a wire (Synergy, Cytation, Epoch), heard and not commanded",
     "serial port; adapter; TCP, either side", "each plate that is sent: optical densities or counts, the checksum verified",
     "kinetic reads and several wavelengths: their bytes are kept", "4 recorded replies of one Cytation 5, and a case", false},
    {"hl7", "", "Analysers and laboratory systems that send HL7 v2 results (ORU^R01) over MLLP", "TCP, either side; serial port; adapter",
     "each OBX of a message as a reading; each message is one run and is acknowledged after the commit",
     "other messages, character sets and value types; decimal commas: their bytes are kept", "a case; the standard as commonly described",
     false},
    {"folder", "agilent-gen5", "Agilent BioTek Gen5 3.0 to 3.15, text", export_folder,
     "endpoint, kinetic and spectrum reads, several reads and plates", "other read modes; derived tables are left out",
     "13 exports with tables", false},
    {"folder", "moldev-softmax-pro", "Molecular Devices SoftMax Pro 5 to 7, text", export_folder,
     "endpoint and kinetic absorbance, fluorescence and luminescence, several wavelengths and plates",
     "spectra, well scans, polarization, time-resolved; reduced values are left out", "11 exports with tables, 2 cases", false},
    {"folder", "bmg-mars", "BMG Labtech MARS, CSV", export_folder, "endpoint fluorescence, luminescence and absorbance, 96 to 1,536 wells",
     "kinetics, other modes and filters; derived tables are left out", "4 exports, 3 with tables", false},
    {"folder", "perkinelmer-envision", "PerkinElmer EnVision, CSV", export_folder,
     "endpoint absorbance, fluorescence and luminescence, several labels, detectors and plates", "kinetics; calculated tables are left out",
     "4 exports with tables", false},
    {"folder", "revvity-kaleido", "Revvity Kaleido 2.0 to 3.5 (EnSight), CSV", export_folder,
     "endpoint absorbance, fluorescence and luminescence", "other techniques, loops and well scans", "3 exports with tables", false},
    {"folder", "unchained-lunatic", "Unchained Labs Lunatic, CSV", export_folder, "absorbance, with or without the report's head",
     "concentrations and ratios are left out", "2 exports with tables", false},
    {"folder", "thermo-nanodrop-8000", "Thermo NanoDrop 8000, text", export_folder, "absorbance and concentration",
     "exports without the list of curves; ratios are left out", "1 export with a table", false},
    {"folder", "thermo-qubit4", "Thermo Qubit 4, CSV", export_folder, "fluorescence of tubes", "concentrations are left out",
     "1 export with a table", false},
    {"folder", "msd-workbench", "MSD Workbench, CSV", export_folder, "electrochemiluminescence of each spot",
     "several plates; fits and means are left out", "1 export with a table", false},
    {"folder", "luminex-xponent", "Luminex xPONENT, CSV", export_folder, "median and bead count of each analyte, events of each well",
     "tables that name other wells; net and averaged values are left out", "1 export with a table of the events", false},
    {"folder", "ctl-immunospot", "CTL ImmunoSpot 7, text", export_folder, "spots, their size, area and intensity",
     "other tables, rows with blank wells", "1 export with a table", false},
    {"folder", "revvity-matrix-cellaca", "Revvity Matrix (Cellaca), CSV", export_folder, "counts, densities, sizes and viability of cells",
     "other columns are left out", "1 export with a table", false},
    {"folder", "bmg-smart-control", "BMG Labtech Smart Control, XLSX", export_folder,
     "endpoint fluorescence, luminescence and absorbance, sheet of plates or table",
     "kinetics and other sheets; filters that are not known; derived sections are left out", "1 export with a table", false},
    {"folder", "tecan-magellan", "Tecan Magellan, XLSX", export_folder,
     "endpoint absorbance as a list of wells, several measurements and plates",
     "lists without well positions; other modes; workbooks of i-control and Spark Control", "2 exports, 1 with a table, 1 to be refused",
     false},
    {"folder", "thermo-skanit", "Thermo SkanIt, XLSX", export_folder,
     "endpoint absorbance and luminescence, several wavelengths, steps and plates", "fluorescence, kinetics, spectra",
     "2 exports with tables", false},
    {"folder", "fcs", "Flow cytometers: FCS 2.0, 3.0, 3.1, 3.2, LMD", export_folder,
     "list mode, integers of 8 to 32 bits, floats and doubles, several data sets", "histograms, numbers as text, FCS 1.0",
     "26 files of 12 makers with tables, 5 cases; no real 3.2 file was found", false},
};

std::string_view yes_or_no(bool yes) { return yes ? "yes" : "no"; }

}  // namespace

std::span<InstrumentEntry const> instruments() { return entries; }

std::string instruments_text() {
    std::string out;
    for (InstrumentEntry const& one : entries)
        out += fmt::format("{} (driver = \"{}\"{}{})\n  by: {}\n  read: {}\n  refused: {}\n  known from: {}; tried on hardware: {}\n",
                           one.title, one.driver, one.format.empty() ? "" : ", format ", one.format, one.transports, one.reads, one.refuses,
                           one.sure, yes_or_no(one.tried_on_hardware));
    return out;
}

std::string instruments_page() {
    std::string out =
        "# Instruments\n\nWhat `marrowlink-gateway instruments` says, as a table. It stands in drivers/instruments.cpp and a test holds "
        "this page to "
        "it.\nWhat is refused is refused by name, and never costs what was received: the bytes are kept.\n\n"
        "| instrument or software | driver | by | what is read | what is refused | known from | tried on hardware |\n"
        "|---|---|---|---|---|---|---|\n";
    for (InstrumentEntry const& one : entries)
        out += fmt::format("| {} | `{}`{} | {} | {} | {} | {} | {} |\n", one.title, one.driver,
                           one.format.empty() ? std::string{} : fmt::format(", `{}`", one.format), one.transports, one.reads, one.refuses,
                           one.sure, yes_or_no(one.tried_on_hardware));
    return out;
}

}  // namespace marrowlink
