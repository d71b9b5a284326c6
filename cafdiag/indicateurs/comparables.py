"""Les territoires comparables : les plus proches voisins d'un territoire sur ce qu'il est, pas sur son offre.

Chaque variable est centrée-réduite sur tous les territoires de la maille, puis la distance est la moyenne
quadratique des écarts : 0,3 veut dire « 0,3 écart type, en moyenne, par variable ».

Aucune variable d'offre n'entre par défaut dans la distance : chercher les semblables par leurs modes d'accueil,
puis comparer leurs modes d'accueil, serait tourner en rond. Un indicateur qui sert au choix n'est pas comparé au
groupe.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd

from cafdiag.donnees import Apports, tables_assemblees
from cafdiag.donnees.memoire import gardee
from cafdiag.erreurs import DemandeFausse
from cafdiag.geographie import ANCIENNE
from cafdiag.indicateurs import petite_enfance, portrait
from cafdiag.indicateurs.agregation import exacte
from cafdiag.indicateurs.contexte import Contexte
from cafdiag.magasin import lire_table
from cafdiag.territoires import Territoire, lister, membres, territoire
from cafdiag.territoires.passage import situer

NOMBRE = 10
# Une variable qui manque à plus d'un territoire sur vingt est écartée, plutôt que ces territoires.
PART_CONNUE = 0.95
PETITE_COMMUNE = 2000
MAILLES = ("commune", "epci", "departement")
_SANS = {
    "region": "les régions sont trop peu nombreuses pour avoir des semblables",
    "france": "la France n'a pas de territoire semblable à sa maille",
    "qpv": "les quartiers n'ont pas de population ni de superficie publiées partout",
    "perimetre": "un périmètre libre n'a pas d'équivalent publié : rien de sa maille ne peut lui ressembler",
}


@dataclass(frozen=True)
class Critere:
    """Une variable de la distance.

    Attributes
    ----------
    nom, libelle : str
        Nom de colonne, intitulé avec son unité.
    calcul : callable
        Valeurs de tous les territoires d'un :class:`Contexte`.
    logarithme : bool
        Vrai si ce sont les rapports qui comptent, pas les différences (population, densité).
    indicateurs : tuple of str
        Indicateurs du dictionnaire qu'il serait circulaire de comparer ensuite au groupe.
    secours_de : str
        Variable que celle-ci remplace quand elle n'est pas connue.
    sur_demande : bool
        Vrai si elle ne sert que nommée dans ``variables``.
    mailles : tuple of str
        Mailles où elle distingue : toute une commune est petite ou ne l'est pas.
    source : str
        Source à prendre sur demande, sans laquelle elle n'est connue nulle part.
    """

    nom: str
    libelle: str
    calcul: Callable[[Contexte], pd.Series]
    logarithme: bool = False
    indicateurs: tuple[str, ...] = ()
    secours_de: str = ""
    sur_demande: bool = False
    mailles: tuple[str, ...] = MAILLES
    source: str = ""


@dataclass(frozen=True)
class Comparables:
    """Les comparables d'un territoire, et comment ils ont été choisis.

    Attributes
    ----------
    table : DataFrame
        Voir :func:`comparables`.
    variables : tuple of Critere
        Variables employées.
    ecartees : dict
        Intitulé des variables qui n'ont pas servi, et pourquoi.
    candidats, exclus : int
        Territoires comparés ; territoires de la maille sans une des variables, donc hors du choix.
    """

    table: pd.DataFrame
    variables: tuple[Critere, ...]
    ecartees: dict[str, str]
    candidats: int
    exclus: int

    @property
    def codes(self) -> list[str]:
        """Codes des comparables, du plus proche au plus éloigné."""
        return self.table["code"].tolist()

    @property
    def circulaires(self) -> frozenset[str]:
        """Indicateurs qui servent au choix : les comparer au groupe n'apprendrait rien."""
        return frozenset(i for v in self.variables for i in v.indicateurs)


def _population(contexte: Contexte) -> pd.Series:
    return contexte.somme("population", annee=contexte.annee_de("population"))["valeur"]


