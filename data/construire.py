"""Construit les tables et les fonds de carte embarqués, avec leurs empreintes et leur provenance.

    python data/construire.py [--cache DOSSIER | --empreintes]

Les sources sont des paquets publics (npm et PyPI), pris dans le cache ou téléchargés ; chacune a une
empreinte attendue. Tout est calculé et contrôlé avant la première écriture : si une source est altérée ou
si un total ne tombe pas juste, rien n'est remplacé. Deux constructions donnent les mêmes octets.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

RACINE = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(RACINE), str(RACINE / "data")]

from construction import contours, ecriture, faits, passage, provenance, referentiel, variables  # noqa: E402
from construction.controles import controler  # noqa: E402

from cafdiag.erreurs import CafdiagError  # noqa: E402
from cafdiag.magasin import ecrire_atomique  # noqa: E402


def construire(racine: Path, cache: Path, *, dire=print) -> dict[str, dict]:
    """Fabrique tout sous ``racine`` (``data`` et ``maps``) et rend les empreintes écrites."""
    debut = time.monotonic()

    def etape(texte: str) -> None:
        dire(f"[{time.monotonic() - debut:5.1f} s] {texte}")

    dossier_faits = racine / "data" / "faits"
    etape("faits et référentiel")
    tables = faits.tables_de_faits(dossier_faits)
    communes = referentiel.table_communes(cache, dossier_faits)
    tables["epci"] = referentiel.table_epci(communes, cache, dossier_faits, annee=2026)
    tables["epci_2025"] = referentiel.seulement_changes(
        referentiel.table_epci(communes, cache, dossier_faits, annee=2025), dossier_faits)
    tables["departements"] = referentiel.table_departements(communes, cache)
    tables["regions"] = referentiel.table_regions(communes, cache)
    tables["passage_cog"] = passage.table_passage(cache, dossier_faits)
    tables["anciens_noms"] = passage.table_anciens_noms(cache, dossier_faits, tables["passage_cog"])
    tables["communes_france"] = faits.table_france(dossier_faits, tables["passage_cog"])
    etape("contours")
    formes = contours.preparer(communes, cache)
    tables["communes"] = contours.mesurer(communes, formes)
    tables["voisins"] = contours.table_voisins(communes, formes)
    fonds = contours.fonds(communes, formes.simplifies)
    anciens = contours.fusionner(communes, formes.simplifies, "epci_2025")
    fonds["epci_2025"] = referentiel.seulement_changes(anciens, dossier_faits)
    etape("contrôles")
    controler(tables)
    contours.controler(communes, fonds)
    dictionnaire = variables.dictionnaire(tables)
    texte = provenance.provenance(tables, formes.bilan, tolerance=contours.TOLERANCE_COMMUNES,
                                  lisere=contours.LISERE)
    tables["communes"] = referentiel.seulement_ce_qui_differe(tables["communes"])
    etape("écriture")
    for nom, table in sorted(tables.items()):
        ecriture.ecrire_table(table, racine / "data" / f"{nom}.parquet")
    for nom, fond in fonds.items():
        ecriture.ecrire_contours(fond, racine / "maps" / f"{nom}.parquet", groupe=1000)
    ecrire_atomique(racine / "data" / "variables.csv", dictionnaire)
    ecrire_atomique(racine / "data" / "PROVENANCE.md", texte)
    ecriture.ecrire_leaflet(racine / "maps" / "leaflet", cache)
    empreintes = ecriture.ecrire_empreintes(racine)
    total = sum(e["octets"] for e in empreintes.values())
    etape(f"{len(empreintes)} fichiers, {total / 1e6:.1f} Mo")
    return empreintes


def main(arguments: list[str] | None = None) -> int:
    """Point d'entrée : 0 si tout est écrit, 1 si une source ou un contrôle l'empêche."""
    lecteur = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    lecteur.add_argument("--cache", type=Path, default=RACINE / "data" / ".cache",
                         help="dossier des archives téléchargées (par défaut data/.cache)")
    lecteur.add_argument("--empreintes", action="store_true",
                         help="ne refait que les empreintes, après une modification voulue du dictionnaire")
    options = lecteur.parse_args(arguments)
    if options.empreintes:
        ecriture.ecrire_empreintes(RACINE)
        return 0
    try:
        construire(RACINE, options.cache.resolve(), dire=lambda texte: print(texte, file=sys.stderr))
    except CafdiagError as erreur:
        print(erreur, file=sys.stderr)
        return erreur.code_retour
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
