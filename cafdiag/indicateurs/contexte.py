"""Ce qu'un calcul reçoit : les territoires d'une maille, leurs communes, les tables, l'année."""

from __future__ import annotations

from dataclasses import dataclass, field

import pandas as pd

from cafdiag.donnees import VARIABLES, Apports, evaluer
from cafdiag.indicateurs.agregation import sommer

COLONNES_RESULTAT = ["valeur", "numerateur", "denominateur", "bas", "haut", "statut", "motif",
                     "maille_source", "modalite", "annee", "millesime"]
CERCLE_COMMUNAL = "Ain, Ardennes, Maine-et-Loire et Mayenne"


@dataclass(frozen=True)
class Contexte:
    """Tables alignées pour calculer un indicateur sur tous les territoires d'une maille.

    Attributes
    ----------
    maille : str
        Maille demandée.
    codes : Index
        Codes des territoires, dans l'ordre du résultat.
    appartenance : DataFrame
        ``commune``, ``code``.
    communes : DataFrame
        Table communale (:func:`cafdiag.donnees.table_communes`).
    taux : DataFrame
        Taux de couverture publiés par la Cnaf.
    qpv, structures : DataFrame
        Quartiers prioritaires et structures connues.
    apports : Apports
        Ce que l'utilisateur a fourni.
    annee : int or None
        Année demandée ; None : la dernière de chaque indicateur.
    """

    maille: str
    codes: pd.Index
    appartenance: pd.DataFrame
    communes: pd.DataFrame
    taux: pd.DataFrame
    qpv: pd.DataFrame
    structures: pd.DataFrame
    apports: Apports
    annee: int | None = None
    noms_communes: dict = field(default_factory=dict)
    _sommes: dict = field(default_factory=dict, repr=False)

    def annee_de(self, variable: str) -> int:
        """Année à utiliser pour une variable : celle demandée si la source la couvre, sinon la dernière."""
        connue = VARIABLES[variable]
        return self.annee if self.annee in connue.annees else connue.annee_par_defaut

    def somme(self, variable: str, *, annee: int | None = None) -> pd.DataFrame:
        """Somme d'une variable par territoire, encadrée ; gardée en mémoire pour le contexte."""
        cle = (variable, annee)
        if cle not in self._sommes:
            annee_lue = annee if annee is not None else self.annee_de(variable)
            par_commune = evaluer(self.communes, variable, annee=annee_lue)
            self._sommes[cle] = sommer(par_commune, self.appartenance).reindex(self.codes)
        return self._sommes[cle]

    def manquantes(self, variable: str, *, annee: int | None = None) -> pd.Series:
        """Phrase nommant, par territoire, les communes sans donnée (vide si aucune)."""
        annee = annee if annee is not None else self.annee_de(variable)
        absentes = evaluer(self.communes, variable, annee=annee)["valeur"].isna()
        lignes = self.appartenance[absentes.reindex(self.appartenance["commune"]).fillna(True).to_numpy()]
        total = self.appartenance["code"].value_counts()
        phrases = {}
        for code, groupe in lignes.groupby("code")["commune"]:
            n = len(groupe)
            if n == total[code]:
                phrases[code] = (f"donnée embarquée pour {CERCLE_COMMUNAL} seulement"
                                 if not self.communes["faits_embarques"].reindex(groupe).any()
                                 else "donnée absente de la source pour toutes les communes")
            else:
                noms = ", ".join(str(self.communes.at[c, "nom"]) for c in sorted(groupe)[:3])
                suite = f" et {n - 3} autres" if n > 4 else ""
                if n == 4:
                    noms = ", ".join(str(self.communes.at[c, "nom"]) for c in sorted(groupe))
                phrases[code] = (f"donnée absente pour {n} commune{'s' if n > 1 else ''} sur {total[code]} "
                                 f"({noms}{suite})")
        return pd.Series(phrases, dtype="object").reindex(self.codes).fillna("")


def resultat(codes: pd.Index, **colonnes) -> pd.DataFrame:
    """Résultat d'un calcul, toutes colonnes présentes, indexé par code de territoire."""
    table = pd.DataFrame(index=codes)
    for nom in COLONNES_RESULTAT:
        defaut = "" if nom in ("motif", "statut", "maille_source", "modalite", "millesime") else float("nan")
        table[nom] = colonnes.get(nom, defaut)
    return table
