// A 96-well plate of a drug screen, invented: two drugs in five doses and eight replicates, controls in the first and last column.
#pragma once

#include <fmt/format.h>

#include <cmath>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include "core/run.hpp"
#include "drivers/gen5/parse.hpp"

namespace marrowlink::test {

inline constexpr char const* screen_doses[] = {"1", "10", "100", "1000", "10000"};

// Column 1 is negative, 12 positive, 2 to 6 the first drug by growing dose, 7 to 11 the second.
inline std::string screen_layout(std::string const& first = "dasatinib", std::string const& second = "venetoclax") {
    std::string out = "well,drug,concentration,unit,role,replicate\n";
    for (char row = 'A'; row <= 'H'; ++row)
        for (int column = 1; column <= 12; ++column) {
            if (column == 1)
                out += fmt::format("{}1,,,,negative,\n", row);
            else if (column == 12)
                out += fmt::format("{}12,BzCl,100,uM,positive,\n", row);
            else
                out += fmt::format("{}{},{},{},nM,sample,{}\n", row, column, column < 7 ? first : second, screen_doses[(column - 2) % 5],
                                   row - 'A' + 1);
        }
    return out;
}

inline std::string screen_sample(std::string const& subject, std::string const& timepoint) {
    return "subject,timepoint,compartment,medium,hours_to_test\n" + subject + "," + timepoint + ",bone marrow,RPMI 1640,24\n";
}

// log10 nM of each drug's midpoint, in the layout's order of columns by name. What scatters is made of the well's place.
inline std::vector<Reading> screen_readings(std::map<std::string, double> const& midpoints) {
    std::vector<Reading> out;
    for (int row = 0; row < 8; ++row)
        for (int column = 1; column <= 12; ++column) {
            double level = column == 1 ? 1.0 : 0.02;
            if (column > 1 && column < 12) {
                double const midpoint = column < 7 ? midpoints.begin()->second : midpoints.rbegin()->second;
                level = 0.02 + 0.98 / (1.0 + std::pow(10.0, 1.2 * ((column - 2) % 5 - midpoint)));
            }
            double const scatter = 1.0 + 0.02 * std::sin(row * 12.9898 + column * 78.233);
            Reading reading;
            reading.read = "Lum";
            reading.well = fmt::format("{}{}", static_cast<char>('A' + row), column);
            reading.value = fmt::format("{:.0f}", 60'000.0 * level * scatter);
            out.push_back(std::move(reading));
        }
    return out;
}

// The same as an Agilent BioTek Gen5 text export.
inline std::string screen_export(std::vector<Reading> const& readings) {
    std::string out =
        "\r\n\r\nSoftware Version\t3.12.08\r\n\r\n\r\n\r\nPlate Number\tPlate 1\r\nDate\t11/25/2026\r\nTime\t2:30:17 PM\r\nReader "
        "Type:\tSynergy H1\r\nReader Serial Number:\t230001\r\nReading Type\tReader\r\n\r\nProcedure Details\r\n\r\nPlate Type\t96 WELL "
        "PLATE (Use plate lid)\r\nEject plate on completion\t\r\nRead\tLum\r\n\tLuminescence Endpoint\r\n\tFull Plate\r\n\tIntegration "
        "Time: 0:01.00 (MM:SS.ss)\r\n\tFilter Set 1\r\n\t    Emission: Full light\r\n\t    Optics: Top,  Gain: 135\r\n\r\nResults\r\n";
    for (int column = 1; column <= 12; ++column) out += fmt::format("\t{}", column);
    for (std::size_t i = 0; i < readings.size(); ++i) {
        if (i % 12 == 0) out += fmt::format("{}\r\n{}", i == 0 ? "" : "\tLum:Lum", static_cast<char>('A' + i / 12));
        out += "\t" + readings[i].value;
    }
    return out + "\tLum:Lum\r\n";
}

inline std::vector<Draft> readings_run(RunIdentity const& id, std::string const& barcode, std::vector<Reading> const& readings,
                                       std::string const& bytes, std::string const& format) {
    std::string const sha = hex(sha256(bytes));
    std::vector<Draft> out = run_readings(id, readings);
    RunManifest manifest;
    manifest.plate = barcode;
    manifest.blocks = out.size();
    manifest.files = {{"export", format, sha, sha, bytes.size(), 0}};
    manifest.readings = &readings;
    for (Draft& chunk : run_file(id, bytes, sha)) out.push_back(std::move(chunk));
    out.push_back(run_finished(id, manifest));
    return out;
}

// With an original that no parser reads.
inline std::vector<Draft> readings_run(RunIdentity const& id, std::string const& barcode, std::vector<Reading> const& readings) {
    return readings_run(id, barcode, readings, "the export of " + id.sourcekey, "bmg-mars");
}

// As the driver sends it: the export, and what its parser reads in it.
inline std::vector<Draft> screen_run(RunIdentity const& id, std::string const& barcode, std::map<std::string, double> const& midpoints) {
    std::string const bytes = screen_export(screen_readings(midpoints));
    auto const document = gen5_format().parse(bytes);
    if (!document) throw std::logic_error{document.error().message};
    return readings_run(id, barcode, document->readings, bytes, document->format);
}

}  // namespace marrowlink::test
