"""Les objets d'une simulation : ce que l'utilisateur suppose, ce que l'outil répond."""

from __future__ import annotations

import math
from dataclasses import dataclass

import pandas as pd

from cafdiag.erreurs import DemandeFausse
from cafdiag.territoires import Territoire

COLONNES_TABLE = ["section", "poste", "unite", "valeur", "bas", "haut", "statut", "motif", "source"]


@dataclass(frozen=True)
class Hypotheses:
    """Ce que l'utilisateur sait et que les données publiques ne disent pas ; tout est facultatif.

    Attributes
    ----------
    enfants : float or tuple of float
        Enfants de moins de 3 ans : un nombre, ou une fourchette. Remplace l'estimation.
    places : float
        Places existantes du taux simulé. Sans elles, taux × enfants.
    cout_investissement : float
        Coût de création d'une place de crèche (€).
    cout_fonctionnement : float
        Coût annuel d'une place de crèche (€).
    annee : int
        Année des taux ; la dernière par défaut.

    Raises
    ------
    DemandeFausse
        Un nombre négatif, ou une fourchette à l'envers : tous les défauts d'un coup.
    """

    enfants: float | tuple[float, float] | None = None
    places: float | None = None
    cout_investissement: float | None = None
    cout_fonctionnement: float | None = None
    annee: int | None = None

    def __post_init__(self) -> None:
        defauts = []
        for nom in ("places", "cout_investissement", "cout_fonctionnement"):
            valeur = getattr(self, nom)
            if valeur is not None and not (isinstance(valeur, (int, float)) and 0 <= valeur < math.inf):
                defauts.append(f"{nom} : {valeur!r}")
        if self.enfants is not None:
            bornes = self.bornes
            nombres = all(isinstance(b, (int, float)) for b in bornes)
            if len(bornes) != 2 or not nombres or not 0 < bornes[0] <= bornes[1] < math.inf:
                defauts.append(f"enfants : {self.enfants!r}")
        if defauts:
            raise DemandeFausse(
                "hypothèse fausse : " + " ; ".join(defauts),
                attendu="des nombres positifs ; pour les enfants, un nombre ou deux bornes dans l'ordre",
            )

    @property
    def bornes(self) -> tuple:
        """Bornes du nombre d'enfants donné."""
        return self.enfants if isinstance(self.enfants, tuple) else (self.enfants, self.enfants)


# L'origine et le statut d'un chiffre que l'utilisateur a donné : ni publié, ni vérifié.
VOTRE_CHIFFRE = "donné par vous"
DECLARE = "declare"


@dataclass(frozen=True)
class Simulation:
    """Le résultat : des tables, ce qu'on a supposé, ce qu'on ne sait pas.

    Attributes
    ----------
    territoire : Territoire
    taux : str
        ``global`` ou ``eaje``.
    cible : str
        La cible en toutes lettres.
    besoin : DataFrame
        Une ligne : ``taux, taux_cible, ecart, enfants_bas, enfants, enfants_haut, places, bas, haut, statut,
        motif, annee``, et d'où viennent taux, cible et enfants (``source_taux``…). ``places`` est la valeur, ``bas``
        et ``haut`` la fourchette. ``methode_enfants`` dit quelle estimation a servi, ``enfants_naissances`` et
        ``enfants_recensement`` montrent les deux usuelles, ``alerte_enfants`` avertit là où les naissances trompent
        (frontière).
    modes : DataFrame
        ``mode, libelle, part, places, bas, haut`` ; la somme des modes est le besoin.
    financement : DataFrame
        Un poste par ligne, par ``section`` (investissement, une fois ; fonctionnement, par an).
    reste_a_charge : DataFrame
        ``section, caf_bas, caf_haut, reste_bas, reste_haut, motif`` : une borne vide n'est pas connue.
    hypotheses, inconnues, sources : tuple of str
        Phrases à lire avec les chiffres.
    """

    territoire: Territoire
    taux: str
    cible: str
    besoin: pd.DataFrame
    modes: pd.DataFrame
    financement: pd.DataFrame
    reste_a_charge: pd.DataFrame
    hypotheses: tuple[str, ...]
    inconnues: tuple[str, ...]
    sources: tuple[str, ...] = ()

    @property
    def atteinte(self) -> bool:
        """Vrai si le territoire est déjà à la cible ou au-dessus, à l'arrondi près ; un taux qui n'est pas publié, en
        tout cas."""
        ligne = self.besoin.iloc[0]
        sous_la_cible = ligne["statut_taux"] in ("estime", DECLARE) and ligne["haut"] > 0
        return bool(ligne["taux"] >= ligne["taux_cible"]) and not sous_la_cible

    @property
    def sans_places(self) -> bool:
        """Vrai si le besoin ne peut pas être compté."""
        return math.isnan(self.besoin.at[0, "places"])

    def table(self) -> pd.DataFrame:
        """Tout en une table : ``section, poste, unite, valeur, bas, haut, statut, motif, source``."""
        b = self.besoin.iloc[0]
        sources = " ; ".join(self.sources)
        vos_enfants = b["source_enfants"] == VOTRE_CHIFFRE
        # Compté sur un chiffre que rien ne vérifie, un besoin n'est pas exact.
        statut_places = DECLARE if vos_enfants and b["statut"] == "exact" else b["statut"]
        lignes = [
            ("besoin", "taux de couverture", "places pour 100 enfants", b["taux"], None, None, b["statut_taux"], "",
             b["source_taux"]),
            ("besoin", f"cible : {self.cible}", "places pour 100 enfants", b["taux_cible"], None, None,
             DECLARE if b["source_cible"] == VOTRE_CHIFFRE else "exact", "", b["source_cible"]),
            ("besoin", "enfants de moins de 3 ans", "enfants", b["enfants"], b["enfants_bas"], b["enfants_haut"],
             DECLARE if vos_enfants else b["statut_enfants"], b["motif_enfants"], b["source_enfants"]),
            ("besoin", "places à créer", "places", b["places"], b["bas"], b["haut"], statut_places, b["motif"],
             sources),
        ]  # fmt: skip
        lignes += [
            ("modes", m["libelle"], "places", m["places"], m["bas"], m["haut"], statut_places, "", "")
            for _, m in self.modes.iterrows()
        ]
        lignes += [
            (f["section"], f["poste"], "€" if f["section"] == "investissement" else "€/an", None, f["bas"], f["haut"],
             f["statut"], f["motif"], f["source"])
            for _, f in self.financement.iterrows()
        ]  # fmt: skip
        for _, r in self.reste_a_charge.iterrows():
            unite = "€" if r["section"] == "investissement" else "€/an"
            for qui, nom in (("caf", "total de la Caf"), ("reste", "reste à charge avant autres financeurs")):
                bas, haut = r[f"{qui}_bas"], r[f"{qui}_haut"]
                statut = "encadre" if pd.notna(haut) else "minorant" if pd.notna(bas) else "inconnu"
                motif = r["motif"] if qui == "reste" else "" if pd.notna(haut) else "un poste n'est pas chiffré"
                lignes.append((r["section"], nom, unite, None, bas, haut, statut, motif, ""))
        return pd.DataFrame(lignes, columns=COLONNES_TABLE).astype(
            dict.fromkeys(("valeur", "bas", "haut"), "float64")
        )

    def __repr__(self) -> str:
        ligne = self.besoin.iloc[0]
        besoin = "inconnu" if math.isnan(ligne["places"]) else f"{ligne['places']:.0f} places"
        return f"<Simulation : {self.territoire.nom}, {self.cible} : {besoin}>"
