"""Les jumeaux : deux jeux qui ne diffèrent que par des valeurs protégées de mêmes sommes donnent les mêmes fichiers."""

import csv
import json

import pytest

import cafdiag as cd
from cafdiag.cli import principal

CRAON = "200048551"


def fichiers(racine, monkeypatch, premieres):
    """Tout ce que produisent le T0, la vue départementale et un lot : octets de chaque fichier."""
    siennes = cd.territoire(CRAON).communes
    effectifs = [*premieres, *range(40, 38 + len(siennes))]
    monkeypatch.setenv("CAFDIAG_DONNEES", str(racine / "entrepot"))
    racine.mkdir()
    lignes = [("code", "maille", "grandeur", "annee", "valeur", "source")]
    lignes += [(c, "commune", "enfants_bas_revenus", 2024, n, "Caf") for c, n in zip(siennes, effectifs, strict=True)]
    with (racine / "activite.csv").open("w", encoding="utf-8", newline="") as flux:
        csv.writer(flux).writerows(lignes)
    sortie = racine / "sortie"
    for demande in (
        ["donnees", "importer", str(racine / "activite.csv")],
        ["figer", CRAON, "--sortie", str(sortie / "t0.json")],
        ["departement", "53", "--sortie", str(sortie / "departement")],
        ["lot", "--territoires", CRAON, "--sortie", str(sortie / "lot"), "--formats", "html,xlsx,pptx,fiches",
         "--processus", "1"],
    ):  # fmt: skip
        assert principal(demande) == 0
    return {p.relative_to(sortie).as_posix(): _octets(p) for p in sorted(sortie.rglob("*")) if p.is_file()}


def _octets(chemin):
    """Ceux du fichier ; le journal d'un lot, sans ses durées."""
    if chemin.name != "lot.json":
        return chemin.read_bytes()
    return json.dumps(json.loads(chemin.read_text(encoding="utf-8"), object_pairs_hook=_sans_duree)).encode()


def _sans_duree(couples):
    return {c: x for c, x in couples if c != "duree_s"}


@pytest.mark.lent
def test_des_jumeaux_ont_les_memes_fichiers(tmp_path, monkeypatch):
    un = fichiers(tmp_path / "un", monkeypatch, (3, 2))
    deux = fichiers(tmp_path / "deux", monkeypatch, (2, 3))
    assert len(un) > 6 and list(un) == list(deux)
    assert [nom for nom in un if un[nom] != deux[nom]] == []
    # La comparaison n'est pas creuse : l'indicateur est montré là où il peut l'être.
    assert b"PS_BASREV_ENF" in un[f"lot/mesures-{CRAON}.csv"]
