"""Petite enfance : les taux publiés par la Cnaf, ce qu'on peut en déduire, les naissances.

Les taux sont publiés à l'EPCI, au département, à la région et à la France (hors Mayotte), et à la commune
au-dessus de 10 000 habitants. Le nombre d'enfants qui leur sert de dénominateur ne l'est pas : un taux ne
s'agrège donc qu'avec une estimation de ce nombre, et le dit. Les lignes fictives (``XX``, ``COM``) ne sont
d'aucun territoire.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from cafdiag.geographie import autre, geographie
from cafdiag.indicateurs.agregation import (
    DEMI_LARGEUR_MAXIMALE,
    borner_la_part,
    rapport,
    sommer,
    taux_agreges,
)
from cafdiag.indicateurs.contexte import Contexte, resultat
from cafdiag.indicateurs.generiques import a_apporter, rapport_de_sommes
from cafdiag.indicateurs.hors_mayotte import SANS_TAUX
from cafdiag.territoires import membres
from cafdiag.territoires.passage import message_du_perimetre, perimetres_changes

# Les calculs sur un taux publié par la Cnaf : ils en ont les années, et les mailles.
CALCULS_DES_TAUX = (
    "publie",
    "part_individuel",
    "mode_dominant",
    "ecart_ref",
    "ratio_ref",
    "tension",
    "besoin_cible",
)
MODES = {
    "txcouv_eaje": "accueil collectif (EAJE)",
    "txcouv_am": "assistants maternels",
    "txcouv_prescol": "préscolarisation",
    "txcouv_gad": "garde à domicile",
}
# Les deux feuilles du collectif, dont le détail n'est que dans les fichiers importés.
COLLECTIFS = {
    "txcouv_eaje_psu": "accueil collectif à PSU (EAJE)",
    "txcouv_eaje_hors_psu": "accueil collectif hors PSU (EAJE)",
}
_COLLECTIFS_REUNIS = "crèches PSU et hors PSU réunies : leur détail n'est pas importé"
# Les places qui répondent à chaque taux.
PLACES_DES_TAUX = {
    "txcouv": "places_accueil",
    "txcouv_eaje": "places_eaje_cnaf",
    "txcouv_eaje_psu": "places_eaje_psu",
    "txcouv_eaje_hors_psu": "places_eaje_hors_psu",
    "txcouv_am": "places_am",
    "txcouv_prescol": "places_prescol",
    "txcouv_gad": "places_gad",
}
# Un taux publié à 0,1 près vient d'une valeur à ± 0,05.
DEMI_TAUX = 0.05
# Paris est à la fois commune et département : la Cnaf publie le second, la ville n'a pas de ligne.
_PARIS = ("75056", "75")
_VILLES_A_ARRONDISSEMENTS = {"75056": "751", "13055": "132", "69123": "6938"}
# Deux périodes de trois ans, sans année commune.
ECART_NAISSANCES = 4
# De la plus large à la plus fine ; un périmètre se compose d'elles.
_DITES = {"region": "région", "departement": "département", "epci": "EPCI"}
_LARGES = ("region", "departement")
LA_REFERENCE = "la France est la référence"
_ARRONDISSEMENTS_ABSENTS = "la Cnaf publie ce taux par arrondissement ; ces lignes ne sont pas fournies"
_SANS_LIGNE = "la Cnaf ne publie pas de taux pour Mayotte ni pour les territoires sans ligne dans son jeu"
_HORS_DEPARTEMENT = "la Cnaf ne publie pas ce taux pour les collectivités d'outre-mer"
_SEUIL_COMMUNE = "la Cnaf ne publie ce taux à la commune qu'au-dessus de 10 000 habitants"


def taux_publies(taux: pd.DataFrame, maille: str, colonne: str, *, annee: int) -> pd.Series:
    """Taux publiés d'une maille, indexés par code ; lignes fictives exclues.

    Examples
    --------
    >>> table = pd.DataFrame({"maille": ["epci", "epci"], "code": ["200048551", "XX"], "annee": [2023, 2023],
    ...                       "txcouv": [79.9, 195.8]})
    >>> taux_publies(table, "epci", "txcouv", annee=2023).to_dict()
    {'200048551': 79.9}
    """
    return _colonne(_lignes(taux, maille, annee), colonne)


def _lignes(taux: pd.DataFrame, maille: str, annee: int) -> pd.DataFrame:
    lignes = taux[(taux["maille"].eq(maille) & taux["annee"].eq(annee)).to_numpy(dtype=bool, na_value=False)]
    return lignes[~lignes["code"].str.fullmatch(r"X+|COM|Z+")].set_index("code")


def _colonne(lignes: pd.DataFrame, colonne: str) -> pd.Series:
    # Le détail PSU et hors PSU n'est que dans les fichiers importés.
    return lignes[colonne].astype("float64") if colonne in lignes else pd.Series(np.nan, index=lignes.index)


def taux_du_contexte(contexte: Contexte, maille: str, colonne: str, *, annee: int) -> pd.Series:
    """:func:`taux_publies` sur les taux du contexte, une fois pour tous les calculs ; à ne pas modifier."""
    lignes = contexte.partager(("taux", maille, annee), lambda: _lignes(contexte.taux, maille, annee))
    return contexte.partager(("taux", maille, colonne, annee), lambda: _colonne(lignes, colonne))


def annees_publiees(taux: pd.DataFrame) -> list[int]:
    """Années couvertes par les taux embarqués."""
    return sorted(int(a) for a in taux["annee"].dropna().unique())


def taux_publie(contexte: Contexte, colonne: str = "txcouv") -> pd.DataFrame:
    """Taux publié à la maille demandée ; sinon rapport de sommes d'EPCI entiers, sinon non disponible et motif."""
    return contexte.retenir(("publie", colonne), lambda: _publie(contexte, colonne)).copy()


