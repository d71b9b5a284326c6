"""La feuille « Synthèse » du tableur : le territoire, son département, sa région et la France, côte à côte.

Un graphique natif par thème, des indicateurs de même unité seulement. Un manquant ou un minorant laisse sa case vide :
ce qu'on en sait est écrit à côté.
"""

from __future__ import annotations

import math
from collections import Counter
from typing import Any, NamedTuple

from openpyxl.chart import BarChart, Reference
from openpyxl.chart.data_source import StrRef
from openpyxl.chart.label import DataLabelList
from openpyxl.chart.series import SeriesLabel
from openpyxl.utils import get_column_letter

from cafdiag.indicateurs import THEMES, dictionnaire
from cafdiag.indicateurs.bornes import dire_bornes
from cafdiag.indicateurs.dates import dates
from cafdiag.indicateurs.dictionnaire import effectifs
from cafdiag.restitution.couleurs import REFERENCES, TERRITOIRE
from cafdiag.restitution.formats import STATUTS, date_de, decimales_de, enumeration

TITRE = "Synthèse"
ROLES = ("territoire", "departement", "region", "france")
_COULEURS = {"territoire": TERRITOIRE, **REFERENCES}
# Au-delà, les noms d'un graphique ne se lisent plus.
_AU_PLUS = 8
_DEBUT = 2
# Une ligne de tableur, en centimètres.
_HAUTEUR = 0.53


class CaseDeSynthese(NamedTuple):
    """Une valeur et son allure dans une feuille."""

    contenu: Any
    decimales: int | None = None
    gras: bool = False
    unite: str = ""


class Synthese:
    """La feuille de synthèse : ses colonnes, ses lignes, ses graphiques ; vide si rien n'est mesuré ici.

    Parameters
    ----------
    lignes : list of dict
        Les mesures jointes au rapport, telles que le CSV les donne.
    """

    def __init__(self, lignes: list[dict[str, str]]) -> None:
        self._mesures = _par_role(lignes)
        self._roles = [r for r in ROLES if self._mesures[r]]
        ici = self._mesures["territoire"]
        self._rangs = _ranger([code for code, ligne in ici.items() if _parle(ligne)], self._mesures)
        self._noms = {r: next(iter(self._mesures[r].values()))["nom"] or r for r in self._roles}
        lieux = [(self._noms[r], 16) for r in self._roles]
        self.colonnes = [
            ("Indicateur", 50),
            *lieux,
            ("Unité", 24),
            ("Date", 22),
            ("À savoir", 46),
            ("Thème", 24),
        ]
        self.lignes = [self._ligne(code) for code in self._rangs]

    def _ligne(self, code: str) -> list[Any]:
        ici, places = self._mesures["territoire"][code], int(dictionnaire().at[code, "decimales"])
        nombres = {r: _nombre(self._mesures[r].get(code, {})) for r in self._roles}
        valeurs = [
            None if n is None else CaseDeSynthese(n, places, r == "territoire", ici["unite"])
            for r, n in nombres.items()
        ]
        theme = THEMES[dictionnaire().at[code, "theme"]]
        return [
            ici["libelle"],
            *valeurs,
            ici["unite"],
            date_de(_mesure(ici)),
            self._precisions(code) or None,
            theme,
        ]

    def _precisions(self, code: str) -> str:
        """Ce que les cases ne disent pas : statut, bornes d'un minorant, autre date que celle du territoire."""
        ici = self._mesures["territoire"][code]
        dites: dict[str, list[str]] = {}
        for role in self._roles:
            ligne = self._mesures[role].get(code)
            if ligne is None:
                continue
            statut, bornes = STATUTS[ligne["statut"]], _bornes(ligne)
            mots = [bornes or (statut.libelle if statut.symbole else "")]
            if statut.chiffre and dates(_mesure(ligne)) != dates(_mesure(ici)):
                mots.append(date_de(_mesure(ligne)))
            if mots := [m for m in mots if m]:
                dites.setdefault(", ".join(mots), []).append(self._noms[role])
        return " ; ".join(
            f"{mots}{' partout' if len(noms) == len(self._roles) else f' : {enumeration(noms)}'}"
            for mots, noms in dites.items()
        )

    def dessiner(self, feuille: Any) -> None:
        """Un graphique par thème, sous le tableau, deux de front."""
        table, ici = dictionnaire(), self._mesures["territoire"]
        haut, pris, gauche = len(self.lignes) + 4, 0, True
        for theme, nom in THEMES.items():
            siens = [c for c in self._rangs if table.at[c, "theme"] == theme and c not in effectifs()]
            unite = ici[siens[0]]["unite"] if siens else ""
            montres = [c for c in siens if ici[c]["unite"] == unite][:_AU_PLUS]
            if all(_nombre(ici[c]) is None for c in montres):
                continue
            graphique = _barres(feuille, self._rangs.index(montres[0]) + _DEBUT, len(montres), self._roles)
            graphique.title = f"{nom}, en {unite}"
            graphique.height, graphique.width = 4 + 0.45 * len(self._roles) * len(montres), 17
            feuille.add_chart(graphique, f"{'A' if gauche else 'E'}{haut}")
            pris = max(pris, math.ceil(graphique.height / _HAUTEUR) + 2)
            if not gauche:
                haut, pris = haut + pris, 0
            gauche = not gauche


