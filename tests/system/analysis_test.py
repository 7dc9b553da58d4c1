#!/usr/bin/env python3
"""`marrowlink-central analyse` against reference data, one test a set: each prints how many values agree and the worst row.

The data stand beside the project (../shared/central/reference-data or $MARROWLINK_SHARED); without them the tests are skipped and say so. Where a reference is
known to differ from what its own definition gives, the rows are named in KNOWN with the reason, and everything else must agree.
"""
import csv
import math
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
CENTRAL = Path(os.environ.get("MARROWLINK_BIN", HERE.parents[1] / "build/release/bin")) / "marrowlink-central"
SHARED = Path(os.environ.get("MARROWLINK_SHARED", HERE.parents[2] / "shared"))
DATA = SHARED / "central/reference-data"

STEP = "the curve is a step between two doses: its sum of squares does not change with slope and midpoint (the reference's own standard error is 1e7); ours is not above the reference's"
PROFILE = "the reference's search stopped early: at its bound the profile's sum of squares is far from the threshold"
SEPARATED = "fewer than two viabilities between 0 and 100 %: the likelihood has no finite maximum, and R's steps end where rounding ends them"
NEARLY = "drc's BFGS stopped before the minimum: our sum of squares is lower"


def analyse(what, *options, suffix=""):
    """The main table's path, or that of the table with this suffix."""
    folder = Path(tempfile.mkdtemp(dir=Analysis.folder.name))
    run = subprocess.run([CENTRAL, "analyse", what, "--out", folder / "result.csv", *map(str, options)], capture_output=True, text=True)
    if run.returncode != 0:
        raise AssertionError(f"analyse {what} ended with {run.returncode}: {run.stderr}")
    return folder / (f"result-{suffix}.csv" if suffix else "result.csv")