def publie(contexte: Contexte, ligne: pd.Series) -> pd.DataFrame:
    """:func:`taux_publie` ; celui que rien ne nourrit dit comment l'apporter."""
    colonne = ligne["numerateur"]
    table = taux_publie(contexte, colonne)
    if colonne not in contexte.taux or contexte.taux[colonne].isna().all():
        table["motif"] = table["motif"].mask(table["statut"].eq("non_disponible"), a_apporter(ligne))
    return table


def _publie(contexte: Contexte, colonne: str) -> pd.DataFrame:
    annee = contexte.annee_des_taux
    territoires = contexte.territoires
    valeur = pd.Series(np.nan, index=contexte.codes)
    publies = {}
    for maille in territoires["maille"].unique():
        publies[maille] = taux_du_contexte(contexte, maille, colonne, annee=annee)
        siens = contexte.de_maille(maille)
        valeur[siens] = publies[maille].reindex(territoires.loc[siens, "officiel"]).to_numpy()
    absent = valeur.isna()
    table = resultat(
        contexte.codes,
        valeur=valeur,
        annee=annee,
        millesime=f"décembre {annee}",
        maille_source=territoires["maille"],
        statut=np.where(absent, "non_disponible", "exact"),
        motif=np.select([absent, contexte.de_maille("france")], [_SANS_LIGNE, SANS_TAUX], ""),
    )
    communes = absent & contexte.de_maille("commune")
    suivies = territoires["officiel"].isin(contexte.communes.index)
    table.loc[communes, "motif"] = np.where(suivies[communes], _SEUIL_COMMUNE, _HORS_DEPARTEMENT)
    # Mayotte n'a aucune ligne : le seuil n'y est pour rien.
    table.loc[communes & territoires["officiel"].str.startswith("976"), "motif"] = _SANS_LIGNE
    prefixes = tuple(_VILLES_A_ARRONDISSEMENTS.values())
    table.loc[communes & territoires["officiel"].str.startswith(prefixes), "motif"] = _ARRONDISSEMENTS_ABSENTS
    villes = territoires["officiel"].isin(_VILLES_A_ARRONDISSEMENTS)
    for cle in contexte.codes[communes & villes]:
        _ville(table, cle, territoires.at[cle, "officiel"], contexte, colonne, annee, publies["commune"])
    changes = absent & contexte.de_maille("epci") & territoires["officiel"].isin(perimetres_changes())
    libres = contexte.codes[contexte.de_maille("perimetre") | contexte.de_maille("qpv") | changes]
    if len(libres):
        _agreger(table, libres, contexte, colonne, annee)
    _par_les_places(table, contexte, colonne, annee)
    return table


