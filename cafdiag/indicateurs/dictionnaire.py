"""Le dictionnaire des indicateurs : une donnée qu'on lit et qu'on exporte (``data/indicateurs.csv``)."""

from __future__ import annotations

import difflib
import re
from functools import lru_cache

import pandas as pd

from cafdiag.erreurs import CafdiagError, DemandeFausse, DonneesAbimees, en_clair
from cafdiag.magasin import dossier, verifier
from cafdiag.territoires.normalisation import normaliser

THEMES = {
    "portrait": "Portrait du territoire",
    "petite-enfance": "Petite enfance",
    "enfance-jeunesse": "Enfance et jeunesse",
    "animation-vie-sociale": "Animation de la vie sociale",
    "parentalite": "Parentalité",
    "acces-aux-droits": "Accès aux droits et inclusion numérique",
    "logement": "Logement",
    "handicap-insertion": "Handicap, insertion, séparation",
}


@lru_cache(maxsize=1)
def _lire() -> pd.DataFrame:
    chemin = verifier(dossier("data") / "indicateurs.csv")
    try:
        table = pd.read_csv(chemin, sep=";", dtype=str, keep_default_na=False, encoding="utf-8")
        table = table.fillna("").set_index("code", drop=False)
        if not table.index.is_unique:
            raise CafdiagError("un code d'indicateur est en double")
        table["decimales"] = table["decimales"].astype(int)
        # Sans année ni millésime : ceux de la donnée que le territoire apportera.
        table["annee"] = pd.to_numeric(table["annee"]).astype("Int64")
        table["facteur"] = pd.to_numeric(table["facteur"])
    except (OSError, ValueError, KeyError) as cause:
        raise DonneesAbimees(
            chemin.name, f"dictionnaire illisible ({en_clair(cause)})", conseil="retéléchargez le projet"
        ) from cause
    return table


def dictionnaire(*, theme: str | None = None) -> pd.DataFrame:
    """Le dictionnaire des indicateurs.

    Parameters
    ----------
    theme : str, optional
        Un thème de ``THEMES`` (``petite-enfance``, ``portrait``…).

    Returns
    -------
    DataFrame
        Une ligne par indicateur, indexée par code : libellé, thème, unité, règle d'agrégation, formule,
        numérateur, dénominateur, source, millésime, limites, repères, numéro (celui du référentiel métier, vide
        pour un indicateur propre à l'outil) et ce qu'il faut apporter quand l'embarqué ne suffit pas.

    Raises
    ------
    DemandeFausse
        Thème inconnu.

    Examples
    --------
    >>> dictionnaire().loc["PE_TXCOUV_EAJE", "unite"]
    'places pour 100 enfants'
    """
    table = _lire().copy(deep=False)
    if theme is None:
        return table
    choisi = normaliser(theme).replace(" ", "-")
    if choisi not in THEMES:
        proches = difflib.get_close_matches(choisi, THEMES, n=1)
        conseil = f"essayez « {proches[0]} »" if proches else ""
        raise DemandeFausse(f"thème inconnu : « {theme} »", attendu=", ".join(THEMES), conseil=conseil)
    return table[table["theme"] == choisi]


@lru_cache(maxsize=1)
def effectifs() -> frozenset[str]:
    """Indicateurs qui suivent la taille du territoire : ni rang, ni écart à plus grand que soi.

    Ce sont les sommes (A2), et ce qui se compte en unités entières sans dénominateur (des places à créer).

    Examples
    --------
    >>> sorted({"PE_NAISS", "PE_BESOIN_CIBLE", "PE_TXCOUV_EAJE"} & effectifs())
    ['PE_BESOIN_CIBLE', 'PE_NAISS']
    """
    table = _lire()
    # Un montant médian est en euros entiers, et se compare.
    comptes = table["decimales"].eq(0) & table["unite"].str.fullmatch(r"\w+") & table["unite"].ne("euros")
    return frozenset(table.index[table["regle"].eq("A2") | comptes])


def _proches(ecrit: str, connus: list[str]) -> list[str]:
    """Les codes qui ressemblent à ce qui est écrit, ou dont le libellé a tous ses mots."""
    mots = normaliser(ecrit).split()
    libelles = _lire()["libelle"].map(normaliser)
    dits = [code for code, libelle in libelles.items() if mots and all(m in libelle for m in mots)]
    return difflib.get_close_matches(ecrit.upper(), connus, n=3, cutoff=0.5) or dits[:5]


def choisir(codes: list[str] | None = None) -> list[str]:
    """Codes d'indicateurs demandés, contrôlés ; tous par défaut.

    Raises
    ------
    DemandeFausse
        Tous les codes inconnus d'un coup, avec les plus proches.

    Examples
    --------
    >>> choisir(["pe_txcouv_eaje"])
    ['PE_TXCOUV_EAJE']
    """
    connus = list(_lire().index)
    if not codes:
        return connus
    if isinstance(codes, str):
        codes = [codes]
    ecrits = {re.sub(r"[\s_-]+", "_", str(c).strip()).upper(): str(c).strip() for c in codes}
    voulus = list(ecrits)
    inconnus = [ecrits[c] for c in voulus if c not in connus]
    if inconnus:
        proches = sorted({p for c in inconnus for p in _proches(c, connus)})
        raise DemandeFausse(
            "indicateur inconnu : " + ", ".join(f"« {c} »" for c in inconnus),
            attendu="un code du dictionnaire" + (f" ({', '.join(proches)} ?)" if proches else ""),
            conseil="listez-les avec « cafdiag indicateurs »",
        )
    return voulus
