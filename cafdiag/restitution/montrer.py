"""Une table montrée dans un carnet : en français, sans ``NaN`` ni point décimal (``cd.montrer``)."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from cafdiag.indicateurs import dictionnaire
from cafdiag.restitution.document import Bout, Case, Table
from cafdiag.restitution.echappement import est_vide
from cafdiag.restitution.formats import STATUTS, majuscule
from cafdiag.restitution.rendu_html import fragment
from cafdiag.restitution.terminal import ROLES, aligner, en_colonnes

# Ce que dit l'en-tête, quand le nom de la colonne ne suffit pas.
_ENTETES = {
    "nom": "Territoire",
    "libelle": "Indicateur",
    "indicateur": "Indicateur",
    "unite": "Unité",
    "annee": "Année",
    "millesime": "Millésime",
    "role": "Rôle",
    "departement": "Département",
    "region": "Région",
    "mediane": "Médiane",
    "numerateur": "Numérateur",
    "denominateur": "Dénominateur",
    "taux_projete": "Taux projeté",
    "rang_haut": "Rang",
    "ecart": "Écart",
}
_MOTS = {
    "statut": {cle: statut.libelle for cle, statut in STATUTS.items()},
    "role": {role: _ENTETES.get(role, majuscule(role)) for role in ROLES},
}
_SANS_COUPURE = 100_000
_STYLE = (
    "<style>.cafdiag-table table{border-collapse:collapse;background:#fff;color:#1b2430;"
    "font:.875rem/1.4 system-ui,'Liberation Sans',Arial,sans-serif}.cafdiag-table th,.cafdiag-table td{"
    "padding:.3rem .8rem;text-align:left!important;vertical-align:top;border-top:1px solid #d5dbe1;max-width:34rem;"
    "white-space:normal}.cafdiag-table thead th{border:0;background:#f3f6f8}.cafdiag-table .nombre{"
    "text-align:right!important;font-variant-numeric:tabular-nums;white-space:nowrap}</style>"
)


@dataclass(frozen=True)
class TableMontree:
    """Une table prête à lire : dans un carnet, un tableau du rapport ; dans une console, `texte`."""

    table: Table
    texte: str

    def _repr_html_(self) -> str:
        return f'{_STYLE}<div class="cafdiag-table">{fragment((self.table,))}</div>'

    def __repr__(self) -> str:
        return self.texte


def montrer(table: pd.DataFrame) -> TableMontree:
    """Montre une table à la française : libellés au lieu des codes, virgule décimale, milliers, manquants dits.

    Parameters
    ----------
    table : DataFrame
        Ce que rendent :func:`cafdiag.mesurer`, :func:`cafdiag.comparer`…, ou ce qu'on en a tiré (colonnes choisies,
        ``pivot``) ; l'index est montré s'il porte un nom.

    Returns
    -------
    TableMontree
        S'affiche de lui-même en fin de cellule. Un manquant porte le symbole de son statut (« n.d. », « s »,
        « s.o. »), « n.d. » s'il n'en a pas ; jamais zéro, jamais vide.

    Examples
    --------
    >>> import cafdiag as cd
    >>> mesures = cd.mesurer("200048551", ["PE_TXCOUV_GLOBAL", "AVS_QPV_COUV"])
    >>> montrer(mesures[["libelle", "annee", "valeur", "statut"]])
    Indicateur                                            Année  Valeur  Statut
    Taux de couverture global en accueil du jeune enfant   2023    79,9  exact
    Part des QPV couverts par un centre social             2024    s.o.  sans objet
    """
    if table.columns.name == "role":
        table = table[[role for role in ROLES if role in table]]
    if isinstance(table.index, pd.MultiIndex) or table.index.name is not None:
        table = table.reset_index()
    connus = dictionnaire()
    entetes, rangees, a_droite = en_colonnes(
        table, unites=_unites(table), vides=_vides(table), large=_SANS_COUPURE
    )
    courts = connus["libelle_court"].to_dict()
    mots = {**_MOTS, "indicateur": courts}
    for rang, nom in enumerate(entetes):
        for rangee in rangees:
            rangee[rang] = mots.get(nom, {}).get(rangee[rang], rangee[rang])
    entetes = [courts.get(nom) or _ENTETES.get(nom) or majuscule(nom.replace("_", " ")) for nom in entetes]
    return TableMontree(_table(entetes, rangees, a_droite), aligner([entetes, *rangees], a_droite))


def _unites(table: pd.DataFrame) -> list[str | None]:
    """L'unité de chaque ligne : la sienne, sinon celle de son indicateur."""
    if "unite" in table:
        return table["unite"].tolist()
    connus = dictionnaire()
    par_nom = dict(zip(connus["libelle"], connus["unite"], strict=True)) | connus["unite"].to_dict()
    cles = next((table[nom] for nom in ("indicateur", "libelle") if nom in table), None)
    return [None] * len(table) if cles is None else [par_nom.get(cle) for cle in cles]


def _vides(table: pd.DataFrame) -> list[str]:
    if "statut" not in table:
        return ["n.d."] * len(table)
    return [STATUTS[s].symbole or "n.d." if not est_vide(s) and s in STATUTS else "n.d." for s in table["statut"]]


def _table(entetes: list[str], rangees: list[list[str]], a_droite: list[bool]) -> Table:
    def ligne(cases: list[str], *, entete: bool = False) -> tuple[Case, ...]:
        return tuple(
            Case((Bout(c),), entete=entete, nombre=d) for c, d in zip(cases, a_droite, strict=True)
        )

    vide = (Case((Bout("Aucune ligne."),), colonnes=len(entetes)),)
    return Table("", "", (ligne(entetes, entete=True),), tuple(map(ligne, rangees)) or (vide,))