def _par_les_places(table: pd.DataFrame, contexte: Contexte, colonne: str, annee: int) -> None:
    """Là où le taux n'est pas publié : places publiées rapportées aux enfants que supposent les taux (A1).

    L'intervalle est celui du dénominateur reconstitué ; trop large, le taux reste muet.
    """
    places, enfants = PLACES_DES_TAUX[colonne], "enfants_moins_3_ans_cnaf"
    if annee not in contexte.annees(places) or annee not in contexte.annees(enfants):
        return
    brut = rapport(contexte.somme(places, annee=annee), contexte.somme(enfants, annee=annee))
    demi = (brut["haut"] - brut["bas"]) / 2
    # Un périmètre estimé par les naissances l'est mieux par les enfants de la Cnaf elle-même.
    ouvert = table["statut"].eq("non_disponible") | table["statut"].eq("estime")
    ici = ouvert & brut["valeur"].notna() & demi.le(DEMI_LARGEUR_MAXIMALE)
    nombres = ["valeur", "numerateur", "denominateur", "bas", "haut"]
    table.loc[ici, nombres] = brut.loc[ici, nombres]
    table.loc[ici, ["statut", "motif"]] = ["estime", "places publiées, rapportées aux enfants que supposent les taux"]
    table.loc[ici, "maille_source"] = contexte.somme(places, annee=annee).loc[ici, "maille_source"]


def _ville(
    table: pd.DataFrame,
    cle: str,
    ville: str,
    contexte: Contexte,
    colonne: str,
    annee: int,
    publies: pd.Series,
) -> None:
    """Paris prend le taux de son département, même territoire ; Lyon et Marseille sont bornées."""
    if ville == _PARIS[0]:
        du_departement = taux_du_contexte(contexte, "departement", colonne, annee=annee)
        if np.isnan(du_departement.get(_PARIS[1], np.nan)):
            return
        table.loc[cle, ["valeur", "statut", "motif", "maille_source"]] = [
            du_departement[_PARIS[1]],
            "exact",
            "taux publié pour le département de Paris, même territoire que la commune",
            "departement",
        ]
        return
    prefixe = _VILLES_A_ARRONDISSEMENTS[ville]
    arrondissements = publies[publies.index.str.startswith(prefixe)].dropna()
    if arrondissements.empty:
        table.loc[cle, "motif"] = _ARRONDISSEMENTS_ABSENTS
        return
    tous = int(contexte.communes.index.str.startswith(prefixe).sum())
    if len(arrondissements) < tous:
        # Celui qui manque peut être au-dessous ou au-dessus des autres.
        table.loc[cle, "motif"] = (
            f"publié par arrondissement ; le taux de {tous - len(arrondissements)} des {tous} arrondissements manque"
        )
        return
    table.loc[cle, ["bas", "haut", "motif"]] = [
        arrondissements.min(),
        arrondissements.max(),
        f"publié par arrondissement seulement ({len(arrondissements)}) ; l'agréger demande le nombre d'enfants "
        "de chacun",
    ]


