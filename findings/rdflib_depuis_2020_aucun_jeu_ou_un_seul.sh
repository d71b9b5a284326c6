#!/usr/bin/env bash
# rdflib et Oxigraph, la même question à un catalogue DCAT : les jeux parus « depuis 2020 », année seule ; aucun pour l'un, un pour l'autre.
# Pronostic : une année (xsd:gYear) se compare à une année, dans les deux ; sinon la question est refusée.
# Constat : rdflib ne compare pas les années et le filtre ne garde rien, sans erreur ; le même rdflib les trie bien et en donne le maximum.
# Une date entière (xsd:date) se compare dans les deux. YEAR() d'une année seule est vide chez rdflib, 2023 chez Oxigraph.
# Conséquence : « aucune donnée récente » dans un inventaire de sources, quand il y en a ; comparer STR(?annee).
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'rdflib==7.6.0' 'pyoxigraph==0.5.13' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
from importlib.metadata import version

import pyoxigraph
import rdflib

print("rdflib", version("rdflib"), "; pyoxigraph", version("pyoxigraph"))
catalogue = """@prefix : <urn:x:> . @prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
:creches :paru "2023"^^xsd:gYear ; :jour "2023-05-01"^^xsd:date . :loisirs :paru "2019"^^xsd:gYear ; :jour "2019-05-01"^^xsd:date ."""
tete = "PREFIX : <urn:x:> PREFIX xsd: <http://www.w3.org/2001/XMLSchema#> SELECT "
questions = {
    "année": '?s { ?s :paru ?a FILTER(?a >= "2020"^^xsd:gYear) }',
    "date": '?s { ?s :jour ?a FILTER(?a >= "2020-01-01"^^xsd:date) }',
    "texte": '?s { ?s :paru ?a FILTER(STR(?a) >= "2020") }',
    "maximum": "(STR(MAX(?a)) AS ?m) { ?s :paru ?a }",
    "YEAR": "(STR(YEAR(?a)) AS ?m) { :creches :paru ?a }",
}
graphe = rdflib.Graph().parse(data=catalogue, format="turtle")
magasin = pyoxigraph.Store()
magasin.load(catalogue.encode(), format=pyoxigraph.RdfFormat.TURTLE)


def lire(reponses):
    return [str(r[0]).strip('<>"').removeprefix("urn:x:") for r in reponses if len(r) and r[0] is not None]


constat = {n: [lire(graphe.query(tete + q)), lire(magasin.query(tete + q))] for n, q in questions.items()}
print("attendu  : creches, et 2023, des deux côtés\nconstaté : (rdflib, Oxigraph)", constat)
assert constat["année"] == [[], ["creches"]] and constat["YEAR"] == [[], ["2023"]], "le comportement a changé"
assert constat["date"] == constat["texte"] == 2 * [["creches"]] and constat["maximum"] == 2 * [["2023"]], "le comportement a changé"
PY
