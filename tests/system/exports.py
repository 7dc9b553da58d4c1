"""Export files as vendor software drops them, made from a seed: same form, invented values and names."""

import random
import struct


def gen5(seed, plate):
    """A BioTek Gen5 luminescence endpoint export of a 96-well viability plate: dose rows down, controls in columns 1 and 12."""
    dice = random.Random(f"gen5 {seed}")

    def value(row, column):
        if column in (1, 12):
            level = 60000 if (column == 1) == (row < 4) else 900
        else:
            level = 900 + 59000 / (1 + (2 ** (row - 3.5 + (column % 5) - 2)))
        return round(level * dice.uniform(0.95, 1.05))

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