def _agreger(table: pd.DataFrame, cles: pd.Index, contexte: Contexte, colonne: str, annee: int) -> None:
    """Périmètre d'unités entières (EPCI, départements, régions) : rapport de sommes pondéré par les naissances, statut
    ``estime``.

    Les EPCI sont ceux de la publication : une fusion de 2026 est un périmètre de deux EPCI de 2025. Un EPCI à cheval
    ne se découpe pas : réunis, des départements entiers ont les leurs.
    """
    unite = f"epci_{autre(geographie())}"
    publies = {m: taux_du_contexte(contexte, m, colonne, annee=annee) for m in (unite, "epci", *_LARGES)}
    if publies[unite].empty:
        unite = "epci"
    taux = pd.concat([_nommer(unite if m == "epci" else m, t) for m, t in publies.items() if m == unite or not t.empty])
    larges = tuple(m for m in _LARGES if not publies[m].empty)
    parts, coupes = contexte.retenir(
        ("unités entières", unite, larges), lambda: _unites_entieres(contexte, cles, unite, larges)
    )
    enfants = contexte.par_commune("enfants_moins_3_ans", annee=annee)
    par_unite = contexte.partager(
        ("enfants par unité", unite, annee),
        lambda: pd.concat(
            _nommer(m, sommer(enfants, membres(m).dropna(subset=["code"]))["valeur"]) for m in (unite, *_LARGES)
        ),
    )
    siens = pd.DataFrame(
        {"taux": taux.reindex(parts["unite"]).to_numpy(), "enfants": par_unite.reindex(parts["unite"]).to_numpy()}
    )
    par_cle = siens.groupby(parts["code"].to_numpy())
    combien, bas, haut = par_cle.size(), par_cle["taux"].min(), par_cle["taux"].max()
    connus = par_cle.count().eq(combien, axis=0)
    agreges = taux_agreges(siens["taux"], siens["enfants"], parts["code"])
    maille = parts["unite"].str.split(":").str[0].replace(unite, "epci")
    combien_de = pd.DataFrame({m: maille.eq(m).groupby(parts["code"]).sum() for m in _DITES})
    table.loc[combien.index, "maille_source"] = combien_de.gt(0).idxmax(axis=1)
    un = combien.index[combien.eq(1)]
    table.loc[un, "valeur"] = bas[un]
    table.loc[un, "statut"] = np.where(connus["taux"][un], "exact", "non_disponible")
    table.loc[un, "motif"] = np.where(connus["taux"][un], "", _SANS_LIGNE)
    plusieurs = combien.index.difference(un)
    table.loc[plusieurs, "bas"] = bas.where(connus["taux"])[plusieurs]
    table.loc[plusieurs, "haut"] = haut.where(connus["taux"])[plusieurs]
    table.loc[plusieurs, "motif"] = (
        "le nombre d'enfants de chacun de ses territoires n'est pas connu : le taux est entre le plus bas et le plus "
        "haut des leurs"
    )
    table.loc[plusieurs[~connus["taux"][plusieurs]], "motif"] = _SANS_LIGNE
    calcules = plusieurs[connus.all(axis=1)[plusieurs]]
    table.loc[calcules, "valeur"] = agreges[calcules]
    table.loc[calcules, "statut"] = "estime"
    table.loc[calcules, "motif"] = [
        f"rapport de sommes de {_compter_les_unites(unites)}, enfants de moins de 3 ans estimés par les naissances"
        for unites in combien_de.loc[calcules].to_dict("records")
    ]
    for code in coupes:
        for nom, trouve in _dans_une_commune(contexte, code, colonne, annee).items():
            table.loc[code, nom] = trouve


def _dans_une_commune(contexte: Contexte, code: str, colonne: str, annee: int) -> dict:
    """Pourquoi une part d'EPCI n'a pas de taux : ses communes en ont un, ou non, et rien ne le découpe."""
    if dit := message_du_perimetre(contexte.territoires.at[code, "officiel"]):
        publie = taux_du_contexte(contexte, f"epci_{autre(geographie())}", colonne, annee=annee)
        valeur = publie.get(contexte.territoires.at[code, "officiel"], np.nan)
        publiee = "" if np.isnan(valeur) else f" ({valeur:.1f}".replace(".", ",") + ")"
        return {"motif": f"taux publié{publiee} pour un autre périmètre, qui ne se corrige pas : {dit}"}
    communes = contexte.retenir(
        ("communes de chacun",), lambda: contexte.appartenance.groupby("code")["commune"].indices
    )
    siennes = contexte.appartenance["commune"].iloc[communes.get(code, [])]
    taux = taux_du_contexte(contexte, "commune", colonne, annee=annee).reindex(siennes)
    if taux.isna().any():
        return {
            "motif": "taux publié à l'EPCI : il ne se découpe pas par commune ; composez le périmètre d'EPCI entiers"
        }
    if contexte.territoires.at[code, "maille"] == "qpv":
        return {"motif": "taux publié à la commune et à l'EPCI : il ne se découpe pas par quartier"}
    if len(taux) == 1:
        return {"valeur": taux.iloc[0], "statut": "exact", "maille_source": "commune", "motif": ""}
    return {
        "bas": taux.min(),
        "haut": taux.max(),
        "motif": f"publié commune par commune ({len(taux)}) ; l'agréger demande le nombre d'enfants de chacune",
    }


def _compter_les_unites(unites: dict[str, int]) -> str:
    """« 2 EPCI », « 1 département et 2 EPCI »."""
    dits = [f"{n} {_DITES[m]}{'s' if n > 1 and m != 'epci' else ''}" for m in _DITES if (n := unites[m])]
    return " et ".join([", ".join(dits[:-1]), dits[-1]] if dits[1:] else dits)


