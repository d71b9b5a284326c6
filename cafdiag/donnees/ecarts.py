"""Local et officiel côte à côte : ce que compte le registre, ce que publie la source, l'écart dit en clair.

Des fonctions pures sur des tables : ni l'un ni l'autre n'est corrigé, le lecteur voit les deux.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import pandas as pd

from cafdiag.millesimes import millesime

# Type local → colonnes communales qui le comptent, la plus sûre d'abord ; ce qu'il faut en savoir.
_OFFICIELS = {
    "eaje": (
        ("bpe{}_eaje",),
        f"BPE D502 ; les micro-crèches sont comptées à part depuis {millesime('bpe.micro_creches')}",
    ),
    "micro_creche": (("bpe{}_micro_creche",), "BPE D509"),
    "alsh": (("bpe{}_alsh",), "BPE D505, qui compte des implantations : souvent plusieurs pour un accueil"),
    "rpe": (("bpe{}_rpe",), "BPE D504"),
    "laep": (("bpe{}_laep",), "BPE D503"),
    "centre_social": (("bpe{}_centre_social",), "BPE D506"),
    "evs": (("bpe{}_evs",), "BPE D508"),
    "france_services": (("france_services_{}", "bpe{}_france_services"), "ANCT, sinon BPE A128"),
}
COLONNES = ("code", "type", "grandeur", "local", "officiel", "ecart", "annee_officielle", "phrase", "reserve")


def _colonne(colonnes: Iterable[str], modeles: tuple[str, ...]) -> tuple[str, int] | None:
    """La colonne officielle la plus récente du premier modèle présent."""
    for modele in modeles:
        motif = re.compile(re.escape(modele).replace(r"\{\}", r"(\d{4})"))
        trouvees = {int(m[1]): c for c in colonnes if (m := motif.fullmatch(c))}
        if trouvees:
            annee = max(trouvees)
            return trouvees[annee], annee
    return None


def phrase(local: float, officiel: float, *, unite: str) -> str:
    """L'écart en toutes lettres ; un manquant est dit, jamais pris pour zéro.

    >>> phrase(5, 3, unite="structure"), phrase(1, 1, unite="structure")
    ('2 structures de plus que la source officielle', 'autant que la source officielle')
    >>> phrase(3, float("nan"), unite="place")
    'la source officielle ne publie rien ici'
    """
    if pd.isna(local):
        return "le registre local est incomplet ici"
    if pd.isna(officiel):
        return "la source officielle ne publie rien ici"
    ecart = round(local - officiel)
    if ecart == 0:
        return "autant que la source officielle"
    pluriel = "s" if abs(ecart) > 1 else ""
    return f"{abs(ecart)} {unite}{pluriel} de {'plus' if ecart > 0 else 'moins'} que la source officielle"


def comparer_structures(
    structures: pd.DataFrame, communes: pd.DataFrame, *, codes: Iterable[str] | None = None
) -> pd.DataFrame:
    """Nombre de structures par commune et par type : le registre contre la source officielle.

    Parameters
    ----------
    structures : DataFrame
        Table canonique ``structures`` d'un registre (``type``, ``code``).
    communes : DataFrame
        Table communale (colonne ``code``, ou codes en index) avec ``bpe2025_eaje``,
        ``france_services_2025``…
    codes : iterable of str, optional
        Communes que le registre est censé couvrir : il y vaut zéro quand il ne cite rien. Par défaut,
        seules les communes qu'il cite pour ce type sont comparées.

    Returns
    -------
    DataFrame
        ``code, type, grandeur, local, officiel, ecart, annee_officielle, phrase, reserve``, un rang par
        commune et type du registre ; ``ecart = local − officiel``, manquant si l'un des deux manque.

    Examples
    --------
    >>> locales = pd.DataFrame({"type": ["eaje", "eaje"], "code": ["53084", "53084"]})
    >>> officielles = pd.DataFrame({"code": ["53084", "53012"], "bpe2025_eaje": [1, 2]})
    >>> comparer_structures(locales, officielles)[["code", "local", "officiel", "ecart"]].values.tolist()
    [['53084', 2, 1, 1]]
    """
    officielles = communes.set_index("code") if "code" in communes else communes
    voulus = None if codes is None else list(dict.fromkeys(codes))
    lignes = []
    for type_structure, groupe in structures.groupby("type", sort=False):
        comptes = groupe["code"].value_counts().sort_index()
        ici = comptes.index.tolist() if voulus is None else voulus
        modeles, reserve = _OFFICIELS.get(
            type_structure, ((), "aucune source officielle ouverte ne les compte")
        )
        trouvee = _colonne(officielles.columns, modeles)
        publies = officielles[trouvee[0]] if trouvee else pd.Series(dtype="Int64")
        for code in ici:
            local = int(comptes.get(code, 0))
            lignes.append(
                _ligne(
                    code,
                    type_structure,
                    "structures",
                    local,
                    publies.get(code),
                    trouvee[1] if trouvee else None,
                    "structure",
                    reserve,
                )
            )
    return _table(lignes)


def _ligne(code, type_structure, grandeur, local, officiel, annee, unite, reserve) -> tuple:
    officiel = pd.NA if officiel is None or pd.isna(officiel) else round(officiel)
    ecart = pd.NA if pd.isna(local) or pd.isna(officiel) else local - officiel
    dit = phrase(
        float("nan") if pd.isna(local) else local,
        float("nan") if pd.isna(officiel) else officiel,
        unite=unite,
    )
    return (
        code,
        type_structure,
        grandeur,
        local,
        officiel,
        ecart,
        pd.NA if pd.isna(officiel) or annee is None else annee,
        dit,
        reserve,
    )


def _table(lignes: list[tuple]) -> pd.DataFrame:
    table = pd.DataFrame(lignes, columns=list(COLONNES))
    entiers = dict.fromkeys(["local", "officiel", "ecart", "annee_officielle"], "Int64")
    return table.astype(dict.fromkeys(["code", "type", "grandeur", "phrase", "reserve"], "str") | entiers)