def table(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def number(text):
    return math.nan if text in ("", "NA", "NaN") else float(text)


def apart(want, got, rule):
    if rule == "eq":
        return 0.0 if want == got else math.inf
    a, b = number(want), number(got)
    if math.isnan(a) or math.isnan(b):
        return 0.0 if math.isnan(a) and math.isnan(b) else math.inf
    if math.isinf(a) or math.isinf(b):
        return 0.0 if a == b else math.inf
    return abs(a - b) / (max(abs(a), 1e-300) if rule == "rel" else 1.0)


class Analysis(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if not DATA.is_dir():
            raise unittest.SkipTest(f"no reference data at {DATA}")
        Analysis.folder = tempfile.TemporaryDirectory()

    @classmethod
    def tearDownClass(cls):
        Analysis.folder.cleanup()

    def agree(self, expected, result, keys, rules, known=None, share=1.0, only=None):
        """`rules`: column -> (rel|abs|eq, limit). `known`: (key, column or None) -> reason. `only`: which expected rows count."""
        known = dict(known or {})
        want = [row for row in table(DATA / expected) if only is None or only(row)]
        got = {}
        for row in table(result):
            key = tuple(row[k] for k in keys)
            self.assertNotIn(key, got, f"{result.name} has {key} twice")
            got[key] = row
        failures, excused = [], 0
        for column, (rule, limit) in rules.items():
            matched, worst = 0, (-1.0, None)
            for row in want:
                key = tuple(row[k] for k in keys)
                self.assertIn(key, got, f"{key} of {expected} has no result")
                distance = apart(row[column], got[key][column], rule)
                if distance <= limit:
                    matched += 1
                elif known.get((key, column), known.get((key, None))):
                    excused += 1
                    continue
                else:
                    failures.append(f"{column} of {key}: {got[key][column]}, expected {row[column]}")
                if distance > worst[0]:
                    worst = (distance, key)
            print(f"  {expected} {column}: {matched}/{len(want)} within {rule} {limit:g}; worst {worst[0]:.2g} at {worst[1]}")
        if excused:
            print(f"  {excused} values differ for reasons named in this test: {'; '.join(sorted(set(known.values())))}")
        allowed = (1.0 - share) * len(want)
        self.assertLessEqual(len(failures), allowed, "\n".join(failures[:20]))
        return want, got

    def test_nist_strd(self):
        out = analyse("nist", "--in", DATA / "nist-strd")
        digits = table(out.with_name("result-digits.csv"))
        for row in digits:
            print(f"  {row['dataset']} from start {row['start']}: {row['lre_par_min']} digits, {row['iter']} steps")
        second = [row for row in digits if row["start"] == "2"]
        first = [row for row in digits if row["start"] == "1"]
        self.assertEqual([], [row for row in second if float(row["lre_par_min"]) < 6.0])
        self.assertLessEqual(len([row for row in first if float(row["lre_par_min"]) < 4.0]), 1)
        self.agree("nist-strd/certified.csv", out, ["dataset", "param"], {"certified": ("rel", 1e-6)})

    def test_dss_closed_form(self):
        out = analyse("dss", "--in", DATA / "dss-closed-form/dss.csv")
        self.agree("dss-closed-form/dss.csv", out, ["ic50", "slope", "max", "cmin", "cmax"], {name: ("abs", 1e-9) for name in ("DSS1", "DSS2", "DSS3")})

    def test_breeze_fimm_aml(self):
        out = analyse("dose-response", "--compat", "fimm", "--in", DATA / "breeze-fimm-aml/input.csv")
        keys = ["drug", "sample"]
        self.agree("breeze-fimm-aml/expected.csv", out, keys, {"global_sse": ("rel", 1e-6), "bound_max_lo": ("abs", 1e-9), "bound_max_hi": ("abs", 1e-5)})
        self.agree("breeze-fimm-aml/expected.csv", out, keys, {"global_DSS2": ("abs", 0.01)}, share=0.995)
        breeze = {(row["drug"], row["sample"]): float(row["breeze_DSS2"]) for row in table(DATA / "breeze-fimm-aml/expected.csv")}
        ours = {(row["drug"], row["sample"]): float(row["global_DSS2"]) for row in table(out)}
        near = sum(abs(breeze[key] - ours[key]) <= 0.1 for key in breeze)
        print(f"  {near}/{len(breeze)} DSS2 within 0.1 of Breeze's own")
        self.assertGreaterEqual(near, 0.985 * len(breeze))

    def test_selective_scores(self):
        folder = DATA / "breeze-fimm-aml"
        out = analyse("selective", "--in", folder / "selective_expected.csv", "--controls", folder / "healthy_controls_DSS.csv")
        self.agree("breeze-fimm-aml/selective_expected.csv", out, ["drug", "sample"],
                   {name: ("abs", 1e-9) for name in ("mean", "sd", "median", "mad", "sDSS", "zDSS", "rDSS")})

    def test_probit(self):
        out = analyse("probit", "--in", DATA / "breeze-fimm-aml/input.csv")
        separated = {((row["drug"], row["sample"]), None): SEPARATED for row in table(out) if row["verdict"].startswith("fewer than two")}
        self.agree("probit/expected.csv", out, ["drug", "sample"],
                   {name: ("rel", 1e-6) for name in ("b0", "b1", "log10_ic50_uM", "auc_viability_x_log10", "auc_mean_viability_pct")}, separated)

    def test_itrex_paediatric(self):
        wells = DATA / "itrex-paediatric/wells.csv"
        out = analyse("normalise", "--in", wells)
        self.agree("itrex-paediatric/wells.csv", out, ["Plate", "Row", "Column"], {"normVal": ("abs", 1e-9)})
        self.agree("itrex-paediatric/plate_qc_expected.csv", analyse("plate-qc", "--in", wells), ["Plate"],
                   {name: ("rel", 1e-9) for name in ("n", "mneg", "sneg", "nneg", "mpos", "spos", "npos", "z", "rz", "ssmd", "sb")})

    def test_plate_qc(self):
        wells = DATA / "plate-qc/wells_expected_inhibition.csv"
        self.agree("plate-qc/wells_expected_inhibition.csv", analyse("normalise", "--in", wells), ["SCREEN_NAME", "PLATE", "WELL"],
                   {name: ("abs", 1e-9) for name in ("pi_breeze", "pi_npi_mean", "pi_median")})
        names = [name for name in table(DATA / "plate-qc/plate_qc_expected.csv")[0] if name not in ("screen", "plate")]
        self.agree("plate-qc/plate_qc_expected.csv", analyse("plate-qc", "--in", wells), ["screen", "plate"], {name: ("rel", 1e-9) for name in names})

    def test_drc(self):
        inputs = [part for name in ("ryegrass", "secalonic", "S.alba") for part in ("--in", DATA / f"drc/{name}.csv")]
        out = analyse("drc", *inputs)
        keys = ["dataset", "model", "param"]
        coefficients = table(DATA / "drc/coef_expected.csv")
        ours = {tuple(row[k] for k in keys): row for row in table(out)}
        near = {}
        for row in coefficients:
            key = tuple(row[k] for k in keys)
            lower = float(ours[key]["rss"]) < float(row["rss"]) * (1.0 + 1e-9)
            if lower and apart(row["estimate"], ours[key]["estimate"], "rel") < 2e-3:
                near[(key, None)] = NEARLY
        self.agree("drc/coef_expected.csv", out, keys, {"estimate": ("rel", 1e-5), "rss": ("rel", 1e-7), "df": ("eq", 0), "loglik": ("rel", 1e-7)}, near)
        excused = sorted({key[:2] for key, _ in near if apart(next(r for r in coefficients if tuple(r[k] for k in keys) == key)["estimate"], ours[key]["estimate"], "rel") > 1e-5})
        print(f"  not at drc's minimum to 1e-5: {excused}")
        self.assertLessEqual(set(excused), {("ryegrass", "LL.5"), ("secalonic", "LL.4")})
        doses = {((dataset, model, row["what"]), None): NEARLY for dataset, model in excused for row in table(DATA / "drc/ed_expected.csv")
                 if (row["dataset"], row["model"]) == (dataset, model)}
        self.agree("drc/ed_expected.csv", out.with_name("result-ed.csv"), ["dataset", "model", "what"],
                   {name: ("rel", 1e-4) for name in ("estimate", "lo95", "hi95")}, doses)

    def test_fourpl_simulated(self):
        out = analyse("dose-response", "--in", DATA / "fourpl-simulated/input.csv")
        ours = {row["curve"]: row for row in table(out)}
        steps = {}
        for row in table(DATA / "fourpl-simulated/expected.csv"):
            if float(row["se_slope"]) > 1e6:
                self.assertLessEqual(float(ours[row["curve"]]["rss"]), float(row["rss"]) * (1.0 + 1e-9))
                self.assertIn("step", ours[row["curve"]]["verdict"])
                steps[((row["curve"],), None)] = STEP
        self.assertEqual({("C016",), ("C021",)}, {key for key, _ in steps})
        rules = {name: ("rel", 1e-6) for name in ("slope", "bottom", "top", "log10_ic50_rel", "rss", "log10_ic50_abs")}
        rules |= {name: ("rel", 1e-5) for name in ("sigma", "se_slope", "se_bottom", "se_top", "se_log10_ic50")}
        rules |= {name: ("rel", 1e-7) for name in ("auc_inhibition", "auc_mean_inhibition_pct")}
        rules |= {"aicc": ("rel", 1e-8), "wald_lo": ("abs", 1e-4), "wald_hi": ("abs", 1e-4)}
        self.agree("fourpl-simulated/expected.csv", out, ["curve"], rules, steps)
        profiles = steps | {((curve,), "profile_lo"): PROFILE for curve in ("C004", "C012", "C020", "C040")}
        self.agree("fourpl-simulated/expected.csv", out, ["curve"], {"profile_lo": ("abs", 1e-4), "profile_hi": ("abs", 1e-4)}, profiles)

    def test_gr_metrics(self):
        out = analyse("gr", "--in", DATA / "gr-metrics/input_and_gr_values.csv")
        rules = {name: ("rel", 1e-5) for name in ("h_GR", "GRinf", "GEC50_uM", "GR50_uM")}
        rules |= {name: ("rel", 1e-9) for name in ("GRmax", "r2", "pval", "sse", "mean_GR")} | {"GR_AOC": ("rel", 1e-10), "fit": ("eq", 0)}
        self.agree("gr-metrics/expected.csv", out, ["curve"], rules)
        want = table(DATA / "gr-metrics/input_and_gr_values.csv")
        got = table(out.with_name("result-values.csv"))
        worst = max(abs(float(a["GR_value"]) - float(b["GR_value"])) for a, b in zip(want, got, strict=True))
        print(f"  {len(want)} GR values, worst {worst:.2g}")
        self.assertLessEqual(worst, 1e-12)

    def test_longitudinal_paired(self):
        names = [name for name in table(DATA / "longitudinal-paired/expected.csv")[0] if name not in ("drug", "mean_delta", "median_delta", "t", "ci_lo", "ci_hi", "cohen_dz")]
        out = analyse("paired", "--in", DATA / "longitudinal-paired/input.csv")
        rules = {name: ("rel", 1e-9) for name in names}
        self.agree("longitudinal-paired/expected.csv", out, ["drug"], rules | {name: ("rel", 1e-9) for name in ("mean_delta", "median_delta", "t", "ci_lo", "ci_hi", "cohen_dz")})

    def test_multicentre(self):
        out = analyse("multicentre", "--in", DATA / "multicentre/input.csv")
        names = [name for name in table(DATA / "multicentre/expected.csv")[0] if name != "drug"]
        self.agree("multicentre/expected.csv", out, ["drug"], {name: ("rel", 1e-9) for name in names})

    def test_stats(self):
        names = [name for name in table(DATA / "stats/two_sample_expected.csv")[0] if name != "set"]
        self.agree("stats/two_sample_expected.csv", analyse("stats", "--in", DATA / "stats/two_sample_input.csv"), ["set"], {name: ("rel", 1e-9) for name in names})
        self.agree("stats/padjust_expected.csv", analyse("stats", "--in", DATA / "stats/padjust_expected.csv"), ["p"],
                   {name: ("rel", 1e-9) for name in ("bh", "by", "holm", "bonferroni", "hochberg")})
        self.agree("stats/fisher_expected.csv", analyse("stats", "--in", DATA / "stats/fisher_expected.csv"), ["a", "b", "c", "d"],
                   {"p": ("rel", 1e-9), "cond_or": ("rel", 1e-9)})

    def test_synergy(self):
        out = analyse("synergy", "--in", DATA / "synergy/mathews_block1_expected.csv")
        self.agree("synergy/mathews_block1_expected.csv", out, ["c1", "c2"], {"bliss": ("abs", 1e-8), "hsa": ("abs", 1e-8), "zip": ("abs", 0.5)})
        (ours,) = table(out.with_name("result-summary.csv"))
        (want,) = table(DATA / "synergy/summary_expected.csv")
        for name, limit in (("bliss", 1e-8), ("hsa", 1e-8), ("max_bliss", 1e-8), ("zip", 0.5)):
            self.assertLessEqual(abs(float(ours[name]) - float(want[name])), limit, name)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], "-v", *sys.argv[1:]])