def _nommer(maille: str, serie: pd.Series) -> pd.Series:
    """53 est un département et une région : l'unité porte sa maille."""
    return serie.set_axis(f"{maille}:" + serie.index.astype(object))


def _unites_entieres(
    contexte: Contexte, cles: pd.Index, unite: str, larges: tuple[str, ...]
) -> tuple[pd.DataFrame, list[str]]:
    """Les unités les plus larges, sinon les seuls EPCI (``unite``), qui composent chaque périmètre (``code``) ; et
    ceux qui en coupent un ou n'en ont pas."""
    siennes = contexte.appartenance.loc[contexte.appartenance["code"].isin(cles), ["code", "commune"]]
    siennes = siennes.drop_duplicates()
    de = {}
    for maille in (unite, *larges):
        communes = membres(maille).dropna(subset=["code"])
        de[maille] = f"{maille}:" + communes.set_index("commune")["code"].astype(object)
    tailles = pd.concat([communes.value_counts() for communes in de.values()])
    siennes = siennes.assign(unite=siennes["commune"].map(de[unite]))
    # Un quartier n'est pas sa commune, même quand elle est tout un département.
    reunies = siennes[siennes["code"].map(contexte.territoires["maille"]).eq("perimetre")]
    for maille in reversed(larges):
        plus_large = reunies["commune"].map(de[maille])
        entiere = reunies.groupby(["code", plus_large])["commune"].transform("size").eq(plus_large.map(tailles))
        reunies = reunies.assign(unite=plus_large.where(entiere, reunies["unite"]))
    parts, _ = _entieres(reunies, tailles)
    autres, coupes = _entieres(siennes[~siennes["code"].isin(parts["code"])], tailles)
    return pd.concat([parts, autres]), coupes


def _entieres(siennes: pd.DataFrame, tailles: pd.Series) -> tuple[pd.DataFrame, list[str]]:
    parts = siennes.groupby(["code", "unite"], dropna=False).size().reset_index(name="communes")
    entieres = parts["communes"].eq(parts["unite"].map(tailles))
    entieres = entieres.groupby(parts["code"]).transform("all")
    return parts.loc[entieres, ["code", "unite"]], parts.loc[~entieres, "code"].drop_duplicates().tolist()


def part_individuel(contexte: Contexte, ligne: pd.Series) -> pd.DataFrame:
    """Part de l'accueil individuel, à partir de taux arrondis à 0,1 : encadrée, statut ``arrondi``."""
    global_, am, gad = (taux_publie(contexte, c) for c in ("txcouv", "txcouv_am", "txcouv_gad"))
    t = global_["valeur"].where(global_["valeur"] > 0)
    individuel = am["valeur"] + gad["valeur"]
    table = _deduit(global_, am, gad)
    table["valeur"] = borner_la_part((100 * individuel / t).to_numpy())
    # Un zéro publié reste un zéro à 0,05 près : la borne basse ne descend pas dessous.
    (bas, haut), (am_bas, am_haut), (gad_bas, gad_haut) = (bornes_du_taux(s) for s in (global_, am, gad))
    table["bas"] = 100 * (am_bas + gad_bas).clip(lower=0) / haut.where(t.notna())
    table["haut"] = (100 * (am_haut + gad_haut) / bas.where(t.notna() & bas.gt(0))).clip(upper=100)
    return _fermer(table, "arrondi")


