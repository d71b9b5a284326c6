#!/usr/bin/env bash
# csvw (CSV sur le Web, W3C) : « 12,5 » est un decimal et n'est pas un number ; « 12.5 » vaut 12,5 ou 125 selon le séparateur de milliers.
# Pronostic : decimalChar vaut pour tous les types de nombre, et refuse le point anglais.
# Constat : avec decimalChar « , » : decimal lit « 12,5 », number lève une erreur. Le point n'est pas refusé : « 12.5 » vaut 12,5 si les
# milliers ont une espace, 125 s'ils ont un point. Et « 12,5 % » vaut 0,125 dans la même colonne.
# Conséquence : une colonne d'origines mêlées est lue à des échelles différentes ; déclarer decimal, et borner les valeurs.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'csvw==4.1.1' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
from importlib.metadata import version

from csvw import Datatype

print("csvw", version("csvw"))


def lire(base, texte, milliers=" "):
    try:
        return float(Datatype.fromvalue({"base": base, "format": {"decimalChar": ",", "groupChar": milliers}}).read(texte))
    except ValueError:
        return "refusé"


constat = {
    "decimal 12,5": lire("decimal", "12,5"), "number 12,5": lire("number", "12,5"),
    "12.5, milliers à espace": lire("decimal", "12.5"), "12.5, milliers à point": lire("decimal", "12.5", "."),
    "12,5 %": lire("decimal", "12,5 %"),
}
print("attendu  : 12.5, 12.5, refusé, refusé, 0.125 ou refusé\nconstaté :", constat)
assert constat["decimal 12,5"] == 12.5
assert list(constat.values())[1:] == ["refusé", 12.5, 125.0, 0.125], "le comportement a changé"
PY
