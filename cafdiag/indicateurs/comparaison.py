"""Comparer un territoire : à ceux qui le contiennent, à ses voisins de maille, à ceux qui lui ressemblent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import pandas as pd

from cafdiag.donnees import Apports
from cafdiag.erreurs import DemandeFausse
from cafdiag.indicateurs.comparables import NOMBRE, Comparables, empechement, plus_proches, voisinage
from cafdiag.indicateurs.cube import REUNIS
from cafdiag.indicateurs.dates import a_date_egale
from cafdiag.indicateurs.mesures import annees_disponibles, mesurer_une_fois
from cafdiag.indicateurs.options import Options
from cafdiag.indicateurs.positions import MEMBRES_MINIMUM, positions
from cafdiag.indicateurs.tables_calcul import Tables, un_territoire
from cafdiag.magasin import lire_table
from cafdiag.territoires import Territoire, lister, membres, territoire

# Une commune a des semblables, mais presque rien n'est publié partout à la commune : leur agrégat serait muet.
MAILLES_AGREGEES = ("epci", "departement")
GROUPES = ("proches", "comparables")
_CIRCULAIRE = "sert à choisir les comparables : s'y comparer n'apprendrait rien"


@dataclass(frozen=True)
class Groupe:
    """Des territoires de même maille parmi lesquels situer celui-ci.

    Attributes
    ----------
    maille : str
    codes : tuple of str
        Sans le territoire lui-même.
    libelle : str
        « EPCI du département », « EPCI comparables »…
    """

    maille: str
    codes: tuple[str, ...]
    libelle: str


@dataclass(frozen=True)
class Confrontation:
    """Tout ce qu'il faut pour comparer, mesuré en une passe.

    Attributes
    ----------
    mesures : DataFrame
        Ce que rend :func:`comparer`.
    groupes : dict
        Par clé (``proches``, ``comparables``), le :class:`Groupe`.
    pairs : DataFrame
        Mesures de chaque membre des groupes.
    voisinage : Comparables or None
        Comment les comparables ont été choisis ; None s'il n'y en a pas, et ``motif`` dit pourquoi.
    motif : str
    """

    mesures: pd.DataFrame
    groupes: dict[str, Groupe]
    pairs: pd.DataFrame = field(repr=False)
    voisinage: Comparables | None = None
    motif: str = ""

    def positions(self, groupe: str) -> pd.DataFrame:
        """Place du territoire dans un groupe (:func:`cafdiag.indicateurs.positions.positions`) ; vide sans groupe."""
        ici = self.mesures[self.mesures["role"].eq("territoire")]
        codes = self.groupes[groupe].codes if groupe in self.groupes else ()
        if groupe == "comparables" and self.voisinage is not None:
            ici = ici[~ici["indicateur"].isin(self.voisinage.circulaires)]
        return positions(ici, self.pairs[self.pairs["territoire"].isin(codes)])


def comparer(
    cible: Territoire | str,
    indicateurs: list[str] | None = None,
    *,
    annee: int | None = None,
    apports: Apports | None = None,
    options: Options | None = None,
) -> pd.DataFrame:
    """Mesures du territoire, de son département, de sa région, de la France et de ses comparables.

    Returns
    -------
    DataFrame
        Colonnes de :func:`mesurer`, plus ``role`` : ``territoire``, ``departement``, ``region``, ``france``, et, pour
        un EPCI ou un département, ``comparables`` (les dix réunis, en rapport de sommes). Une référence que la
        source ne publie pas reste ``non_disponible``, avec son motif : un taux de la Cnaf ne s'agrège qu'avec le
        nombre d'enfants de chaque EPCI ; :func:`situer` donne alors la médiane et le rang. Tous ont la même date :
        la dernière commune à tous ; s'il n'y en a pas, chacun garde la sienne et son motif le dit.

    Examples
    --------
    >>> comparer("200048551", ["PE_TXCOUV_GLOBAL"])[["role", "valeur"]].head(4).to_dict("records")
    ... # doctest: +NORMALIZE_WHITESPACE
    [{'role': 'territoire', 'valeur': 79.9}, {'role': 'departement', 'valeur': 78.0},
     {'role': 'region', 'valeur': 76.6}, {'role': 'france', 'valeur': 60.9}]
    """
    return confronter(
        cible, indicateurs, annee=annee, apports=apports, options=options, avec_pairs=False
    ).mesures


def situer(
    cible: Territoire | str,
    indicateurs: list[str] | None = None,
    *,
    parmi: str = "comparables",
    k: int = NOMBRE,
    annee: int | None = None,
    apports: Apports | None = None,
    options: Options | None = None,
) -> pd.DataFrame:
    """Médiane, quartiles et rang du territoire parmi ses comparables, ou parmi ses proches.

    Parameters
    ----------
    parmi : {"comparables", "proches"}
        ``proches`` : les EPCI du département, les communes de l'intercommunalité, les départements de la région,
        les régions.
    k : int
        Nombre de comparables.
    cible, indicateurs, annee, apports, options
        Voir :func:`mesurer`.

    Returns
    -------
    DataFrame
        Une ligne par indicateur : ``valeur``, ``unite``, ``annee`` du territoire, puis ``nombre``, ``mediane``,
        ``q1``, ``q3``, ``rang_haut``, ``rang_bas``, ``classes`` (:func:`positions`). Un indicateur qui sert à choisir
        les comparables n'y est pas.

    Raises
    ------
    DemandeFausse
        Groupe inconnu, ou territoire qui n'en a pas.

    Examples
    --------
    >>> situer("200048551", ["PE_TXCOUV_EAJE"])[["valeur", "mediane", "rang_haut", "classes"]].round(1).values
    array([[ 9.6,  8.7,  3. , 11. ]])
    """
    if parmi not in GROUPES:
        raise DemandeFausse(f"groupe « {parmi} »", attendu=" ou ".join(GROUPES))
    cible = cible if isinstance(cible, Territoire) else territoire(cible)
    trouve = confronter(cible, indicateurs, k=k, annee=annee, apports=apports, options=options)
    if parmi not in trouve.groupes:
        raise DemandeFausse(
            f"pas de {parmi} pour {cible.nom} : {trouve.motif if parmi == 'comparables' else 'maille sans voisins'}"
        )
    ici = trouve.mesures[trouve.mesures["role"].eq("territoire")].set_index("indicateur")
    return ici[["libelle", "valeur", "unite", "annee", "statut"]].join(trouve.positions(parmi), how="inner")


def confronter(
    cible: Territoire | str,
    indicateurs: list[str] | None = None,
    *,
    k: int = NOMBRE,
    annee: int | None = None,
    apports: Apports | None = None,
    options: Options | None = None,
    avec_pairs: bool = True,
) -> Confrontation:
    """Mesure d'un coup le territoire, ses références et, si ``avec_pairs``, chaque membre de ses groupes."""
    cible = cible if isinstance(cible, Territoire) else territoire(cible)
    motif = empechement(cible)
    choisis = None if motif else voisinage(cible, k=k)
    etages = _etages(cible)
    lignes = [un_territoire(t, role) for role, t in etages.items()]
    roles = list(etages)
    if choisis is not None and cible.maille in MAILLES_AGREGEES:
        lignes.append(_reunis(cible, choisis.codes))
        roles.append("comparables")
    groupes = _groupes(cible, choisis) if avec_pairs else {}
    for maille in dict.fromkeys(g.maille for g in groupes.values()):
        codes = dict.fromkeys(c for g in groupes.values() if g.maille == maille for c in g.codes)
        lignes.append(membres_de(maille, list(codes)))
    territoires = pd.concat([t for t, _ in lignes])
    appartenance = pd.concat([a for _, a in lignes], ignore_index=True)
    termes = [rang < len(roles) for rang in range(len(territoires))]
    table = _mesurer_a_date_egale(
        territoires, appartenance, termes, indicateurs, annee=annee, apports=apports, options=options
    )
    par_cle = len(table) // len(territoires)
    mesures = table.iloc[: par_cle * len(roles)]
    mesures = mesures.assign(role=[role for role in roles for _ in range(par_cle)])
    if choisis is not None:
        _taire_le_circulaire(mesures, choisis)
    pairs = table.iloc[par_cle * len(roles) :].reset_index(drop=True)
    return Confrontation(mesures, groupes, pairs, choisis, motif)