def mode_dominant(contexte: Contexte, ligne: pd.Series) -> pd.DataFrame:
    """Mode d'accueil au taux le plus élevé des cinq ; à égalité, le collectif.

    Sans le détail du collectif, ses deux modes (PSU, hors PSU) sont réunis ; s'ils l'emportent, le motif le dit.
    """
    toutes = {c: taux_publie(contexte, c) for c in (*COLLECTIFS, *MODES)}
    table = _deduit(*(toutes[c] for c in MODES))
    valeurs = pd.DataFrame({c: t["valeur"] for c, t in toutes.items()})
    complet = valeurs[list(MODES)].notna().all(axis=1) & valeurs[list(MODES)].max(axis=1).gt(0)
    detaille = complet & valeurs[list(COLLECTIFS)].notna().all(axis=1)
    valeurs["txcouv_eaje"] = valeurs["txcouv_eaje"].mask(detaille)
    for c in COLLECTIFS:
        valeurs[c] = valeurs[c].where(detaille)
        table["statut"] = table["statut"].mask(detaille & toutes[c]["statut"].eq("estime"), "estime")
    # idxmax rend la première colonne en cas d'égalité : le collectif.
    premier = valeurs[complet].idxmax(axis=1)
    table.loc[complet, "modalite"] = premier.map(COLLECTIFS | MODES)
    table.loc[premier.index[premier.eq("txcouv_eaje")], "motif"] = _COLLECTIFS_REUNIS
    table["valeur"] = valeurs.max(axis=1).where(complet)
    return _fermer(table, "exact")


def ecart_ref(contexte: Contexte, ligne: pd.Series) -> pd.DataFrame:
    """Écart du taux global à celui de la France, en points, à 0,1 point près ; sans objet pour elle-même."""
    france, source = _taux_de_la_france(contexte), taux_publie(contexte)
    table = _deduit(source)
    table["valeur"] = source["valeur"] - france
    bas, haut = bornes_du_taux(source)
    table["bas"], table["haut"] = bas - (france + DEMI_TAUX), haut - (france - DEMI_TAUX)
    return _sans_la_reference(table, contexte)


def ratio_ref(contexte: Contexte, ligne: pd.Series) -> pd.DataFrame:
    """Taux global divisé par celui de la France, encadré comme eux ; sans objet pour elle-même."""
    france, source = _taux_de_la_france(contexte), taux_publie(contexte)
    # Un taux nul, ou plus petit que son arrondi, ne divise rien.
    france = france if france > DEMI_TAUX else np.nan
    table = _deduit(source)
    table["valeur"] = source["valeur"] / france
    bas, haut = bornes_du_taux(source)
    table["bas"], table["haut"] = bas.clip(lower=0) / (france + DEMI_TAUX), haut / (france - DEMI_TAUX)
    return _sans_la_reference(table, contexte)


def _taux_de_la_france(contexte: Contexte) -> float:
    return taux_du_contexte(contexte, "france", "txcouv", annee=contexte.annee_des_taux).get("FR", np.nan)


def _sans_la_reference(table: pd.DataFrame, contexte: Contexte) -> pd.DataFrame:
    """La France ne se compare pas à elle-même : « 0,0 » ou « 1,00 » passerait pour un résultat."""
    soi = contexte.de_maille("france")
    table["valeur"] = table["valeur"].mask(soi)
    table = _fermer(table, "arrondi")
    table.loc[soi, ["statut", "motif"]] = ["sans_objet", LA_REFERENCE]
    return table


def tension(contexte: Contexte, ligne: pd.Series) -> pd.DataFrame:
    """Enfants de moins de 3 ans par place : l'inverse du taux publié, arrondi à 0,1, donc encadré."""
    source = taux_publie(contexte)
    table = _deduit(source)
    taux = source["valeur"].where(source["valeur"] > DEMI_TAUX)
    table["valeur"] = 100 / taux
    bas, haut = bornes_du_taux(source)
    table["bas"], table["haut"] = 100 / haut.where(taux.notna()), 100 / bas.where(taux.notna() & bas.gt(0))
    return _fermer(table, "arrondi")


