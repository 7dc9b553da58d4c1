"""Export files as vendor software drops them, made from a seed: same form, invented values and names."""

import random
import struct


def dose_rows(row, column):
    """Doses by row, controls of both kinds in columns 1 and 12."""
    if column in (1, 12):
        return 60000 if (column == 1) == (row < 4) else 900
    return 900 + 59000 / (1 + (2 ** (row - 3.5 + (column % 5) - 2)))


SCREEN_DRUGS = ("dasatinib", "venetoclax", "cytarabine", "idasanutlin")
SCREEN_NM = (1, 10, 100, 1000, 10000)


def screen_well(row, column):
    """Four drugs in five doses and four replicates between negative controls (column 1) and positive ones (column 12): role, drug, nM, replicate."""
    if column in (1, 12):
        return ("negative" if column == 1 else "positive"), "", "", ""
    return "sample", SCREEN_DRUGS[2 * (row >= 4) + (column >= 7)], SCREEN_NM[(column - 2) % 5], row % 4 + 1


def screen_layout():
    lines = ["well,drug,concentration,unit,role,replicate"]
    for row in range(8):
        for column in range(1, 13):
            role, drug, dose, replicate = screen_well(row, column)
            lines.append(f"{'ABCDEFGH'[row]}{column},{drug},{dose},{'nM' if dose else ''},{role},{replicate}")
    return "\n".join(lines) + "\n"


def screen_sample(subject, timepoint):
    return f"subject,timepoint,compartment,medium,hours_to_test\n{subject},{timepoint},bone marrow,RPMI 1640 + 10 % FBS,24\n"


def screen(half_nm):
    """The signal of a screened plate; `half_nm`: drug → concentration of half its effect, in nM."""
    def signal(row, column):
        role, drug, dose, _ = screen_well(row, column)
        if role != "sample":
            return 60000 if role == "negative" else 900
        return 900 + 59100 / (1 + (dose / half_nm[drug]) ** 1.2)

    return signal


def gen5(seed, plate, signal=dose_rows):
    """A BioTek Gen5 luminescence endpoint export of a 96-well viability plate; `signal` of a row from 0 and a column from 1, and 5 % of scatter."""
    dice = random.Random(f"gen5 {seed}")

    def value(row, column):
        return round(signal(row, column) * dice.uniform(0.95, 1.05))

    lines = ["", "", "Software Version\t3.12.08", "", "", "",
             f"Experiment File Path:\tC:\\Users\\lab.operator\\Documents\\Experiments\\screen {plate}.xpt",
             "Protocol File Path:\tC:\\Users\\Public\\Documents\\Protocols\\viability.prt", "", "", "",
             f"Plate Number\t{plate}", "Date\t11/25/2026", f"Time\t{1 + seed % 11}:{seed % 60:02}:17 PM", "Reader Type:\tSynergy H1",
             f"Reader Serial Number:\t{230000 + seed}", "Reading Type\tReader", "", "Procedure Details", "",
             "Plate Type\t96 WELL PLATE (Use plate lid)", "Eject plate on completion\t", "Read\tViability", "\tLuminescence Endpoint",
             "\tFull Plate", "\tIntegration Time: 0:01.00 (MM:SS.ss)", "\tFilter Set 1", "\t    Emission: Full light",
             "\t    Optics: Top,  Gain: 135", "\tRead Speed: Normal,  Delay: 100 msec", "\tRead Height: 4.5 mm", "",
             "Results", "\t" + "\t".join(str(column) for column in range(1, 13))]
    for row in range(8):
        values = "\t".join(str(value(row, column)) for column in range(1, 13))
        lines.append(f"{'ABCDEFGH'[row]}\t{values}\tViability:Lum")
    return ("\r\n".join(lines) + "\r\n").encode()


def fcs(seed, events=5000):
    """An FCS 3.0 file as a clinical cytometer writes it: float, big-endian, with keywords that hold names."""
    dice = random.Random(f"fcs {seed}")
    names = [("FSC-A", ""), ("SSC-A", ""), ("FITC-A", "CD34"), ("PE-A", "CD117"), ("APC-A", "CD45"), ("Time", "")]
    data = bytearray()
    for number in range(events):
        blast = dice.random() < 0.35
        centres = (62000, 21000, 4200, 3100, 1500) if blast else (48000, 52000, 300, 250, 9000)
        data += struct.pack(">6f", *(dice.gauss(centre, centre / 5) for centre in centres), number / 100)
    keywords = {"$BEGINANALYSIS": "0", "$ENDANALYSIS": "0", "$BEGINSTEXT": "0", "$ENDSTEXT": "0", "$BYTEORD": "4,3,2,1", "$DATATYPE": "F", "$MODE": "L",
                "$NEXTDATA": "0", "$PAR": str(len(names)), "$TOT": str(events), "$CYT": "Simulated cytometer", "$CYTSN": f"S{seed:05}",
                "$DATE": "25-NOV-2026", "$BTIM": f"{8 + seed % 10:02}:{seed % 60:02}:00", "$ETIM": f"{8 + seed % 10:02}:{seed % 60:02}:41",
                "$FIL": f"tube_{seed:03}.fcs", "$OP": "Camille Operator", "$SRC": f"bone marrow {seed}", "GUID": f"{seed:08x}-0000-4000-8000-{dice.getrandbits(48):012x}"}
    for number, (name, stain) in enumerate(names, 1):
        keywords |= {f"$P{number}N": name, f"$P{number}B": "32", f"$P{number}E": "0,0", f"$P{number}R": "262144"}
        if stain:
            keywords[f"$P{number}S"] = stain
    begin_text, width = 256, 12
    keywords |= {"$BEGINDATA": "0" * width, "$ENDDATA": "0" * width}
    text = "|" + "".join(f"{key}|{value}|" for key, value in keywords.items())
    begin_data = begin_text + len(text)
    end_data = begin_data + len(data) - 1
    text = text.replace(f"$BEGINDATA|{'0' * width}", f"$BEGINDATA|{begin_data:0{width}}").replace(f"$ENDDATA|{'0' * width}", f"$ENDDATA|{end_data:0{width}}")
    header = "FCS3.0    " + "".join(f"{offset:8}" for offset in (begin_text, begin_text + len(text) - 1, begin_data, end_data, 0, 0))
    return header.encode().ljust(begin_text) + text.encode() + bytes(data)