def _petites_communes(contexte: Contexte) -> pd.Series:
    habitants = contexte.par_commune("population")["valeur"]
    petites = habitants.where(habitants < PETITE_COMMUNE, 0.0).where(habitants.notna())
    return 100 * contexte.sommer(exacte(petites))["valeur"] / _population(contexte)


def _part(numerateur: str, denominateur: str = "population") -> Callable[[Contexte], pd.Series]:
    def calcul(contexte: Contexte) -> pd.Series:
        rien = pd.Series(np.nan, index=contexte.codes)
        # Une même date pour tous, celle où le plus de communes sont connues ; connue de peu, elle ne compare personne.
        if not contexte.annees(numerateur):
            return rien
        annee = contexte.annee_la_plus_connue(numerateur)
        if contexte.par_commune(numerateur, annee=annee)["valeur"].notna().mean() < PART_CONNUE:
            return rien
        sommes = contexte.somme(numerateur, annee=annee)
        total = contexte.somme_alignee(denominateur, sommes["annee"])["valeur"]
        return 100 * sommes["valeur"] / total.where(total > 0)

    return calcul


def _niveau_de_vie(contexte: Contexte) -> pd.Series:
    # Une médiane ne se déduit pas de celles des communes : il faut celle de l'EPCI, importée.
    publiees = tables_assemblees.epci() if contexte.de_maille("epci").all() else pd.DataFrame()
    colonnes = [c for c in publiees.columns if c.startswith("niveau_vie_median_") and c[-4:].isdigit()]
    if not colonnes:
        return pd.Series(np.nan, index=contexte.codes)
    lignes = publiees[[max(colonnes)]].rename_axis("code").reset_index().assign(maille="epci")
    medianes = situer(lignes, defaut=ANCIENNE)
    medianes = medianes[medianes["maille"].eq("epci")].set_index("code")[max(colonnes)]
    return pd.to_numeric(medianes, errors="coerce").reindex(contexte.codes).astype("float64")


def _quartiers(contexte: Contexte) -> pd.Series:
    return np.log1p(portrait.qpv_nombre(contexte, pd.Series(dtype=object))["valeur"])


_CRITERES = (
    Critere(
        "population",
        "population municipale (habitants, en logarithme)",
        _population,
        logarithme=True,
        indicateurs=("CTX_POP",),
    ),
    Critere(
        "evolution",
        f"évolution de la population de {portrait.DEBUT} à {portrait.COURANTE} (%)",
        lambda c: portrait.population_evolution(c, pd.Series(dtype=object))["valeur"],
        indicateurs=("CTX_POP_EVOL",),
    ),
    Critere(
        "densite",
        "densité (habitants au km², en logarithme)",
        lambda c: portrait.densite(c, pd.Series(dtype=object))["valeur"],
        logarithme=True,
        indicateurs=("CTX_DENSITE",),
    ),
    Critere(
        "part_rurale",
        "part des habitants vivant dans une commune rurale (%)",
        _part("population_rurale"),
        indicateurs=("CTX_PART_RURAL",),
        mailles=("epci", "departement"),
    ),
    Critere(
        "petites_communes",
        f"part des habitants vivant dans une commune de moins de {PETITE_COMMUNE // 1000}\u202f000 habitants (%)",
        _petites_communes,
        indicateurs=("CTX_PART_RURAL",),
        secours_de="part_rurale",
        mailles=("epci", "departement"),
    ),
    Critere(
        "part_0_2_ans",
        "part des enfants de moins de 3 ans, estimés par les naissances (%)",
        _part("enfants_moins_3_ans"),
        indicateurs=("CTX_PART_0_2", "CTX_PART_0_4"),
    ),
    Critere("niveau_de_vie", "niveau de vie médian (euros par an)", _niveau_de_vie, indicateurs=("CTX_NIV_VIE",)),
    # Un recensement au quart : une commune seule a trop peu d'enfants de moins de 6 ans pour qu'on l'y reconnaisse.
    Critere(
        "parents_en_emploi",
        "part des moins de 6 ans dont tous les parents présents ont un emploi (%)",
        _part("enfants_moins_6_emploi", "enfants_moins_6_famille"),
        indicateurs=("PE_PARENTS_EMPLOI",),
        mailles=("epci", "departement"),
        source="activite_parents",
    ),
    Critere(
        "familles_monoparentales",
        "part des moins de 6 ans vivant dans une famille monoparentale (%)",
        _part("enfants_moins_6_mono", "enfants_moins_6_famille"),
        indicateurs=("PE_MONOPAR",),
        mailles=("epci", "departement"),
        source="activite_parents",
    ),
    Critere("quartiers", "nombre de quartiers prioritaires (en logarithme)", _quartiers, indicateurs=("CTX_QPV_NB",)),
    Critere(
        "part_individuel",
        "part de l'accueil individuel dans l'offre (%)",
        lambda c: petite_enfance.part_individuel(c, pd.Series(dtype=object))["valeur"],
        indicateurs=(
            "PE_TXCOUV_GLOBAL",
            "PE_TXCOUV_EAJE",
            "PE_TXCOUV_EAJE_PSU",
            "PE_TXCOUV_EAJE_HPSU",
            "PE_TXCOUV_AM",
            "PE_TXCOUV_PRESCO",
            "PE_TXCOUV_GAD",
            "PE_PART_INDIV",
            "PE_MODE_DOMINANT",
            "PE_ECART_REF",
            "PE_RATIO_REF",
            "PE_TENSION",
            "PE_BESOIN_CIBLE",
        ),
        sur_demande=True,
    ),
)
CRITERES = {c.nom: c for c in _CRITERES}


