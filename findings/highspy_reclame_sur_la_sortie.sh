#!/usr/bin/env bash
set -euo pipefail
dossier="$(mktemp -d)"; trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
# highspy (HiGHS) : construire un solveur écrit deux lignes sur la sortie standard, avant qu'on puisse le faire taire.
# Pronostic : rien ne s'écrit tant que rien n'est résolu ; « silent() » ou « output_flag » suffisent.
# Constat : « highspy.Highs() » écrit sa version et sa licence dès la construction ; sa base, « _core._Highs », non.
# Conséquence : un programme dont la sortie se lit par machine (json, csv) se trouve précédé de deux lignes.
"$dossier/venv/bin/pip" install -q 'highspy==1.16.0' 'numpy<2.5'
"$dossier/venv/bin/python" - <<'P'
import subprocess, sys

def sortie(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout

faire_taire = "import highspy; h = highspy.Highs(); h.silent(); h.setOptionValue('output_flag', False)"
base = "from highspy._core import _Highs; h = _Highs(); h.setOptionValue('output_flag', False)"
print("highspy 1.16.0 ; sans rien résoudre :", repr(sortie(faire_taire)[:40]))
print("par sa base :", repr(sortie(base)))
assert "HiGHS" in sortie(faire_taire) and sortie(base) == ""
P
