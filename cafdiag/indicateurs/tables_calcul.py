"""Les tables d'un calcul, lues une fois, et le contexte qu'on en fait pour des territoires donnés."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache

import pandas as pd

from cafdiag.donnees import Apports, entrepot, table_communes
from cafdiag.donnees import tables_assemblees as tables_donnees
from cafdiag.donnees.communes import structures_connues
from cafdiag.donnees.memoire import AuBesoin, Partie
from cafdiag.donnees.tables_assemblees import confidentielles
from cafdiag.donnees.valeurs_publiees import publications
from cafdiag.erreurs import DemandeFausse
from cafdiag.indicateurs.contexte import Contexte
from cafdiag.indicateurs.options import Options
from cafdiag.magasin import lire_table
from cafdiag.territoires import Territoire

# Les mailles dont chaque territoire est une réunion de communes, et que l'on calcule toutes à la fois.
MAILLES = ("commune", "epci", "departement", "region", "france")
_JEUX = ("communes", "taux_couverture", "qpv", "structures", "places", "epci", "qf", "iris", "activite")


@dataclass(frozen=True)
class Tables:
    """Les tables d'un calcul, lues une fois ; on ne les modifie jamais, et ``partage`` garde ce qu'on en tire."""

    communes: AuBesoin[pd.DataFrame] = AuBesoin()
    taux: AuBesoin[pd.DataFrame] = AuBesoin()
    qpv: AuBesoin[pd.DataFrame] = AuBesoin()
    structures: AuBesoin[pd.DataFrame] = AuBesoin()
    apports: AuBesoin[Apports] = AuBesoin()
    places: AuBesoin[pd.DataFrame] = AuBesoin()
    publications: AuBesoin[Mapping[Partie, pd.DataFrame]] = AuBesoin()
    partage: dict = field(init=False, default_factory=dict, repr=False, compare=False)

    @classmethod
    def lire(cls, apports: Apports | None) -> Tables:
        """Les tables embarquées et importées, et les apports ; chacune n'est lue qu'à son premier usage."""
        if apports is None or apports.vide:
            return _tables_sans_apport(tables_donnees.etat())
        return _lire_tables(apports)


def _lire_tables(apports: Apports) -> Tables:
    # Une table abîmée est refusée d'abord, même si le calcul n'en veut pas.
    entrepot.exiger_intact(*_JEUX)
    if apports.qpv is None:
        apports = replace(apports, qpv=tables_donnees.qpv_contours)

    def communes() -> pd.DataFrame:
        # Index en objets Python : ceux adossés à Arrow se reconvertissent à chaque alignement.
        table = table_communes(apports)
        return table.set_axis(table.index.astype(object))

    return Tables(
        communes,
        tables_donnees.taux_couverture,
        lambda: lire_table("qpv"),
        lambda: structures_connues(apports),
        apports,
        tables_donnees.places,
        publications,
    )


@lru_cache(maxsize=1)
def _tables_sans_apport(etat: tuple) -> Tables:
    """Les tables embarquées et importées, relues quand l'entrepôt change."""
    return _lire_tables(Apports())


def etat_de(tables: Tables) -> tuple | None:
    """L'état de l'entrepôt dont viennent ces tables ; None si elles sont apportées, composées à la main ou périmées."""
    # D'abord l'état : importé entre les deux, il ne serait plus celui de ces tables.
    etat = tables_donnees.etat()
    return etat if tables is Tables.lire(None) else None


def un_territoire(cible: Territoire, cle: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Ligne de territoire et appartenance d'un seul territoire, sous une clé."""
    return (
        pd.DataFrame({"maille": cible.maille, "officiel": cible.code, "nom": cible.nom}, index=[cle]),
        pd.DataFrame({"commune": list(cible.communes), "code": cle}),
    )


def verifier_annee(annee: object) -> None:
    """Refuse une année qui n'en est pas une.

    Raises
    ------
    DemandeFausse
    """
    if annee is not None and (not isinstance(annee, int) or isinstance(annee, bool)):
        raise DemandeFausse(f"année : {annee!r}", attendu="un nombre entier, comme 2023")


def contexte_des(
    territoires: pd.DataFrame,
    appartenance: pd.DataFrame,
    tables: Tables,
    *,
    annee: int | None = None,
    options: Options | None = None,
) -> Contexte:
    """Le contexte de calcul de plusieurs territoires (``maille, officiel, nom``) et de leurs communes."""
    verifier_annee(annee)
    territoires = territoires.set_axis(pd.Index(territoires.index.astype(object), name="code")).astype(object)
    return Contexte(
        territoires=territoires,
        appartenance=appartenance.astype(object),
        communes=lambda: tables.communes,
        taux=lambda: tables.taux,
        qpv=lambda: tables.qpv,
        structures=lambda: tables.structures,
        apports=tables.apports,
        annee=annee,
        options=options or Options(),
        partage=tables.partage,
        places=lambda: tables.places,
        publications=lambda: tables.publications,
        etat=None if confidentielles() else etat_de(tables),
    )


def contexte_de(
    cible: Territoire, *, apports: Apports | None = None, options: Options | None = None
) -> Contexte:
    """Le contexte de calcul d'un seul territoire, sous sa clé ``territoire``.

    Le dernier sert encore : la simulation, l'horizon et le besoin d'un rapport n'estiment ses enfants qu'une fois.
    """
    tables, choix = Tables.lire(apports), options or Options()
    cle = (cible.maille, cible.code, cible.nom, cible.communes, choix)
    dernier, contexte = tables.partage.get(("contexte",), (None, None))
    if dernier != cle:
        contexte = contexte_des(*un_territoire(cible, "territoire"), tables, options=choix)
        tables.partage["contexte",] = cle, contexte
    return contexte