def bornes_du_taux(source: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    """Bornes d'un taux : son encadrement s'il en a un (périmètre estimé), sinon l'arrondi à 0,1.

    Examples
    --------
    >>> estime = pd.DataFrame({"valeur": [59.3, 79.9], "bas": [44.6, np.nan], "haut": [91.9, np.nan]})
    >>> [b.round(2).tolist() for b in bornes_du_taux(estime)]
    [[44.55, 79.85], [91.95, 79.95]]
    """
    bas = source["bas"].where(source["bas"].notna(), source["valeur"]) - DEMI_TAUX
    haut = source["haut"].where(source["haut"].notna(), source["valeur"]) + DEMI_TAUX
    return bas, haut


def _deduit(*sources: pd.DataFrame) -> pd.DataFrame:
    """Résultat vide reprenant maille, motif et statut de ce dont il est déduit."""
    premiere = sources[0]
    table = resultat(
        premiere.index,
        annee=premiere["annee"],
        millesime=premiere["millesime"],
        motif=premiere["motif"],
        maille_source=premiere["maille_source"],
        statut=premiere["statut"],
    )
    for suivante in sources[1:]:
        pire = suivante["statut"].eq("non_disponible")
        table["statut"] = table["statut"].mask(pire, "non_disponible")
    return table


def _fermer(table: pd.DataFrame, statut: str) -> pd.DataFrame:
    """Statut final : celui du calcul, sauf là où la source était estimée ou absente."""
    connu = table["valeur"].notna() & table["statut"].ne("non_disponible")
    table["statut"] = table["statut"].mask(table["statut"].eq("exact") & connu, statut)
    table["statut"] = table["statut"].mask(~connu, "non_disponible")
    for colonne in ("valeur", "bas", "haut"):
        table[colonne] = table[colonne].where(connu)
    return table


def naissances_evolution(contexte: Contexte, ligne: pd.Series) -> pd.DataFrame:
    """Évolution des naissances, en % : trois années rapportées aux trois d'il y a quatre ans.

    Chaque territoire prend les six années les plus récentes qui soient toutes connues (2023-2025 rapportées à
    2019-2021 avec les données fournies).
    """
    annees = contexte.annees("naissances_3_ans")
    fins = [a for a in annees if a - ECART_NAISSANCES in annees]
    if contexte.annee in fins:
        fins = [contexte.annee]
    table = _evolution_annuelle(contexte, fins[0])
    for fin in fins[1:]:
        muets = table["statut"].eq("non_disponible")
        if not muets.any():
            break
        ancienne = _evolution_annuelle(contexte, fin)
        table = table.where(~(muets & ancienne["statut"].ne("non_disponible")), ancienne)
    return table.astype({"annee": int})


def _evolution_annuelle(contexte: Contexte, fin: int) -> pd.DataFrame:
    debut = fin - ECART_NAISSANCES
    recent, ancien = (contexte.somme("naissances_3_ans", annee=a) for a in (fin, debut))
    valeur = 100 * (recent["valeur"] / ancien["valeur"].where(ancien["valeur"] > 0) - 1)
    nul = ancien["valeur"].eq(0)
    motif = contexte.manquantes("naissances_3_ans", annee=fin)
    motif = motif.where(motif.ne(""), contexte.manquantes("naissances_3_ans", annee=debut))
    statut = pd.Series("exact", index=contexte.codes).mask(valeur.isna(), "non_disponible")
    return resultat(
        contexte.codes,
        valeur=valeur,
        numerateur=recent["valeur"],
        denominateur=ancien["valeur"],
        statut=statut.mask(nul, "sans_objet"),
        motif=motif.where(valeur.isna(), "").mask(nul, f"aucune naissance en {debut - 2}-{debut}"),
        maille_source="commune",
        annee=fin,
        millesime=f"{debut - 2}-{debut} et {fin - 2}-{fin}",
    )


def couverture_rpe(contexte: Contexte, ligne: pd.Series) -> pd.DataFrame:
    """Part des enfants d'une commune couverte par un relais : un minorant tant que la liste n'est pas complète.

    Une commune sans relais connu peut être couverte par celui d'à côté : la base des équipements ne le dit pas.
    """
    table = rapport_de_sommes(contexte, ligne, partie=True)
    enfants = contexte.somme_alignee(ligne["denominateur"], table["annee"])["valeur"]
    couverts = contexte.somme(ligne["numerateur"])["bas"]
    minorant = 100 * couverts / enfants.where(enfants > 0)
    muet = table["statut"].eq("non_disponible") & minorant.notna()
    table["bas"] = table["bas"].mask(muet, minorant)
    table["haut"] = table["haut"].mask(muet, 100.0)
    raison = "un relais couvre aussi des communes où il n'est pas ; " + a_apporter(ligne)
    # Les communes où un relais est connu ne disent pas où s'arrête la source : elles n'en sont pas le champ.
    inconnu = table["statut"].eq("non_disponible") & contexte.somme(ligne["numerateur"])["valeur"].isna()
    table["motif"] = table["motif"].mask(inconnu, raison).mask(muet, "minorant : " + raison)
    return table.astype({"bas": np.float64, "haut": np.float64})
