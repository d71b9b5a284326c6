"""L'objet d'un horizon : des trajectoires, leur épreuve, ce qu'on suppose et ce qu'on ne sait pas."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import pandas as pd

from cafdiag.erreurs import DemandeFausse
from cafdiag.territoires import Territoire

COLONNES_TABLE = [
    "section", "grandeur", "hypothese", "annee", "unite", "valeur", "bas", "haut", "statut", "motif", "source",
]  # fmt: skip


@dataclass(frozen=True)
class ApportHorizon:
    """Ce que l'utilisateur sait de l'avenir du territoire ; tout est facultatif.

    Attributes
    ----------
    part_55 : float
        Part (%) des assistants maternels de 55 ans et plus, qui partiraient. Va avec ``origine``.
    logements : float
        Logements livrés d'ici la fin de l'horizon. Va avec ``enfants_par_logement`` et ``origine``.
    enfants_par_logement : float
        Enfants de moins de 3 ans par logement livré : votre hypothèse, elle n'a pas de valeur par défaut.
    origine : str
        D'où viennent ces chiffres.

    Raises
    ------
    DemandeFausse
        Nombre faux, logements sans enfants par logement, origine vide : tous les défauts d'un coup.

    Examples
    --------
    >>> ApportHorizon(logements=200, enfants_par_logement=0.15, origine="PLH 2026").enfants
    30.0
    """

    part_55: float | None = None
    logements: float | None = None
    enfants_par_logement: float | None = None
    origine: str = ""

    def __post_init__(self) -> None:
        defauts = []
        for nom, haut in (("part_55", 100), ("logements", math.inf), ("enfants_par_logement", 5)):
            valeur = getattr(self, nom)
            if valeur is None:
                continue
            nombre = isinstance(valeur, (int, float)) and not isinstance(valeur, bool)
            if not nombre or not 0 <= valeur <= haut or math.isinf(valeur):
                defauts.append(f"{nom} : {valeur!r}")
        if (self.logements is None) != (self.enfants_par_logement is None):
            defauts.append("les logements et le nombre d'enfants de moins de 3 ans par logement vont ensemble")
        if (self.part_55 is not None or self.logements is not None) and not self.origine.strip():
            defauts.append("origine vide : dites d'où viennent ces chiffres, ou nommez l'hypothèse")
        if defauts:
            raise DemandeFausse(
                " ; ".join(defauts), attendu="des nombres positifs, une part de 0 à 100, et leur origine"
            )

    @property
    def enfants(self) -> float:
        """Enfants de moins de 3 ans qu'apportent les logements."""
        if self.logements is None or self.enfants_par_logement is None:
            return 0.0
        return float(self.logements * self.enfants_par_logement)


@dataclass(frozen=True)
class Horizon:
    """Le résultat de :func:`cafdiag.horizon`.

    Attributes
    ----------
    territoire : Territoire
    depuis : int
        Dernière année de naissances connues : tout ce qui suit est projeté.
    observe : DataFrame
        ``annee, valeur`` : naissances domiciliées connues.
    projections : DataFrame
        ``grandeur, hypothese, annee, valeur, bas, haut, statut, motif``. Grandeurs : ``naissances``, ``enfants_0_2``,
        ``enfants_3_5``, ``enfants_6_11``. Hypothèses : ``tendance`` (avec son intervalle à 80 %), ``retour``,
        ``baisse``.
    places : DataFrame
        ``hypothese, quoi, annee, valeur, bas, haut, statut, motif`` : places de plus (ou de moins) à taux de
        couverture constant, et ce que l'utilisateur apporte.
    financement : DataFrame
        Ce que la Caf finance de ces places, hypothèse ``tendance`` ; vide s'il n'y en a pas à créer.
    epreuve : DataFrame
        Ce que le passé a montré de la méthode : ``grandeur, maille, methode, taille, horizon, origines, territoires,
        erreur_mediane, couverture, couverture_hors_origine``.
    hypotheses, inconnues, sources : tuple of str
        ``inconnues`` : ce qui change la demande et ne se chiffre pas, daté et sourcé.
    """

    territoire: Territoire
    depuis: int
    observe: pd.DataFrame
    projections: pd.DataFrame
    places: pd.DataFrame
    financement: pd.DataFrame
    epreuve: pd.DataFrame
    hypotheses: tuple[str, ...]
    inconnues: tuple[str, ...]
    sources: tuple[str, ...]

    def en(self, grandeur: str, annee: int, hypothese: str = "tendance") -> pd.Series:
        """La projection d'une grandeur, une année, sous une hypothèse."""
        return self.projections.iloc[self._rangs[grandeur, annee, hypothese]]

    @cached_property
    def _rangs(self) -> dict[tuple[str, int, str], int]:
        cles = zip(*(self.projections[c] for c in ("grandeur", "annee", "hypothese")), strict=True)
        return {cle: rang for rang, cle in enumerate(cles)}

    def table(self) -> pd.DataFrame:
        """Tout en une table, une ligne par nombre : observé, projeté, places, financement, épreuve, demande."""
        source = " ; ".join(self.sources)
        blocs = [
            self.observe.assign(
                section="observe", grandeur="naissances", hypothese="", unite="naissances", statut="exact", motif=""
            ),
            self.projections.assign(
                section="projection",
                unite=self.projections["grandeur"].map(lambda g: "naissances" if g == "naissances" else "enfants"),
            ),
            self.places.rename(columns={"quoi": "grandeur"}).assign(section="places", unite="places"),
            self.financement.rename(columns={"poste": "grandeur"}).assign(
                section="financement", hypothese="tendance", annee=None, valeur=None, unite="euros", statut="estime"
            ),
            pd.DataFrame(
                {
                    "section": "epreuve",
                    "grandeur": [f"{e.grandeur} à {e.horizon} an{'s' if e.horizon > 1 else ''}, erreur médiane"
                                 for e in self.epreuve.itertuples()],
                    "unite": "%",
                    "valeur": self.epreuve["erreur_mediane"].to_numpy(),
                    "statut": "exact",
                    "motif": [f"calé jusqu'en {e.origines.replace(' ', ', ')} ; {e.territoires} territoires ; "
                              f"l'intervalle à 80 % a contenu {e.couverture:g} % de ce qui est arrivé".replace(".", ",")
                              for e in self.epreuve.itertuples()],
                }
            ),
            pd.DataFrame({"section": "demande", "grandeur": "ce qui change la demande", "unite": "",
                          "statut": "non_disponible", "motif": list(self.inconnues)}),
        ]  # fmt: skip
        tables = [b.reindex(columns=COLONNES_TABLE) for b in blocs if len(b)]
        table = pd.concat([t.astype(object) for t in tables], ignore_index=True)
        table["source"] = table["source"].where(table["source"].notna(), source)
        nombres = dict.fromkeys(("valeur", "bas", "haut"), "float64") | {"annee": "Int64"}
        return table.astype(nombres).fillna({"hypothese": "", "motif": ""})

    def __repr__(self) -> str:
        return f"<Horizon : {self.territoire.nom}, depuis {self.depuis}>"