def comparables(
    cible: Territoire | str, *, k: int = NOMBRE, variables: list[str] | None = None
) -> pd.DataFrame:
    """Les ``k`` territoires de même maille qui ressemblent au territoire, du plus proche au plus éloigné.

    Parameters
    ----------
    cible : Territoire or str
        Commune, EPCI ou département.
    k : int
        Nombre de comparables.
    variables : list of str, optional
        Variables de la distance (clés de ``CRITERES``). Par défaut, celles du contexte connues du territoire et
        d'au moins 95 % de sa maille : avec les données fournies, population, évolution, densité et part des
        habitants des petites communes ; la part rurale, les moins de 3 ans, le niveau de vie, l'emploi des parents,
        les familles monoparentales et les quartiers prioritaires s'y ajoutent quand ils sont importés pour toute la
        France.

    Returns
    -------
    DataFrame
        ``rang``, ``code``, ``nom``, ``departement`` (principal), ``distance`` (écarts types, moyenne quadratique
        par variable), puis les variables employées, telles quelles. Le territoire n'y est pas ; un territoire sans
        une des variables non plus.

    Raises
    ------
    DemandeFausse
        Maille sans semblables (région, France, QPV, périmètre), territoire sans population publiée, ``k`` trop
        grand, variable inconnue ou indisponible.

    See Also
    --------
    cafdiag.indicateurs.situer : médiane, quartiles et rang parmi eux.

    Examples
    --------
    >>> comparables("200048551", k=2)[["rang", "code", "departement"]].to_dict("records")
    [{'rang': 1, 'code': '200070688', 'departement': '35'}, {'rang': 2, 'code': '200035442', 'departement': '62'}]
    """
    return voisinage(cible, k=k, variables=variables).table


def voisinage(cible: Territoire | str, *, k: int = NOMBRE, variables: list[str] | None = None) -> Comparables:
    """Comme :func:`comparables`, avec les variables employées, celles qui manquent, et le nombre de candidats."""
    cible = cible if isinstance(cible, Territoire) else territoire(cible)
    if isinstance(k, bool) or not isinstance(k, int) or k < 1:
        raise DemandeFausse(f"nombre de comparables : {k!r}", attendu="un nombre entier, à partir de 1")
    motif = empechement(cible)
    if motif:
        raise DemandeFausse(f"pas de comparables pour {cible.nom} : {motif}", attendu=_ATTENDU)
    toutes = _valeurs(cible.maille, tables_assemblees.etat(), tuple(variables or ()))
    retenues, ecartees = _retenir(toutes, cible, variables)
    utiles = _utiles(toutes, retenues)
    distances = distances_a(utiles, cible.code)
    if k > len(distances):
        raise DemandeFausse(
            f"{k} comparables demandés pour {len(distances)} candidats", attendu=f"{len(distances)} au plus"
        )
    proches = distances.iloc[:k]
    noms = lister(cible.maille).set_index("code")
    table = pd.DataFrame(
        {
            "rang": np.arange(1, k + 1),
            "code": proches.index,
            "nom": noms["nom"].reindex(proches.index).to_numpy(),
            "departement": noms["departement"].reindex(proches.index).to_numpy(),
            "distance": proches.to_numpy(),
        }
    )
    table = table.join(toutes.loc[proches.index, list(utiles)].reset_index(drop=True))
    return Comparables(table, tuple(retenues), ecartees, len(distances), len(toutes) - len(utiles))


