#!/usr/bin/env bash
# Rapprocher deux structures sans adresse : ressemblance de 100 ou de 0 selon la bibliothèque, et selon la fonction d'une même bibliothèque.
# Pronostic : deux chaînes vides se ressemblent ou non, mais de même partout ; rapidfuzz dit 0 pour ne pas rapprocher des inconnues.
# Constat : rapidfuzz dit 100 avec ratio, 0 avec WRatio et token_set_ratio, 1 avec son Jaro-Winkler ; textdistance 1 ; jellyfish 0.
# Conséquence : toutes les crèches sans adresse deviennent des doublons, ou aucune ; écarter les vides avant de comparer.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'rapidfuzz==3.14.6' 'textdistance==4.6.3' 'jellyfish==1.3.0' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
from importlib.metadata import version

import jellyfish
import textdistance
from rapidfuzz import distance, fuzz

print(*(f"{p} {version(p)}" for p in ("rapidfuzz", "textdistance", "jellyfish")), sep=" ; ")
mesures = {
    "rapidfuzz ratio (sur 100)": fuzz.ratio,
    "rapidfuzz WRatio (sur 100)": fuzz.WRatio,
    "rapidfuzz token_set_ratio (sur 100)": fuzz.token_set_ratio,
    "rapidfuzz Jaro-Winkler": distance.JaroWinkler.similarity,
    "textdistance Jaro-Winkler": textdistance.jaro_winkler.normalized_similarity,
    "jellyfish Jaro-Winkler": jellyfish.jaro_winkler_similarity,
}
constat = {nom: float(mesure("", "")) for nom, mesure in mesures.items()}
print("attendu  : 0 partout\nconstaté :", constat)
assert list(constat.values()) == [100, 0, 0, 1, 1, 0], "le comportement a changé"
assert all(mesure("rue", "rue") in (1, 100) for mesure in mesures.values())
PY
