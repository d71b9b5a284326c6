"""Ce que l'explorateur produit : tous les formats du diagnostic, un classeur comparé, la carte de la vue.

Des fichiers dans ``sorties``, à côté du carnet ; ou là où le dit la page de l'explorateur.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

from cafdiag import magasin
from cafdiag.erreurs import DemandeFausse
from cafdiag.indicateurs import comparer, mesurer
from cafdiag.restitution.cartes import carte
from cafdiag.restitution.echappement import html_sur
from cafdiag.restitution.explorateur.etat import Etat
from cafdiag.territoires.referentiel import LIBELLES_MAILLES

# Ce que l'usager coche, dans l'ordre où il le lit ; tous les formats du diagnostic y sont (un essai le garde).
FORMATS = {
    "html": "Rapport complet",
    "note": "Note de l'élu (4 pages)",
    "pptx": "Diapositives",
    "fiches": "Fiches actions",
    "docx": "Rapport Word",
    "pdf": "Rapport pdf",
    "xlsx": "Tableur",
    "gpkg": "Couches GeoPackage",
    "geojson": "Couches GeoJSON",
    "ipynb": "Carnet Jupyter",
}


def dossier_des_sorties() -> Path:
    """Le dossier où l'explorateur écrit."""
    return Path(os.environ.get("CAFDIAG_SORTIES") or "sorties")


def rapport(etat: Etat, formats: Sequence[str]) -> list[Path]:
    """Le diagnostic du territoire dans ces formats ; rend les fichiers écrits.

    Raises
    ------
    DemandeFausse
        Aucun format demandé.
    ProductionImpossible
        Dossier protégé ou disque plein ; rien n'est écrit à moitié.
    """
    from cafdiag.restitution.produire import diagnostic

    if not formats:
        raise DemandeFausse("aucun document n'est coché", conseil="cochez-en au moins un")
    ou, voulus = dossier_des_sorties(), tuple(formats)
    return list(diagnostic(etat.territoire, sortie=ou, formats=voulus, annee=etat.annee).values())


def tableur(etat: Etat) -> list[Path]:
    """Un classeur : tous les indicateurs du territoire, de ses références et des territoires choisis."""
    import pandas as pd

    from cafdiag.restitution.rendu_xlsx import rendre_xlsx

    lieu = etat.territoire
    tables = [comparer(lieu), *(mesurer(cle).assign(role="autre") for cle in etat.autres)]
    classeur = rendre_xlsx(pd.concat(tables, ignore_index=True), titre=lieu.nom, maille=LIBELLES_MAILLES[lieu.maille])
    return [magasin.ecrire_atomique(dossier_des_sorties() / f"mesures-{_suffixe(etat)}.xlsx", classeur)]


def image(etat: Etat) -> list[Path]:
    """La carte de la vue, titre et source compris : en PNG, en SVG, et en page interactive."""
    vivante = carte(etat.territoire, etat.indicateur, annee=etat.annee)
    ou = dossier_des_sorties()
    chemins = [ou / f"carte-{_suffixe(etat)}-{etat.indicateur}{suite}" for suite in (".png", ".svg", ".html")]
    return magasin.ecrire_ensemble({chemin: vivante.contenu(chemin.suffix) for chemin in chemins})


def _suffixe(etat: Etat) -> str:
    # Deux périmètres peuvent porter le même nom (« Craon, Cossé-le-Vivien et 3 autres ») : leur code les distingue.
    lieu = etat.territoire
    return lieu.code if lieu.maille == "perimetre" else lieu.cle.replace(":", "-")


def liens(chemins: list[Path]) -> str:
    """Les fichiers écrits : un lien s'ils sont servis par l'atelier, leur chemin sinon."""
    elements = "".join(f"<li>{_lien(chemin.resolve())}</li>" for chemin in chemins)
    return f'<ul class="fichiers">{elements}</ul>'


def _lien(chemin: Path) -> str:
    racine = os.environ.get("CAFDIAG_ATELIER", "")
    if racine and chemin.is_relative_to(racine):
        servi = os.environ.get("CAFDIAG_ADRESSE") or "/files"
        adresse = quote(f"{servi}/{chemin.relative_to(racine).as_posix()}")
        return f'<a href="{html_sur(adresse)}" target="_blank" rel="noopener">{html_sur(chemin.name)}</a>'
    return f"<code>{html_sur(chemin)}</code>"
