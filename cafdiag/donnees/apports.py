"""Ce que l'utilisateur apporte : les contours des QPV de l'ANCT, son registre de structures."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from cafdiag.donnees.compte_rendu import CompteRendu, Lecture
from cafdiag.donnees.memoire import AuBesoin
from cafdiag.donnees.registres_champs import TYPES_STRUCTURES as TYPES_STRUCTURES
from cafdiag.erreurs import EntreeFautive, fichier_illisible
from cafdiag.magasin import lire_table
from cafdiag.millesimes import millesime
from cafdiag.territoires.normalisation import normaliser

if TYPE_CHECKING:
    import geopandas as gpd

# Un rapport n'a besoin que de cela : aucune autre colonne du registre ne le suit.
_COLONNES = ["type", "nom", "code", "lon", "lat", "places", "source"]


@dataclass(frozen=True)
class Apports:
    """Données de l'utilisateur, contrôlées.

    Attributes
    ----------
    qpv : GeoDataFrame or None
        ``code``, ``nom``, ``population`` (peut manquer), ``geometry`` en WGS84.
    structures : DataFrame or None
        ``type, nom, code, lon, lat, places, source``.
    departements_complets : frozenset of str
        Départements dont le registre est déclaré complet : les comptes y sont exacts.
    compte_rendu, compte_rendu_qpv : CompteRendu or None
        Ce que la lecture du registre, et celle des contours, ont gardé, écarté et réparé.
    types : frozenset of str
        Types que le registre décrit, même si aucune de ses structures ne compte (aucune agréée).
    """

    qpv: gpd.GeoDataFrame | None = AuBesoin(None)
    structures: pd.DataFrame | None = None
    departements_complets: frozenset[str] = frozenset()
    compte_rendu: CompteRendu | None = None
    compte_rendu_qpv: CompteRendu | None = None
    types: frozenset[str] = frozenset()

    @property
    def vide(self) -> bool:
        """Vrai si rien n'est apporté."""
        return self.qpv is None and self.structures is None and not self.departements_complets

    def complet(self, type_structure: str) -> frozenset[str]:
        """Départements dont le registre est complet pour ce type : ceux déclarés, si le type y figure."""
        if self.structures is None or type_structure not in {*self.structures["type"], *self.types}:
            return frozenset()
        return self.departements_complets


def lire_apports(
    *,
    qpv: str | Path | None = None,
    registre: str | Path | None = None,
    registre_complet: tuple[str, ...] | list[str] = (),
) -> Apports:
    """Lit et contrôle les fichiers de l'utilisateur.

    Parameters
    ----------
    qpv : path, optional
        Contours des QPV 2024 publiés par l'ANCT (GeoJSON, GeoPackage ou shapefile).
    registre : path, optional
        Registre de structures, xlsx, ods ou CSV : colonnes ``type``, ``nom``, ``code`` (code Insee
        de la commune), et facultativement ``lon``, ``lat``. Voir :mod:`cafdiag.donnees.registres`.
    registre_complet : sequence of str
        Départements pour lesquels ce registre est complet (« 49 »), pour les types de structures qu'il
        contient. Sans cela, un compte est un minorant.

    Raises
    ------
    EntreeFautive
        Tous les défauts du fichier d'un coup, avec ligne, colonne et valeur.
    """
    lecture = None if registre is None else _lire_registre(Path(registre))
    complets = frozenset(str(d).strip() for d in registre_complet)
    if complets and lecture is None:
        raise EntreeFautive(
            "registre",
            ["aucun registre n'est donné, mais il est déclaré complet"],
            conseil="ajoutez --registre FICHIER",
        )
    if complets and lecture is not None and lecture.table.empty and not lecture.types:
        raise EntreeFautive(
            lecture.compte_rendu.fichier,
            ["le registre est vide, mais il est déclaré complet"],
            conseil="vérifiez le fichier : une liste vide ferait croire qu'il n'y a aucune structure",
        )
    _refuser_departements(complets)
    contours, compte_rendu_qpv = (None, None) if qpv is None else _lire_qpv(Path(qpv))
    return Apports(
        qpv=contours,
        structures=None if lecture is None else lecture.table[_COLONNES],
        departements_complets=complets,
        compte_rendu=None if lecture is None else lecture.compte_rendu,
        compte_rendu_qpv=compte_rendu_qpv,
        types=frozenset() if lecture is None else frozenset(lecture.types),
    )


def _refuser_departements(codes: frozenset[str]) -> None:
    connus = set(lire_table("departements", colonnes=["code"])["code"])
    inconnus = sorted(codes - connus)
    if inconnus:
        raise EntreeFautive(
            "registre complet",
            [f"département inconnu : « {c} »{_voulait(c)}" for c in inconnus],
            attendu="des codes de département, comme 49 ou 2A",
        )


def _voulait(ecrit: str) -> str:
    """Le département que ce nom ou ce code sans son zéro désigne."""
    departements = lire_table("departements", colonnes=["code", "nom"])
    designes = departements["code"].eq(ecrit.zfill(2).upper())
    designes |= departements["nom"].map(normaliser).eq(normaliser(ecrit))
    return "".join(f" ({code} ?)" for code in departements.loc[designes, "code"])


def _lire_registre(chemin: Path) -> Lecture:
    """Lit le registre par la voie commune ; ici tout défaut refuse le fichier, une répétition aussi."""
    # Les registres chargent leurs contrôles : inutile à qui n'en apporte pas.
    from cafdiag.donnees.registres import importer

    lecture = importer(chemin, ignorer_inconnues=True, vide_permis=True)
    if lecture.jeu == "activite":
        raise EntreeFautive(
            chemin.name,
            ["ce fichier donne l'activité du territoire, pas des structures"],
            attendu="un registre de structures",
            conseil="rangez-le dans l'entrepôt avec « cafdiag donnees importer »",
        )
    if lecture.jeu != "structures":
        raise EntreeFautive(
            chemin.name,
            ["des assistants maternels ne sont pas des structures : ils se comptent par commune"],
            attendu="un registre de structures",
        )
    repetees = [r for r in lecture.compte_rendu.rejets if "répète" in r.raison]
    if repetees:
        raise EntreeFautive(
            chemin.name,
            [f"ligne {r.ligne} : déjà présente ({r.raison})" for r in repetees],
            conseil="corrigez ces lignes puis relancez ; rien n'a été importé",
        )
    return lecture


def _lire_qpv(chemin: Path) -> tuple[gpd.GeoDataFrame, CompteRendu]:
    """Lit les contours par le lecteur des imports ; ici, toute ligne fautive refuse le fichier."""
    from cafdiag.donnees.lecteurs.anct import lire_qpv
    from cafdiag.donnees.lecteurs.chantier import REPETEE

    if not chemin.is_file():
        raise fichier_illisible(
            chemin, FileNotFoundError(chemin), attendu=f"les contours des QPV {millesime('qpv.liste')} de l'ANCT "
            "(GeoJSON, GPKG ou SHP)"
        )
    lecture = lire_qpv(chemin)
    fautifs = [str(r) for r in lecture.compte_rendu.rejets if r.raison != REPETEE]
    if fautifs:
        raise EntreeFautive(chemin.name, fautifs, conseil="reprenez le fichier publié par l'ANCT")
    return lecture.table, lecture.compte_rendu
