"""Ce que coûtent des places nouvelles : financement de la Caf et reste à charge, par section.

Fonctions pures. Deux sections qu'on n'additionne jamais : l'investissement, une fois ; le fonctionnement, par an.
"""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from cafdiag.indicateurs.baremes import Baremes
from cafdiag.indicateurs.contexte import compter
from cafdiag.indicateurs.financement import CONNUS, Poste, financer, totaliser

SANS_COUT_INVESTISSEMENT = "coût de création d'une place non donné"
SANS_COUT_FONCTIONNEMENT = "coût de fonctionnement d'une place non donné"
# Des aides possibles selon les familles accueillies : dites, jamais comptées d'office.
_EN_PLUS = ("bonus_mixite", "bonus_handicap", "bonus_attractivite", "psu_prix_plafond")


def chiffrer(
    modes: pd.DataFrame,
    baremes: Baremes,
    *,
    annee: int | None = None,
    cout_investissement: float | None = None,
    cout_fonctionnement: float | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame, tuple[str, ...]]:
    """Financement et reste à charge de places nouvelles.

    Parameters
    ----------
    modes : DataFrame
        ``mode, places, bas, haut`` : places à créer par mode, et leur fourchette.
    baremes : Baremes
    annee : int, optional
        Année de barème.
    cout_investissement, cout_fonctionnement : float, optional
        Coût d'une place de crèche : de création, et par an (€).

    Returns
    -------
    financement : DataFrame
        Colonnes de :func:`cafdiag.indicateurs.financement.financer`, précédées de ``section``.
    reste : DataFrame
        ``section, caf_bas, caf_haut, reste_bas, reste_haut, motif``.

        - Investissement : coût - Piaje, le Piaje ne dépassant pas 80 % de la dépense. Sans coût, au moins un quart
          du Piaje (les 20 % que la Caf ne finance pas).
        - Fonctionnement : de ``coût × (1 - 66 %) - bonus`` (PSU et participations au mieux) à
          ``coût × (1 - 36 %) - bonus`` (PSU moyenne, sans participation des familles). Sans coût, inconnu.
    inconnues : tuple of str
        Ce qui manque pour chiffrer, et les aides non comptées.

    Examples
    --------
    >>> from cafdiag.indicateurs.baremes import lire_baremes
    >>> modes = pd.DataFrame({"mode": ["eaje_psu"], "places": [49.0], "bas": [49.0], "haut": [49.0]})
    >>> financement, reste, _ = chiffrer(modes, lire_baremes(), annee=2025)
    >>> financement.set_index("bareme").loc["bonus_territoire_places_nouvelles", ["bas", "haut"]].tolist()
    [127400.0, 176400.0]
    >>> reste[["caf_bas", "caf_haut", "reste_bas", "reste_haut"]].round().to_numpy().tolist()
    [[362600.0, 1274000.0, 90650.0, nan], [127400.0, nan, nan, nan]]
    """
    places = modes.set_index("mode")[["places", "bas", "haut"]]
    psu = _bornes(places.loc["eaje_psu"]) if "eaje_psu" in places.index else (0.0, 0.0)
    autres = [m for m in places.index if m != "eaje_psu"]
    depense = None
    if psu is not None and cout_fonctionnement is not None:
        depense = (psu[0] * cout_fonctionnement, psu[1] * cout_fonctionnement)
    elif psu == (0.0, 0.0):
        depense = psu
    motif = "nombre de places inconnu" if psu is None else SANS_COUT_FONCTIONNEMENT
    inconnu = "nombre de places inconnu"
    sections = {
        "investissement": [
            Poste("piaje", psu, motif=inconnu),
            *(Poste("aide_place_hors_psu", _bornes(places.loc[m]), motif=inconnu) for m in autres),
        ],
        "fonctionnement": [
            Poste("bonus_territoire_places_nouvelles", psu, motif=inconnu),
            Poste("psu_part_moyenne", depense, "PSU (part moyenne du coût d'une place)", motif=motif),
        ],
    }
    financement = financer([p for postes in sections.values() for p in postes], baremes, annee=annee)
    financement["section"] = [section for section, postes in sections.items() for _ in postes]
    plafond = baremes.choisir("piaje_plafond", annee=annee)
    if cout_investissement is not None and plafond.statut in CONNUS and psu is not None:
        for colonne, n in zip(("bas", "haut"), psu, strict=True):
            # Le Piaje est la première ligne.
            financement.at[0, colonne] = np.minimum(
                financement.at[0, colonne], n * cout_investissement * plafond.bornes[1] / 100
            )
    financement = financement[["section", *(c for c in financement if c != "section")]]
    hors_psu = any(_bornes(places.loc[m]) != (0.0, 0.0) for m in autres)
    reste = _reste(financement, psu, baremes, annee, cout_investissement, cout_fonctionnement, hors_psu)
    if psu == (0.0, 0.0) and not hors_psu:
        return financement, reste, ()
    return financement, reste, _inconnues(financement, reste, baremes, annee)


