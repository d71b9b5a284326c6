"""Ce qu'un carnet montre d'une table, d'un résultat ou de phrases : en français, sans ``NaN`` ni point décimal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from cafdiag.indicateurs import dictionnaire
from cafdiag.indicateurs.horizon_objets import Horizon
from cafdiag.indicateurs.non_couvert import Besoin
from cafdiag.indicateurs.simulation_objets import Simulation
from cafdiag.restitution import besoin, horizon, simulation
from cafdiag.restitution.document import Bout, Case, Suite, Table, liste
from cafdiag.restitution.echappement import est_vide
from cafdiag.restitution.formats import STATUTS, majuscule
from cafdiag.restitution.rendu_html import fragment
from cafdiag.restitution.terminal import ROLES, aligner, en_colonnes, en_tete

_SANS_COUPURE = 100_000
_STYLE = (
    "<style>.cafdiag-montre{color:#1b2430;font:.875rem/1.4 system-ui,'Liberation Sans',Arial,sans-serif;"
    "max-width:70rem}.cafdiag-montre table{border-collapse:collapse;background:#fff}.cafdiag-montre th,"
    ".cafdiag-montre td{padding:.3rem .8rem;text-align:left!important;vertical-align:top;"
    "border-top:1px solid #d5dbe1;max-width:34rem;white-space:normal}.cafdiag-montre thead th{border:0;"
    "background:#f3f6f8}.cafdiag-montre tbody th{font-weight:400}.cafdiag-montre .nombre{"
    "text-align:right!important;font-variant-numeric:tabular-nums;white-space:nowrap}"
    ".cafdiag-montre caption{text-align:left;font-weight:600;padding:.3rem 0}</style>"
)


@dataclass(frozen=True)
class Montre:
    """Ce qui est prêt à lire : dans un carnet, des éléments du rapport ; dans une console, `texte`."""

    elements: Suite
    texte: str

    def _repr_html_(self) -> str:
        return f'{_STYLE}<div class="cafdiag-montre">{fragment(self.elements)}</div>'

    def __repr__(self) -> str:
        return self.texte


def montrer(quoi: pd.DataFrame | Simulation | Besoin | Horizon | Sequence[str]) -> Montre:
    """Montre une table, un résultat ou des phrases à la française.

    Parameters
    ----------
    quoi : DataFrame, Simulation, Besoin, Horizon or sequence of str
        Une table : ce que rendent :func:`cafdiag.mesurer`, :func:`cafdiag.comparer`…, ou ce qu'on en a tiré (colonnes
        choisies, ``pivot``) ; l'index est montré s'il porte un nom. Un résultat : ce que rendent
        :func:`cafdiag.simuler`, :func:`cafdiag.besoin`, :func:`cafdiag.horizon`. Des phrases : ses hypothèses, ses
        inconnues.

    Returns
    -------
    Montre
        S'affiche de lui-même en fin de cellule : libellés au lieu des codes, virgule décimale, milliers. Un manquant
        porte le symbole de son statut (« n.d. », « s », « s.o. »), « n.d. » s'il n'en a pas ; jamais zéro, jamais vide.

    Examples
    --------
    >>> import cafdiag as cd
    >>> mesures = cd.mesurer("200048551", ["PE_TXCOUV_GLOBAL", "AVS_QPV_COUV"])
    >>> montrer(mesures[["libelle", "annee", "valeur", "statut"]])
    Indicateur                                            Année  Valeur  Statut
    Taux de couverture global en accueil du jeune enfant   2023    79,9  exact
    Part des QPV couverts par un centre social             2024    s.o.  sans objet
    >>> montrer(["Rien n'est inventé."])
    - Rien n'est inventé.
    """
    if isinstance(quoi, Simulation):
        return Montre(simulation.elements(quoi), simulation.simulation_en_texte(quoi))
    if isinstance(quoi, Besoin):
        return Montre(besoin.section(quoi), besoin.en_texte(quoi))
    if isinstance(quoi, Horizon):
        return Montre(horizon.section(quoi), horizon.en_texte(quoi))
    if isinstance(quoi, pd.DataFrame):
        return _table_montree(quoi)
    return Montre(liste(list(quoi)), "\n".join(f"- {phrase}" for phrase in quoi))


def _table_montree(table: pd.DataFrame) -> Montre:
    if table.columns.name == "role":
        table = table[[role for role in ROLES if role in table]]
    if isinstance(table.index, pd.MultiIndex) or table.index.name is not None:
        table = table.reset_index()
    noms, rangees, a_droite = en_colonnes(table, unites=_unites(table), vides=_vides(table), large=_SANS_COUPURE)
    courts = dictionnaire()["libelle_court"].to_dict()
    if "indicateur" in noms:
        rang = noms.index("indicateur")
        rangees = [[*r[:rang], courts.get(r[rang], r[rang]), *r[rang + 1 :]] for r in rangees]
    entetes = [courts.get(nom) or _entete(nom, noms) for nom in noms]
    return Montre((_table(entetes, rangees, a_droite),), aligner([entetes, *rangees], a_droite))


def _entete(nom: str, noms: Sequence[str]) -> str:
    # Un même nom de colonne nomme un territoire parmi des mesures, une structure dans un registre, un barème ailleurs.
    if nom == "nom" and not {"type", "jeu"} & set(noms):
        return "Territoire"
    if nom == "libelle" and "valeur" in noms:
        return "Indicateur"
    return majuscule(en_tete(nom))


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