_ATTENDU = "une commune, un EPCI ou un département dont la population est publiée"


def empechement(cible: Territoire) -> str:
    """Pourquoi un territoire n'a pas de comparables ; vide s'il en a.

    Examples
    --------
    >>> empechement(territoire("France"))
    "la France n'a pas de territoire semblable à sa maille"
    """
    if cible.maille not in MAILLES:
        return _SANS[cible.maille]
    toutes = _valeurs(cible.maille, tables_assemblees.etat(), ())
    if cible.code not in toutes.index:
        if "commune" in cible.parents:
            return "un arrondissement municipal ne se compare pas aux communes entières"
        return "une collectivité d'outre-mer n'a ni département ni intercommunalité auxquels se comparer"
    if toutes.loc[cible.code, ["population", "densite"]].isna().any():
        return "sa population annuelle n'est pas publiée"
    return ""


def distances_a(valeurs: pd.DataFrame, cible: str) -> pd.Series:
    """Distance de chaque ligne à une ligne, variables centrées-réduites ; triées, la cible exclue.

    Parameters
    ----------
    valeurs : DataFrame
        Une ligne par territoire, une colonne par variable, sans manquant.
    cible : str
        Étiquette de la ligne de référence.

    Returns
    -------
    Series
        Moyenne quadratique des écarts, en écarts types (population entière) ; à distance égale, ordre des codes.
        Une variable constante ne compte pas.

    Examples
    --------
    >>> table = pd.DataFrame({"a": [0.0, 1.0, 2.0, 3.0]}, index=list("wxyz"))
    >>> distances_a(table, "w").round(3).to_dict()
    {'x': 0.894, 'y': 1.789, 'z': 2.683}
    """
    distances = _distances(*_matrice(valeurs), valeurs.index.get_loc(cible))
    return pd.Series(distances, index=valeurs.index).drop(cible).sort_index().sort_values(kind="stable")


