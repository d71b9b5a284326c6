#!/usr/bin/env bash
# pyxform (XLSForm, questionnaires ODK et Kobo) : « oui » dans la colonne required rend la question facultative.
# Pronostic : « oui » est compris, ou refusé comme une valeur inconnue.
# Constat : yes devient true() ; oui, vrai ou non sont recopiés tels quels, sans avertissement : ce sont alors des expressions XPath,
# qui cherchent un champ nommé « oui », n'en trouvent pas et valent faux.
# Conséquence : les réponses que l'on croyait obligatoires manquent au retour de l'enquête ; écrire yes, et relire le formulaire produit.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'pyxform==4.5.0' 'lxml==6.0.2' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
from importlib.metadata import version

from lxml import etree
from pyxform.xls2xform import convert

print("pyxform", version("pyxform"))


def obligatoire(valeur):
    feuille = f"| survey |\n| | type | name | label | required |\n| | integer | enfants | Enfants gardés | {valeur} |\n"
    resultat = convert(xlsform=feuille)
    arbre = etree.fromstring(resultat.xform.encode())
    expression = next(e.get("required") for e in arbre.iter("{*}bind") if e.get("nodeset").endswith("/enfants"))
    champ = next(arbre.iter("{*}enfants"))
    return expression, champ.xpath(f"boolean({expression})"), resultat.warnings


print("attendu  :", obligatoire("yes"), "\nconstaté :", obligatoire("oui"), obligatoire("non"))
assert obligatoire("yes") == ("true()", True, [])
assert obligatoire("oui") == ("oui", False, []) and obligatoire("vrai") == ("vrai", False, []), "le comportement a changé"
PY