def _par_role(lignes: list[dict[str, str]]) -> dict[str, dict[str, dict[str, str]]]:
    connus = set(dictionnaire().index)
    rendu: dict[str, dict[str, dict[str, str]]] = {r: {} for r in ROLES}
    for ligne in lignes:
        if ligne["role"] in rendu and ligne["indicateur"] in connus:
            rendu[ligne["role"]].setdefault(ligne["indicateur"], ligne)
    return rendu


def _nombre(ligne: dict[str, str]) -> float | int | None:
    """La valeur d'une mesure qui en porte une ; un minorant n'en a pas."""
    if not ligne or not ligne["valeur"] or not STATUTS[ligne["statut"]].chiffre:
        return None
    valeur = float(ligne["valeur"])
    return int(valeur) if valeur.is_integer() else valeur


def _mesure(ligne: dict[str, str]) -> dict[str, Any]:
    """La ligne du CSV, ses nombres en nombres."""
    nombres = {c: float(ligne[c]) if ligne[c] else math.nan for c in ("annee", "valeur", "bas", "haut")}
    return ligne | nombres


def _bornes(ligne: dict[str, str]) -> str:
    return dire_bornes(
        _mesure(ligne), decimales_de(ligne["unite"]), unite="%" if ligne["unite"] == "%" else ""
    )


def _parle(ligne: dict[str, str]) -> bool:
    return _nombre(ligne) is not None or bool(_bornes(ligne))


def _ranger(codes: list[str], par_role: dict) -> list[str]:
    """Par thème, puis par unité : la plus fréquente d'abord, pour qu'un graphique prenne des lignes qui se suivent."""
    table, somme = dictionnaire(), effectifs()
    ordre = list(THEMES)
    cles = {
        c: (table.at[c, "theme"], "" if c in somme else par_role["territoire"][c]["unite"]) for c in codes
    }
    frequences = Counter(c for c in cles.values() if c[1])
    # Les effectifs à la fin : ils suivent la taille du lieu, et ne se comparent pas.
    return sorted(
        codes, key=lambda c: (ordre.index(cles[c][0]), not cles[c][1], -frequences[cles[c]], cles[c][1])
    )


def _barres(feuille: Any, debut: int, nombre: int, roles: list[str]) -> BarChart:
    graphique = BarChart()
    graphique.type, graphique.grouping, graphique.gapWidth = "bar", "clustered", 60
    fin = debut + nombre - 1
    for rang, role in enumerate(roles, 2):
        donnees = Reference(feuille, min_col=rang, min_row=debut, max_row=fin)
        graphique.add_data(donnees, titles_from_data=False)
        serie = graphique.series[-1]
        # Le nom d'une série est l'en-tête de sa colonne.
        serie.tx = SeriesLabel(strRef=StrRef(f"'{feuille.title}'!${get_column_letter(rang)}$1"))
        serie.graphicalProperties.solidFill = _COULEURS[role][1:].upper()
        serie.invertIfNegative = False
    graphique.series[0].dLbls = DataLabelList(
        showVal=True, showSerName=False, showCatName=False, showLegendKey=False
    )
    graphique.set_categories(Reference(feuille, min_col=1, min_row=debut, max_row=fin))
    # Le premier indicateur du tableau en haut du graphique.
    graphique.x_axis.scaling.orientation = "maxMin"
    graphique.x_axis.delete = graphique.y_axis.delete = False
    graphique.x_axis.tickLblPos = "low"
    graphique.legend.position = "b"
    return graphique