def _matrice(valeurs: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Les variables qui distinguent quelque chose, et leur écart type."""
    ecarts_types = valeurs.std(ddof=0)
    utiles = ecarts_types.index[ecarts_types > 0]
    return valeurs[utiles].to_numpy(), ecarts_types[utiles].to_numpy()


def _distances(valeurs: np.ndarray, ecarts_types: np.ndarray, rang: int) -> np.ndarray:
    return np.sqrt((((valeurs - valeurs[rang]) / ecarts_types) ** 2).mean(axis=1))


def plus_proches(maille: str, *, k: int = NOMBRE) -> dict[str, list[str]]:
    """Les codes de :func:`comparables`, pour chaque territoire d'une maille qui en a : d'un seul passage.

    Examples
    --------
    >>> plus_proches("epci", k=2)["200048551"]
    ['200070688', '200035442']
    """
    toutes = _valeurs(maille, tables_assemblees.etat(), ()).sort_index()
    trouves: dict[str, list[str]] = {}
    # Ceux à qui manquent les mêmes variables se comparent sur les mêmes.
    for _, semblables in toutes.groupby([toutes[c].isna() for c in toutes.columns]):
        if not empechement(premier := territoire(f"{maille}:{semblables.index[0]}")):
            utiles = _utiles(toutes, _retenir(toutes, premier, None)[0])
            matrice, ecarts_types = _matrice(utiles)
            for code, rang in zip(semblables.index, utiles.index.get_indexer(semblables.index), strict=True):
                distances = _distances(matrice, ecarts_types, rang)
                distances[rang] = np.inf
                trouves[code] = utiles.index[np.argsort(distances, kind="stable")[:k]].tolist()
    return trouves


def _utiles(toutes: pd.DataFrame, retenues: list[Critere]) -> pd.DataFrame:
    """Les variables retenues, là où toutes sont connues ; en logarithme celles qui se comparent ainsi."""
    utiles = toutes[[c.nom for c in retenues]].dropna()
    return utiles.assign(**{c.nom: np.log(utiles[c.nom]) for c in retenues if c.logarithme})


def _retenir(
    toutes: pd.DataFrame, cible: Territoire, demandees: list[str] | None
) -> tuple[list[Critere], dict[str, str]]:
    """Variables employées ; celles qui ne le sont pas, et pourquoi. Nommées, elles sont toutes exigées."""
    inconnues = sorted(set(demandees or ()) - set(CRITERES))
    if inconnues or (demandees is not None and not demandees):
        raise DemandeFausse(
            f"variables de comparaison : {', '.join(inconnues) or 'aucune'}", attendu=", ".join(CRITERES)
        )
    motifs = {
        c.nom: _manque(c, toutes[c.nom], cible) if cible.maille in c.mailles else "sans objet à cette maille"
        for c in _CRITERES
        if c.nom in toutes
    }
    if demandees is not None:
        absentes = [f"{nom} ({motifs[nom]})" for nom in demandees if motifs[nom]]
        if absentes:
            raise DemandeFausse(f"variables indisponibles : {', '.join(absentes)}")
        return [c for c in _CRITERES if c.nom in demandees], {}
    retenues, ecartees = [], {}
    for critere in _CRITERES:
        if critere.sur_demande or cible.maille not in critere.mailles:
            continue
        if critere.secours_de and not motifs[critere.secours_de]:
            continue
        if motifs[critere.nom]:
            ecartees[critere.libelle] = motifs[critere.nom]
        else:
            retenues.append(critere)
    return retenues, ecartees


def _manque(critere: Critere, valeurs: pd.Series, cible: Territoire) -> str:
    if critere.source and valeurs.isna().all():
        return f"« cafdiag donnees telecharger {critere.source} » la donne"
    if valeurs.notna().mean() < PART_CONNUE:
        return "inconnue de plus d'un territoire sur vingt"
    return "inconnue pour ce territoire" if pd.isna(valeurs[cible.code]) else ""


@lru_cache(maxsize=8)
def _valeurs(maille: str, etat: tuple, demandees: tuple[str, ...]) -> pd.DataFrame:
    """Les variables de tous les territoires d'une maille ; manquantes où la source se tait."""
    en_plus = tuple(c.nom for c in _CRITERES if c.sur_demande and c.nom in demandees)
    nom = "-".join(["criteres", maille, *en_plus])
    return gardee(nom, etat, lambda: _evaluer(maille, en_plus).reset_index()).set_index("code")


def _evaluer(maille: str, demandees: tuple[str, ...]) -> pd.DataFrame:
    appartenance = membres(maille).dropna()
    codes = pd.Index(sorted(appartenance["code"].unique()), dtype=object, name="code")
    communes = tables_assemblees.communes()
    contexte = Contexte(
        territoires=pd.DataFrame({"maille": maille, "officiel": codes, "nom": codes}, index=codes, dtype=object),
        appartenance=appartenance.astype(object),
        communes=communes.set_axis(communes.index.astype(object)),
        taux=tables_assemblees.taux_couverture(),
        qpv=lire_table("qpv"),
        structures=pd.DataFrame(),
        apports=Apports(qpv=tables_assemblees.qpv_contours()),
    )
    voulues = [c for c in _CRITERES if not c.sur_demande or c.nom in demandees]
    table = pd.DataFrame({c.nom: c.calcul(contexte) for c in voulues}, index=codes)
    # Six communes n'ont aucun habitant : ni logarithme, ni semblables.
    return table.mask(table["population"].eq(0))