def termes_d_avance(cibles: Sequence[Territoire]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Tout ce que mesureront les confrontations de ces territoires, une fois chacun : territoires, appartenance.

    Examples
    --------
    >>> territoires, _ = termes_d_avance([territoire("200048551"), territoire("244900015")])
    >>> territoires["maille"].value_counts()[["perimetre", "departement", "region", "france"]].to_dict()
    {'perimetre': 2, 'departement': 2, 'region': 1, 'france': 1}
    """
    etages: dict[tuple[str, str, str], Territoire] = {}
    pairs: dict[str, dict[str, None]] = {}
    lignes = []
    for rang, cible in enumerate(cibles):
        choisis = None if empechement(cible) else voisinage(cible)
        etages |= {(t.maille, t.code, t.nom): t for t in _etages(cible).values()}
        if choisis is not None and cible.maille in MAILLES_AGREGEES:
            lignes.append(_reunis(cible, choisis.codes, cle=f"comparables {rang}"))
        for groupe in _groupes(cible, choisis).values():
            pairs.setdefault(groupe.maille, {}).update(dict.fromkeys(groupe.codes))
    dits = {(maille, code) for maille, code, _ in etages}
    lignes += [un_territoire(t, f"territoire {rang}") for rang, t in enumerate(etages.values())]
    lignes += [membres_de(m, [c for c in codes if (m, c) not in dits]) for m, codes in pairs.items()]
    return pd.concat([t for t, _ in lignes]), pd.concat([a for _, a in lignes], ignore_index=True)


def comparables_de_tous(maille: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Les comparables réunis de chaque territoire d'une maille qui en a : territoires, appartenance.

    Examples
    --------
    >>> territoires, appartenance = comparables_de_tous("departement")
    >>> len(territoires), territoires["officiel"].iloc[0], appartenance["code"].nunique() == len(territoires)
    (100, 'comparables-01', True)
    """
    proches = pd.Series(plus_proches(maille)).explode()
    siennes = membres(maille).merge(proches.rename("code").rename_axis("cible").reset_index(), on="code")
    officiels = REUNIS + proches.index.unique()
    noms = [_nom_reunis(maille, n) for n in proches.groupby(level=0, sort=False).size()]
    territoires = pd.DataFrame({"maille": "perimetre", "officiel": officiels, "nom": noms}, index=officiels)
    return territoires, siennes[["commune"]].assign(code=REUNIS + siennes["cible"].astype(object))


def comparer_les_epci(
    departement: Territoire, *, apports: Apports | None = None, options: Options | None = None
) -> pd.DataFrame:
    """Mesures de chaque EPCI d'un département, du département et de ses références, à date égale.

    Returns
    -------
    DataFrame
        Colonnes de :func:`mesurer` et ``role`` : ``epci`` (par code), puis ``territoire``, ``region``, ``france``.
        Tous sont des termes de la comparaison : un indicateur a la dernière année que tous connaissent.

    Examples
    --------
    >>> table = comparer_les_epci(territoire("53"))
    >>> naissances = table[table["indicateur"].eq("PE_NAISS")].groupby("role")["annee"]
    >>> naissances.min().equals(naissances.max()), naissances.max().to_dict()
    (True, {'epci': 2024, 'france': 2024, 'region': 2024, 'territoire': 2024})
    """
    codes = lister("epci", departement=departement.code)["code"].tolist()
    etages = _etages(departement)
    lignes = [membres_de("epci", codes), *(un_territoire(t, role) for role, t in etages.items())]
    territoires = pd.concat([t for t, _ in lignes])
    table = _mesurer_a_date_egale(
        territoires,
        pd.concat([a for _, a in lignes], ignore_index=True),
        [True] * len(territoires),
        None,
        annee=None,
        apports=apports,
        options=options,
    )
    roles = ["epci"] * len(codes) + list(etages)
    return table.assign(role=[role for role in roles for _ in range(len(table) // len(roles))])


def _mesurer_a_date_egale(
    territoires: pd.DataFrame,
    appartenance: pd.DataFrame,
    termes: list[bool],
    indicateurs: list[str] | None,
    *,
    annee: int | None,
    apports: Apports | None,
    options: Options | None,
) -> pd.DataFrame:
    """Un seul calcul pour tous : chaque grandeur n'est lue et sommée qu'une fois."""
    tables = Tables.lire(apports)

    def mesurer(voulus: list[str] | None, de: int | None) -> pd.DataFrame:
        return mesurer_une_fois(territoires, appartenance, voulus, tables, annee=de, options=options)

    return a_date_egale(
        mesurer(indicateurs, annee),
        termes,
        mesurer=mesurer,
        annees=lambda code: annees_disponibles(code, apports=apports),
    )


def _etages(cible: Territoire) -> dict[str, Territoire]:
    etages = {"territoire": cible}
    for role in ("departement", "region", "france"):
        parent = cible.parents.get(role)
        # Paris est son département, la Réunion sa région : un territoire ne se compare pas à lui-même.
        if parent is not None and all(set(parent.communes) != set(e.communes) for e in etages.values()):
            etages[role] = parent
    return etages


def _reunis(cible: Territoire, codes: list[str], *, cle: str = "comparables") -> tuple[pd.DataFrame, pd.DataFrame]:
    """Les comparables réunis : un périmètre d'EPCI entiers, que chaque calcul sait agréger ou taire."""
    _, appartenance = membres_de(cible.maille, codes)
    ligne = {
        "maille": "perimetre",
        "officiel": f"{REUNIS}{cible.code}",
        "nom": _nom_reunis(cible.maille, len(codes)),
    }
    return pd.DataFrame(ligne, index=[cle]), appartenance.assign(code=cle)


def _nom_reunis(maille: str, nombre: int) -> str:
    return f"{nombre} {'EPCI' if maille == 'epci' else 'départements'} comparables"


def membres_de(maille: str, codes: list[str]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Territoires d'une maille et leurs communes, chacun sous une clé qui n'est celle d'aucun rôle."""
    noms = lister(maille).set_index("code")["nom"].reindex(codes)
    # Le signe « = » évite qu'un code de département se confonde avec un rôle ou un autre code.
    territoires = pd.DataFrame(
        {"maille": maille, "officiel": codes, "nom": noms.to_numpy()}, index=[f"={maille}:{c}" for c in codes]
    )
    appartenance = membres(maille)
    appartenance = appartenance[appartenance["code"].isin(codes)]
    return territoires, appartenance.assign(code=f"={maille}:" + appartenance["code"].astype(object))


def _groupes(cible: Territoire, choisis: Comparables | None) -> dict[str, Groupe]:
    groupes = {}
    proches = _proches(cible)
    if proches is not None and len(proches.codes) >= MEMBRES_MINIMUM:
        groupes["proches"] = proches
    if choisis is not None:
        nom = {"epci": "EPCI", "commune": "communes", "departement": "départements"}[cible.maille]
        groupes["comparables"] = Groupe(cible.maille, tuple(choisis.codes), f"{nom} comparables")
    return groupes


def _proches(cible: Territoire) -> Groupe | None:
    """Les territoires de même maille d'alentour ; pour un périmètre, les EPCI de son département."""
    if cible.maille in ("epci", "perimetre"):
        table, cle, libelle = "epci", "departement", "EPCI du département"
    elif cible.maille == "departement":
        table, cle, libelle = "departements", "region", "départements de la région"
    elif cible.maille == "commune":
        table, cle, libelle = "communes", "epci", "communes de l'intercommunalité"
    elif cible.maille == "region":
        codes = lister("region")["code"]
        return Groupe("region", tuple(codes[codes.ne(cible.code)]), "régions")
    else:
        return None
    parent = cible.parents.get(cle)
    if parent is None:
        return None
    listes = lire_table(table, colonnes=["code", cle, *(["type"] if table == "communes" else [])])
    dedans = listes[cle].eq(parent.code) & listes["code"].ne(cible.code)
    if table == "communes":
        dedans &= listes["type"].eq("COM")
    maille = "epci" if cible.maille == "perimetre" else cible.maille
    return Groupe(maille, tuple(sorted(listes.loc[dedans, "code"])), libelle)


def _taire_le_circulaire(mesures: pd.DataFrame, choisis: Comparables) -> None:
    """Les comparables ont la même population parce qu'on les a choisis ainsi : ce n'est pas un résultat."""
    tues = mesures["role"].eq("comparables") & mesures["indicateur"].isin(choisis.circulaires)
    mesures.loc[tues, ["valeur", "numerateur", "denominateur", "bas", "haut"]] = float("nan")
    mesures.loc[tues, ["statut", "motif"]] = ["sans_objet", _CIRCULAIRE]