def _bornes(ligne: pd.Series) -> tuple[float, float] | None:
    """Fourchette de places ; sans fourchette, la valeur seule ; None si rien n'est connu."""
    bas, haut = float(ligne["bas"]), float(ligne["haut"])
    if math.isnan(bas) or math.isnan(haut):
        bas = haut = float(ligne["places"])
    return None if math.isnan(bas) or math.isnan(haut) else (bas, haut)


def _reste(
    financement, psu, baremes, annee, cout_investissement, cout_fonctionnement, hors_psu
) -> pd.DataFrame:
    lignes = []
    for section, calcul, cout in (
        ("investissement", _reste_investissement, cout_investissement),
        ("fonctionnement", _reste_fonctionnement, cout_fonctionnement),
    ):
        caf = totaliser(financement[financement["section"].eq(section)])
        bas, haut, motif = (
            calcul(psu, cout, baremes, annee)
            if psu is not None
            else (math.nan, math.nan, "nombre de places inconnu")
        )
        if hors_psu:
            # Le coût des autres modes n'est pas connu : ce qui est chiffré n'est qu'un minorant.
            haut, motif = (
                math.nan,
                "reste à charge des places hors PSU inconnu" + (f" ; {motif}" if motif else ""),
            )
        lignes.append((section, *caf, bas, haut, motif))
    return pd.DataFrame(
        lignes, columns=["section", "caf_bas", "caf_haut", "reste_bas", "reste_haut", "motif"]
    ).astype(dict.fromkeys(("caf_bas", "caf_haut", "reste_bas", "reste_haut"), "float64"))


def _reste_investissement(psu, cout, baremes: Baremes, annee) -> tuple[float, float, str]:
    piaje, plafond = (baremes.choisir(c, annee=annee) for c in ("piaje", "piaje_plafond"))
    if psu == (0.0, 0.0):
        return 0.0, 0.0, ""
    if piaje.statut not in CONNUS or plafond.statut not in CONNUS:
        return math.nan, math.nan, "barème du Piaje inconnu"
    part = plafond.bornes[1] / 100
    if cout is None:
        plancher = f"{SANS_COUT_INVESTISSEMENT} ; au moins, car l'aide ne dépasse pas {plafond.haut:g} % de la dépense"
        return psu[0] * piaje.bas * (1 - part) / part, math.nan, plancher
    aide = [min(x, part * cout) for x in (piaje.bas, piaje.haut)]
    return psu[0] * (cout - aide[1]), psu[1] * (cout - aide[0]), ""


def _reste_fonctionnement(psu, cout, baremes: Baremes, annee) -> tuple[float, float, str]:
    if psu == (0.0, 0.0):
        return 0.0, 0.0, ""
    if cout is None:
        return math.nan, math.nan, SANS_COUT_FONCTIONNEMENT
    codes = ("bonus_territoire_places_nouvelles", "psu_part_du_prix", "psu_part_moyenne")
    bonus, prix, moyenne = (baremes.choisir(c, annee=annee) for c in codes)
    if any(c.statut not in CONNUS for c in (bonus, prix, moyenne)):
        return math.nan, math.nan, "barème de la PSU ou du bonus territoire inconnu"
    bas = max(0.0, cout * (1 - prix.bornes[1] / 100) - bonus.bornes[1])
    haut = max(bas, cout * (1 - moyenne.bornes[0] / 100) - bonus.bornes[0])
    return psu[0] * bas, psu[1] * haut, (
        f"la borne basse retire la PSU et la participation des familles ({prix.haut:g} % du coût), la borne haute la "
        f"seule PSU moyenne ({moyenne.bas:g} %) : ce que paient les familles n'est pas retiré à part"
    )


def _inconnues(financement, reste, baremes: Baremes, annee) -> tuple[str, ...]:
    if financement["quantite_bas"].isna().all():
        return ("Les montants ne se calculent pas sans le nombre de places.",)
    dites = [
        f"{f['poste']} : {f['motif']}"
        for _, f in financement.iterrows()
        if f["motif"] and (pd.isna(f["bas"]) or pd.isna(f["haut"]) or f["statut"] == "conflit")
    ]
    sans_plafond = reste[reste["motif"].ne("") & reste["reste_haut"].isna()]
    dites += [f"Reste à charge, {r['section']} : {r['motif']}" for _, r in sans_plafond.iterrows()]
    for code in _EN_PLUS:
        choix = baremes.choisir(code, annee=annee)
        if not choix.retenus:
            continue
        bas, haut = choix.bornes
        montant = f"{compter(round(bas))} à {compter(round(haut))} {choix.unite}" if choix.connu else "montant non lu"
        detail = choix.motif or montant
        dites.append(f"{choix.libelle}{', non compté' if choix.connu else ''} : {detail}")
    return tuple(dict.fromkeys(dites))
