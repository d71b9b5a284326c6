#!/usr/bin/env bash
# rdflib : dans un graphe de données liées, un taux décimal écrit « 72,5 » (ou « s ») est sous tous les seuils d'une requête SPARQL.
# Pronostic : un décimal mal écrit n'est comparable à rien ; il sort de « <= 50 » comme de « > 50 », ainsi que dans pyoxigraph.
# Constat : la lecture le signale au journal mais le garde ; puis « < 50 », « <= 50 » et « pas plus de 50 » le retiennent. Les
# moyennes, elles, ne se calculent plus.
# Conséquence : la liste des communes mal couvertes contient les mieux couvertes et les secrètes ; contrôler ill_typed au chargement.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'rdflib==7.6.0' 'pyoxigraph==0.5.13' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
import logging
from importlib.metadata import version

import pyoxigraph
import rdflib

logging.disable(logging.WARNING)
print("rdflib", version("rdflib"), "; pyoxigraph", version("pyoxigraph"))
taux = {"laval": "60.5", "evron": "72,5", "ernee": "40.0", "craon": "s"}
decimal = "<http://www.w3.org/2001/XMLSchema#decimal>"
turtle = "".join(f'<urn:{commune}> <urn:taux> "{valeur}"^^{decimal} .\n' for commune, valeur in taux.items())
graphe, magasin = rdflib.Graph().parse(data=turtle, format="turtle"), pyoxigraph.Store()
magasin.load(turtle.encode(), format=pyoxigraph.RdfFormat.TURTLE)


def communes(base, condition):
    lignes = base.query("SELECT ?c { ?c <urn:taux> ?t FILTER(%s) }" % condition)
    return sorted(str(ligne[0]).strip("<>").removeprefix("urn:") for ligne in lignes)


for condition in ("?t <= 50", "!(?t > 50)"):
    print(condition, ": attendu", communes(magasin, condition), "; constaté", communes(graphe, condition))
    assert communes(magasin, condition) == ["ernee"]
    assert communes(graphe, condition) == ["craon", "ernee", "evron"], "le comportement a changé"
assert communes(graphe, "?t > 50") == communes(magasin, "?t > 50") == ["laval"]
assert sorted(str(t) for t in graphe.objects() if t.ill_typed) == ["72,5", "s"]
PY
