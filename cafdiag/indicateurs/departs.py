"""Éprouver l'accueil individuel : ce que deviendrait le taux si les assistants maternels proches de la retraite
partaient, et combien de places collectives le compenseraient."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cafdiag.donnees import Apports
from cafdiag.erreurs import DemandeFausse
from cafdiag.indicateurs.besoin import enfants_encadres
from cafdiag.indicateurs.mesures import mesurer
from cafdiag.indicateurs.petite_enfance import bornes_du_taux
from cafdiag.indicateurs.simulation_objets import COLONNES_TABLE
from cafdiag.indicateurs.tables_calcul import contexte_de
from cafdiag.territoires import Territoire, territoire

HORIZON = 5


@dataclass(frozen=True)
class Departs:
    """Résultat de :func:`simuler_departs`.

    Attributes
    ----------
    territoire : Territoire
    resultat : DataFrame
        Une ligne : ``annee, taux, taux_am, points_perdus, taux_projete, places, bas, haut, statut, motif``.
        ``places`` : places collectives qui compenseraient.
    hypotheses : tuple of str
    sources : tuple of str
    """

    territoire: Territoire
    resultat: pd.DataFrame
    hypotheses: tuple[str, ...]
    sources: tuple[str, ...]

    def table(self) -> pd.DataFrame:
        """Le résultat, dans la forme de :meth:`cafdiag.indicateurs.simulation_objets.Simulation.table`."""
        r, source = self.resultat.iloc[0], " ; ".join(self.sources)
        motif = " ".join(self.hypotheses)
        par_cent = "places pour 100 enfants"
        lignes = [
            ("departs", "taux projeté", par_cent, r["taux_projete"], None, None, r["statut"], motif, source),
            ("departs", "places collectives à compenser", "places", r["places"], r["bas"], r["haut"],
             r["statut"] if pd.notna(r["places"]) else "non_disponible", r["motif"], source),
        ]  # fmt: skip
        table = pd.DataFrame(lignes, columns=COLONNES_TABLE)
        return table.astype(dict.fromkeys(("valeur", "bas", "haut"), "float64"))

    def _repr_html_(self) -> str:
        return self.resultat.to_html(index=False, na_rep="")


def places_a_compenser(taux_am, enfants, part_55: float, *, remplaces: float = 0.0):
    """Places collectives qui compensent des départs : ``⌈taux AM × part/100 × (1 - remplacés/100) × E/100⌉``.

    Parameters
    ----------
    taux_am : float or Series
        Places chez les assistants maternels pour 100 enfants de moins de 3 ans.
    enfants : float or Series
        Enfants de moins de 3 ans. Un manquant reste manquant.
    part_55 : float
        Part (%) des assistants maternels de 55 ans et plus : ceux qui partent.
    remplaces : float
        Part (%) des départs remplacés.

    Examples
    --------
    Vendée : 64,9 places chez les assistants maternels pour 100 enfants, 17 500 enfants ; un tiers partent.

    >>> float(places_a_compenser(64.9, 17500, 33))
    3748.0
    """
    perdus = taux_am * part_55 / 100 * (1 - remplaces / 100)
    return np.ceil(np.round(np.asarray(perdus * enfants / 100, dtype=float), 6))


def simuler_departs(
    cible_territoire: Territoire | str,
    *,
    part_55: float,
    origine: str,
    remplaces: float = 0.0,
    apports: Apports | None = None,
) -> Departs:
    """Taux projeté à cinq ans si les assistants maternels de 55 ans et plus partent, et places à compenser.

    C'est une épreuve, pas une prévision : elle suppose que tous ceux qui ont 55 ans et plus partent dans les cinq
    ans, que chacun offre autant de places que les autres, que le nombre d'enfants et le reste de l'offre ne bougent
    pas.

    Parameters
    ----------
    cible_territoire : Territoire or str
        Territoire, code ou nom.
    part_55 : float
        Part (%) des assistants maternels de 55 ans et plus. Aucune source publique embarquée ne la donne : elle se
        demande à la PMI ou se lit dans Pajemploi. Elle n'a pas de valeur par défaut.
    origine : str
        D'où vient cette part (« PMI 53, 2025 »), ou le nom de l'hypothèse ; écrit avec le résultat.
    remplaces : float
        Part (%) des départs remplacés ; aucun par défaut, et c'est écrit.
    apports : Apports, optional
        Données de l'utilisateur.

    Raises
    ------
    DemandeFausse
        Part hors de 0 à 100, origine vide : tous les défauts d'un coup.

    Examples
    --------
    >>> departs = simuler_departs("200048551", part_55=40, origine="hypothèse d'exemple")
    >>> departs.resultat[["taux", "taux_projete", "places", "bas", "haut"]].round(1).iloc[0].to_dict()
    {'taux': 79.9, 'taux_projete': 55.1, 'places': 206.0, 'bas': 173.0, 'haut': 244.0}
    """
    defauts = []
    for nom, part in (("part_55", part_55), ("remplaces", remplaces)):
        if isinstance(part, bool) or not isinstance(part, (int, float)) or not 0 <= part <= 100:
            defauts.append(f"{nom} : {part!r}, un pourcentage de 0 à 100 est attendu")
    if not isinstance(origine, str) or not origine.strip():
        defauts.append("origine vide : dites d'où vient la part des 55 ans et plus, ou nommez l'hypothèse")
    if defauts:
        raise DemandeFausse(" ; ".join(defauts), conseil="demandez la pyramide des âges à la PMI")
    lieu = cible_territoire if isinstance(cible_territoire, Territoire) else territoire(cible_territoire)
    mesures = mesurer(lieu, ["PE_TXCOUV_GLOBAL", "PE_TXCOUV_AM"], apports=apports).set_index("indicateur")
    global_, am = (float(mesures.at[c, "valeur"]) for c in ("PE_TXCOUV_GLOBAL", "PE_TXCOUV_AM"))
    contexte = contexte_de(lieu, apports=apports)
    enfants = enfants_encadres(contexte, annee=contexte.annee_des_taux, colonne="txcouv_am").iloc[0]
    perdus = am * part_55 / 100 * (1 - remplaces / 100)
    am_bas, am_haut = (b["PE_TXCOUV_AM"] for b in bornes_du_taux(mesures))
    places, bas, haut = (
        float(places_a_compenser(t, enfants[c], part_55, remplaces=remplaces))
        for t, c in ((am, "valeur"), (max(am_bas, 0), "bas"), (am_haut, "haut"))
    )
    motif = str(mesures.at["PE_TXCOUV_AM", "motif"]) if math.isnan(am) else str(enfants["motif"])
    resultat = pd.DataFrame(
        [
            {
                "annee": contexte.annee_des_taux,
                "taux": global_,
                "taux_am": am,
                "points_perdus": perdus,
                "taux_projete": global_ - perdus,
                "places": places,
                "bas": bas,
                "haut": haut,
                "statut": "non_disponible" if math.isnan(global_ - perdus) else "estime",
                "motif": motif,
            }
        ]
    )
    hypotheses = (
        f"{_pour_cent(part_55)} des assistants maternels ont 55 ans et plus ({origine.strip()}) ; tous partent dans "
        f"les {HORIZON} ans.",
        f"Départs remplacés : {_pour_cent(remplaces) if remplaces else 'aucun'}.",
        "Chacun offre autant de places que les autres ; le nombre d'enfants et le reste de l'offre ne changent pas.",
    )
    source = mesures.iloc[0]
    return Departs(
        lieu, resultat, hypotheses, (f"{source['source']} ({source['millesime']})", origine.strip())
    )


def _pour_cent(x: float) -> str:
    return f"{x:g} %".replace(".", ",")
