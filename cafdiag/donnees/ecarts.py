"""Local et officiel côte à côte : ce que compte le registre, ce que publie la source, l'écart dit en clair.

Ni l'un ni l'autre n'est corrigé : l'import d'un registre dit les deux, et le lecteur juge.
"""

from __future__ import annotations

import pandas as pd

from cafdiag.donnees.grandeurs import derniere_annee
from cafdiag.donnees.registres_champs import TYPES
from cafdiag.millesimes import millesime
from cafdiag.territoires.referentiel import fiches

# Type local → colonnes communales qui le comptent, la plus sûre d'abord ; ce qu'il faut en savoir.
_OFFICIELS = {
    "eaje": (
        ("bpe{*}_eaje",),
        f"BPE D502 ; les micro-crèches sont comptées à part depuis {millesime('bpe.micro_creches')}",
    ),
    "micro_creche": (("bpe{*}_micro_creche",), "BPE D509"),
    "alsh": (("bpe{*}_alsh",), "BPE D505, qui compte des implantations : souvent plusieurs pour un accueil"),
    "rpe": (("bpe{*}_rpe",), "BPE D504"),
    "laep": (("bpe{*}_laep",), "BPE D503"),
    "centre_social": (("bpe{*}_centre_social",), "BPE D506"),
    "evs": (("bpe{*}_evs",), "BPE D508"),
    "france_services": (("france_services_{*}", "bpe{*}_france_services"), "ANCT, sinon BPE A128"),
}
_SANS_SOURCE = ((), "aucune source officielle ouverte ne les compte")
_TYPES = dict.fromkeys(["local", "officiel", "ecart", "annee_officielle"], "Int64")
_TYPES = dict.fromkeys(["code", "type"], "str") | _TYPES | {"reserve": "str"}
_MONTRES = 5


def comparer_structures(structures: pd.DataFrame, communes: pd.DataFrame) -> pd.DataFrame:
    """Nombre de structures par commune et par type : le registre contre la source officielle.

    Parameters
    ----------
    structures : DataFrame
        Table canonique ``structures`` d'un registre (``type``, ``code``).
    communes : DataFrame
        Table communale (colonne ``code``, ou codes en index) avec ``bpe2025_eaje``, ``france_services_2025``…

    Returns
    -------
    DataFrame
        ``code, type, local, officiel, ecart, annee_officielle, reserve``, un rang par type et par commune que le
        registre cite pour lui ; ``ecart = local − officiel``, manquant si la source ne publie rien.

    Examples
    --------
    >>> locales = pd.DataFrame({"type": ["eaje", "eaje"], "code": ["53084", "53084"]})
    >>> officielles = pd.DataFrame({"code": ["53084", "53012"], "bpe2025_eaje": [1, 2]})
    >>> comparer_structures(locales, officielles)[["code", "local", "officiel", "ecart"]].values.tolist()
    [['53084', 2, 1, 1]]
    """
    officielles = communes.set_index("code") if "code" in communes else communes
    tables = [pd.DataFrame(columns=list(_TYPES))]
    for type_structure, siennes in structures.groupby("type", sort=False):
        gabarits, reserve = _OFFICIELS.get(type_structure, _SANS_SOURCE)
        local = siennes["code"].value_counts().sort_index().astype("Int64")
        annees = {g: annee for g in gabarits if (annee := derniere_annee(officielles, g))}
        gabarit, annee = next(iter(annees.items()), ("", pd.NA))
        publies = officielles.get(gabarit.replace("{*}", str(annee)), pd.Series(dtype="float64"))
        officiel = publies.reindex(local.index).astype("Float64").round().astype("Int64")
        ecart = pd.DataFrame({"type": type_structure, "local": local, "officiel": officiel, "ecart": local - officiel,
                              "annee_officielle": pd.Series(annee, local.index, dtype="Int64").where(officiel.notna()),
                              "reserve": reserve})
        tables.append(ecart.rename_axis("code").reset_index())
    return pd.concat(tables, ignore_index=True).astype(_TYPES)


def dire(structures: pd.DataFrame, communes: pd.DataFrame) -> list[str]:
    """Une phrase par type que la source officielle compte aussi ; un type ou une commune qu'elle tait n'y est pas.

    >>> locales = pd.DataFrame({"type": ["rpe", "rpe"], "code": ["53084", "53012"]})
    >>> print(*dire(locales, pd.DataFrame({"code": ["53084", "53012"], "bpe2025_rpe": [1, 0]})))
    RPE : 2 dans ce registre, 1 dans les mêmes communes d'après la source officielle de 2025 (Athée 1 et 0) ; BPE D504
    """
    phrases = []
    connus = comparer_structures(structures, communes).dropna(subset=["officiel"])
    for type_structure, siens in connus.groupby("type", sort=False):
        autres = siens[siens["ecart"].ne(0)]
        noms = [fiches()["commune"][code].nom for code in autres["code"].head(_MONTRES)]
        cites = [f"{nom} {local} et {officiel}" for nom, local, officiel in
                 zip(noms, autres["local"], autres["officiel"], strict=False)]
        suite = f" ({', '.join(cites)}{'…' if len(autres) > _MONTRES else ''})" if cites else ""
        phrases.append(
            f"{TYPES[type_structure][0]} : {siens['local'].sum()} dans ce registre, {siens['officiel'].sum()} dans les "
            f"mêmes communes d'après la source officielle de {siens['annee_officielle'].max()}{suite} ; "
            f"{siens['reserve'].iloc[0]}")
    return phrases
